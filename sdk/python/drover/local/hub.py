"""drover's side of the channel for a cluster of one worker."""

from __future__ import annotations

import json
import os
from typing import Any, Callable, Dict, List, Optional

from ..core.names import check_type, pool_of
from ..core.wire import Lines, frame
from ..errors import DroverError
from .cache import LocalCache
from .store import Store
from .timers import Timers

_REQUEST_SECONDS = 5.0


class LocalHub:
    """Answers one worker as drover would if that worker were alone."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.worker = os.environ.get("DROVER_WORKER_ID") or "app-1.1"
        self._lines = Lines()
        self._out: List[bytes] = []
        self._timers = Timers(clock)
        self._cache = LocalCache(Store(clock), self._timers, self._drop)
        self._sequence = 0
        self._unacked: Dict[int, int] = {}  # seq of a message: id of the send
        self._requests: Dict[int, int] = {}  # our number of a request: its id

    def wait(self) -> Optional[float]:
        """How long nothing is due."""
        return self._timers.wait()

    def take(self) -> bytes:
        """What the worker is to read."""
        data = b"".join(line + b"\n" for line in self._out)
        self._out.clear()
        return data

    def feed(self, data: bytes) -> None:
        """Takes what the worker wrote, and does what is due."""
        self._timers.run()
        for line in self._lines.feed(data):
            value = json.loads(line)
            act = getattr(self, "_on_" + value["drover"], None)
            if act is None:
                continue  # ready, pong and metrics: there is nobody to tell
            try:
                act(value)
            except DroverError as error:
                self._fail(value.get("id"), error)

    def _reply(self, number: Optional[int], data: Any) -> None:
        if number is not None:
            self._out.append(frame("reply", id=number, data=data))

    def _fail(self, number: Optional[int], error: DroverError) -> None:
        if number is not None:
            self._out.append(frame("reply", id=number, error={"code": error.code, "message": error.message}))

    def _on_hello(self, hello: Dict[str, Any]) -> None:
        slot, _, generation = self.worker.rpartition("-")[2].partition(".")
        self._reply(
            hello["id"],
            {
                "version": 1,
                "worker": self.worker,
                "pool": pool_of(self.worker),
                "slot": int(slot),
                "generation": int(generation or 1),
                "maxMessageBytes": 1048576,
                "maxDepth": 64,
                "requestTimeoutMs": int(_REQUEST_SECONDS * 1000),
                "cache": True,
                "encryption": "off",
            },
        )

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence

    def _target(self, value: Dict[str, Any]) -> None:
        """A worker can reach itself by its name, and nobody else."""
        check_type(value["type"])
        name = value.get("worker")
        if name is None:
            raise DroverError("no-target", "there is no other worker: this process does not run under drover")
        if name not in (self.worker, self.worker.rpartition(".")[0]):
            raise DroverError("no-target", f"there is no worker {name}: this process does not run under drover")

    def _on_send(self, send: Dict[str, Any]) -> None:
        self._target(send)
        seq = self._next()
        self._unacked[seq] = send["id"]
        message = {"from": self.worker, "type": send["type"], "data": send["data"]}
        self._out.append(frame("message", seq=seq, **message))

    def _on_ack(self, ack: Dict[str, Any]) -> None:
        for seq in [seq for seq in self._unacked if seq <= ack["seq"]]:
            self._reply(self._unacked.pop(seq), {"worker": self.worker, "acknowledged": True})

    def _on_nack(self, nack: Dict[str, Any]) -> None:
        number = self._unacked.pop(nack["seq"], None)
        self._on_ack(nack)
        self._fail(number, DroverError(nack["error"]["code"], nack["error"]["message"]))

    def _on_broadcast(self, broadcast: Dict[str, Any]) -> None:
        self._reply(broadcast["id"], {"received": 0, "sent": 0, "failed": []})

    _on_publish = _on_broadcast

    def _on_subscribe(self, subscribe: Dict[str, Any]) -> None:
        self._reply(subscribe["id"], True)

    _on_unsubscribe = _on_subscribe

    def _on_request(self, request: Dict[str, Any]) -> None:
        self._target(request)
        number = self._next()
        self._requests[number] = request["id"]
        arrived = {"from": self.worker, "type": request["type"], "data": request["data"]}
        self._out.append(frame("request", id=number, **arrived))
        seconds = request["timeoutMs"] / 1000 if "timeoutMs" in request else _REQUEST_SECONDS
        late = DroverError("timeout", f"no answer within {seconds:g} s")
        self._timers.after(seconds, lambda: self._end(number, late))

    def _on_response(self, response: Dict[str, Any]) -> None:
        number = self._requests.pop(response["id"], None)
        if number is None:
            return
        outcome = {name: response[name] for name in ("data", "error") if name in response}
        self._out.append(frame("reply", id=number, **{"from": self.worker}, **outcome))

    def _on_cancel(self, cancel: Dict[str, Any]) -> None:
        for number, asked in list(self._requests.items()):
            if asked == cancel["id"]:
                self._end(number, DroverError("cancelled", "the request was cancelled"))

    def _end(self, number: int, error: DroverError) -> None:
        if number in self._requests:
            self._fail(self._requests.pop(number), error)
            self._out.append(frame("cancel", id=number))

    def _on_cache(self, cache: Dict[str, Any]) -> None:
        number = cache.get("id")
        self._cache.serve(cache["ops"], lambda results: self._reply(number, results))

    def _drop(self, drop: Dict[str, Any]) -> None:
        self._out.append(frame("drop", **drop))
