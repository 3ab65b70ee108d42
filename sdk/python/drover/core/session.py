"""One conversation with drover: bytes in, bytes out, no clock of its own and no socket."""

from __future__ import annotations

import json
import logging
from typing import Any, Callable, Dict, List, Optional, Union

from ..errors import DroverError, of_handler
from ..messages import (
    Arrival,
    Cancel,
    Collect,
    Event,
    Message,
    Ping,
    Request,
    Shutdown,
    Worker,
    delivery_of,
    event_of,
    result_of,
    worker_of,
)
from . import keyring
from .batch import Done
from .limits import Limits
from .names import check_pattern, check_type
from .payload import Payloads
from .pending import Pending
from .pipeline import Pipeline
from .wire import Lines, frame

CLIENT = "python/1.0.0"
VERSION = 1

Incoming = Union[Arrival, Request, Cancel, Event, Ping, Collect, Shutdown]

log = logging.getLogger("drover")


def ignore(error: Optional[DroverError], data: Any) -> None:
    """Is told how something ended that nobody asks about."""


class Session:
    """The worker's side of the protocol.

    ``feed`` takes what was read and returns what the application must handle; ``take`` returns what is to be
    written. Everything else puts frames into the queue; ``done`` is called from ``feed`` or ``close``.
    One thread at a time may use it.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.worker: Optional[Worker] = None
        self._lines = Lines()
        self._out: List[bytes] = []
        self._pending = Pending()
        self._acked: Optional[int] = None
        self._payloads = Payloads()
        self.cache = Pipeline(clock, self._pending, self._out.append)
        self._verbs: Dict[str, Callable[[Dict[str, Any], int], Optional[Incoming]]] = {
            "reply": self._on_reply,
            "message": self._on_message,
            "request": self._on_request,
            "cancel": lambda f, _: Cancel(f["id"]),
            "event": lambda f, _: event_of(f),
            "ping": lambda f, _: Ping(f["id"]),
            "gc": lambda f, _: Collect(),
            "shutdown": lambda f, _: Shutdown(f.get("graceSeconds")),
            "drop": self._on_drop,
            "keys": self._on_keys,
        }

    @property
    def limits(self) -> Limits:
        """What drover takes."""
        return self._payloads.limits

    # What is written and read.

    def take(self) -> bytes:
        """What is to be written now: each frame that was queued, and one ack for all messages handed on."""
        self.cache.flush()
        if self._acked is not None:
            self._out.append(frame("ack", seq=self._acked))
            self._acked = None
        if not self._out:
            return b""
        self._out.append(b"")
        data = b"\n".join(self._out)
        self._out.clear()
        return data

    def feed(self, data: bytes) -> List[Incoming]:
        """Takes what was read; returns what the application must handle, in order."""
        incoming: List[Incoming] = []
        for line in self._lines.feed(data):
            try:
                value = json.loads(line)
                verb = self._verbs.get(value["drover"])
                item = verb(value, len(line)) if verb else None
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                log.error("drover sent a frame that is not readable: %r: %.200r", error, line)
                continue
            if item is not None:
                incoming.append(item)
        return incoming

    def close(self, error: DroverError) -> None:
        """Ends the conversation: everything that waits fails."""
        self._pending.close(error)
        self.cache.close(error)

    # Who we are.

    def hello(self, key: Optional[str], done: Done) -> None:
        """Asks who this worker is; ``worker`` and ``limits`` are set when it is done."""
        number = self._pending.add(done, self._welcome)
        self._queue(frame("hello", id=number, version=VERSION, client=CLIENT, acks=True, key=key))

    def _welcome(self, reply: Dict[str, Any]) -> Worker:
        data = reply["data"]
        self.worker = worker_of(data)
        limits = self.cache.limits = Limits.from_hello(data)
        self._payloads.welcome(self.worker, limits)
        if limits.encryption and not keyring.available():
            log.warning("%s; until then no message can be sent or received", keyring.MISSING)
        return self.worker

    def ready(self) -> None:
        """Says that the worker is ready."""
        self._queue(frame("ready"))

    def pong(self, number: int, checks: List[Dict[str, Any]], loop_delay_ms: Optional[float] = None) -> None:
        """Answers a ping."""
        self._queue(frame("pong", id=number, loopDelayMs=loop_delay_ms, checks=checks or None))

    def metrics(self, metrics: List[Dict[str, Any]]) -> None:
        """Hands in numbers."""
        self._queue(frame("metrics", metrics=metrics))

    # Messages.

    def send(self, target: Dict[str, str], kind: str, data: Any, done: Done) -> None:
        """Sends a message to one worker."""
        payload = self._payloads.to(target, check_type(kind), data)
        number = self._pending.add(done, lambda reply: delivery_of(reply["data"]))
        self._ask(number, frame("send", id=number, **target, type=kind, **payload))

    def broadcast(self, pool: Optional[str], kind: str, data: Any, done: Done) -> None:
        """Sends a message to all workers of a pool (None: our own, ``*``: all)."""
        payload = self._payloads.to({"pool": pool} if pool else {}, check_type(kind), data)
        number = self._pending.add(done, lambda reply: result_of(reply["data"]))
        self._ask(number, frame("broadcast", id=number, pool=pool, type=kind, **payload))

    def publish(self, topic: str, data: Any, done: Done) -> None:
        """Sends a message to all that subscribed to the topic."""
        payload = self._payloads.to({"pool": "*"}, check_type(topic), data)
        number = self._pending.add(done, lambda reply: result_of(reply["data"]))
        self._ask(number, frame("publish", id=number, topic=topic, **payload))

    def request(self, target: Dict[str, str], kind: str, data: Any, timeout: Optional[float], done: Done) -> int:
        """Asks one worker; returns the number to cancel by."""
        if timeout is not None and not 0.001 <= timeout <= 3600:
            raise DroverError("bad-frame", f"timeout is {timeout} seconds; it must be between 0.001 and 3600")
        wait = None if timeout is None else round(timeout * 1000)
        payload = self._payloads.to(target, check_type(kind), data)
        number = self._pending.add(done, lambda reply: self._payloads.of(reply, kind))
        self._ask(number, frame("request", id=number, **target, type=kind, **payload, timeoutMs=wait))
        return number

    def cancel(self, number: int) -> None:
        """Ends a request; its ``done`` is told ``cancelled``."""
        self._queue(frame("cancel", id=number))

    def respond(self, request: Request, data: Any) -> None:
        """Answers a request. Data that cannot be sent becomes an error response."""
        try:
            payload = self._payloads.to({"worker": request.sender}, request.type, data)
            line = frame("response", id=request.id, **payload)
            self._check_line(line)
        except DroverError as error:
            # So begin the errors after which the requester knows that a handler ran.
            me = self.worker.id if self.worker else ""
            self.respond_error(request, DroverError(error.code, f"the response of worker {me}: {error.message}"))
        else:
            self._queue(line)

    def respond_error(self, request: Request, error: BaseException) -> None:
        """Answers a request with an error."""
        self._queue(frame("response", id=request.id, error=_error(error)))

    def ack(self, arrival: Arrival) -> None:
        """Says that a message and all before it are in the handlers' hands."""
        if arrival.seq is not None:
            self._acked = arrival.seq

    def nack(self, arrival: Arrival, error: BaseException) -> None:
        """Refuses one message, and acknowledges those before it."""
        if arrival.seq is not None:
            self._acked = None
            self._queue(frame("nack", seq=arrival.seq, error=_error(error)))

    def subscribe(self, on: bool, topics: List[str], events: List[str], done: Done) -> None:
        """Begins or ends to receive topics and events."""
        for pattern in topics + events:
            check_pattern(pattern)
        number = self._pending.add(done)
        verb = "subscribe" if on else "unsubscribe"
        self._ask(number, frame(verb, id=number, topics=topics or None, events=events or None))

    # What comes from drover.

    def _on_reply(self, reply: Dict[str, Any], size: int) -> None:
        self._pending.answer(reply)

    def _on_message(self, message: Dict[str, Any], size: int) -> Arrival:
        is_topic = "topic" in message
        kind = message["topic"] if is_topic else message["type"]
        arrived = Message(kind, None, message["from"], is_topic)
        arrival = Arrival(message.get("seq"), arrived, size)
        try:
            arrived.data = self._payloads.checked(message, kind)
        except DroverError as error:
            arrival.refusal = error
        return arrival

    def _on_request(self, message: Dict[str, Any], size: int) -> Optional[Request]:
        request = Request(message["type"], None, message["from"], id=message["id"])
        try:
            request.data = self._payloads.checked(message, request.type)
        except DroverError as error:
            self.respond_error(request, error)
            return None
        return request

    def _on_drop(self, drop: Dict[str, Any], size: int) -> None:
        self.cache.drop(drop)

    def _on_keys(self, keys: Dict[str, Any], size: int) -> None:
        self._payloads.keyring.load(keys)

    # The queue.

    def _ask(self, number: int, line: bytes) -> None:
        try:
            self._queue(line)
        except DroverError:
            self._pending.forget(number)
            raise

    def _queue(self, line: bytes) -> None:
        self._check_line(line)
        self.cache.flush()  # frames leave in the order in which they were made
        self._out.append(line)

    def _check_line(self, line: bytes) -> None:
        if len(line) > self.limits.max_line_bytes:
            raise DroverError("too-large", f"the frame has {len(line)} bytes")


def _error(error: BaseException) -> Dict[str, str]:
    told = of_handler(error)
    return {"code": told.code, "message": told.message[:1000].encode("utf-8", "replace").decode()}


def target(worker: Optional[str], pool: Optional[str], pick: str) -> Dict[str, str]:
    """The members of a frame that say who is meant."""
    if worker is not None:
        if pool is not None:
            raise DroverError("bad-frame", "give a worker or a pool, not both")
        return {"worker": worker}
    if pick not in ("random", "least-busy"):
        raise DroverError("bad-frame", f"pick is {pick!r}; it is random or least-busy")
    made = {} if pool is None else {"pool": pool}
    return made if pick == "random" else {**made, "pick": pick}
