"""One conversation with drover: bytes in, bytes out, no clock of its own and no socket."""

from __future__ import annotations

import json
import logging
from typing import Any, Callable, Dict, List, Optional, Union

from ..errors import DroverError, of_handler
from ..messages import (
    Arrival,
    Cancel,
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
from .batch import Batch, Done
from .keyring import Keyring
from .limits import Limits
from .names import check_pattern, check_type, pool_of
from .near import NearCopies
from .pending import Pending
from .schema import Schemas
from .wire import Lines, Raw, array, encode, frame

CLIENT = "python/1.0.0"
VERSION = 1
_BATCH = 1000  # operations in one frame

Incoming = Union[Arrival, Request, Cancel, Event, Ping, Shutdown]

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
        self.limits = Limits()
        self.worker: Optional[Worker] = None
        self._clock = clock
        self._lines = Lines()
        self._out: List[bytes] = []
        self._pending = Pending()
        self._batch = Batch()
        self._acked: Optional[int] = None
        self._near: Dict[str, NearCopies] = {}
        self._keyring = Keyring()
        self._schemas = Schemas({})
        self._verbs: Dict[str, Callable[[Dict[str, Any], int], Optional[Incoming]]] = {
            "reply": self._on_reply,
            "message": self._on_message,
            "request": self._on_request,
            "cancel": lambda f, _: Cancel(f["id"]),
            "event": lambda f, _: event_of(f),
            "ping": lambda f, _: Ping(f["id"]),
            "shutdown": lambda f, _: Shutdown(f.get("graceSeconds")),
            "drop": self._on_drop,
            "keys": self._on_keys,
        }

    # What is written and read.

    def take(self) -> bytes:
        """What is to be written now: each frame that was queued, and one ack for all messages handed on."""
        self._seal_batch()
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
        self._batch.finish(error, None)
        self._batch = Batch()
        for near in self._near.values():
            near.drop_all()

    # Who we are.

    def hello(self, key: Optional[str], done: Done) -> None:
        """Asks who this worker is; ``worker`` and ``limits`` are set when it is done."""
        number = self._pending.add(done, self._welcome)
        self._queue(frame("hello", id=number, version=VERSION, client=CLIENT, acks=True, key=key))

    def _welcome(self, reply: Dict[str, Any]) -> Worker:
        data = reply["data"]
        self.worker = worker_of(data)
        self.limits = Limits.from_hello(data)
        self._schemas = Schemas(self.limits.schemas)
        if self.limits.encryption and not keyring.available():
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
        payload = self._payload(check_type(kind), data, self._pool(target))
        number = self._pending.add(done, lambda reply: delivery_of(reply["data"]))
        self._ask(number, frame("send", id=number, **target, type=kind, **payload))

    def broadcast(self, pool: Optional[str], kind: str, data: Any, done: Done) -> None:
        """Sends a message to all workers of a pool (None: our own, ``*``: all)."""
        payload = self._payload(check_type(kind), data, self._pool({"pool": pool} if pool else {}))
        number = self._pending.add(done, lambda reply: result_of(reply["data"]))
        self._ask(number, frame("broadcast", id=number, pool=pool, type=kind, **payload))

    def publish(self, topic: str, data: Any, done: Done) -> None:
        """Sends a message to all that subscribed to the topic."""
        payload = self._payload(check_type(topic), data, "*")
        number = self._pending.add(done, lambda reply: result_of(reply["data"]))
        self._ask(number, frame("publish", id=number, topic=topic, **payload))

    def request(self, target: Dict[str, str], kind: str, data: Any, timeout: Optional[float], done: Done) -> int:
        """Asks one worker; returns the number to cancel by."""
        if timeout is not None and not 0.001 <= timeout <= 3600:
            raise DroverError("bad-frame", f"timeout is {timeout} seconds; it must be between 0.001 and 3600")
        wait = None if timeout is None else round(timeout * 1000)
        payload = self._payload(check_type(kind), data, self._pool(target))
        number = self._pending.add(done, lambda reply: self._unpack(reply, kind))
        self._ask(number, frame("request", id=number, **target, type=kind, **payload, timeoutMs=wait))
        return number

    def cancel(self, number: int) -> None:
        """Ends a request; its ``done`` is told ``cancelled``."""
        self._queue(frame("cancel", id=number))

    def respond(self, request: Request, data: Any) -> None:
        """Answers a request. Data that cannot be sent becomes an error response."""
        try:
            payload = self._payload(request.type, data, pool_of(request.sender))
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

    # The shared cache.

    def operate(self, op: Raw, done: Done, alone: bool = False) -> None:
        """Does an operation of the cache, in one frame with others, or alone where it may have to wait."""
        if len(op) > self.limits.max_line_bytes - 1024:
            raise DroverError("too-large", f"the operation has {len(op)} bytes")
        if alone or len(self._batch.ops) >= _BATCH or self._batch.size + len(op) > self.limits.max_message_bytes:
            self._seal_batch()
        self._pending.check()
        self._batch.add(op, done)
        if alone:
            self._seal_batch()

    def near(self, namespace: str) -> NearCopies:
        """The near copies of a namespace; drover is asked for them the first time."""
        known = self._near.get(namespace)
        if known is not None:
            return known
        copies = self._near[namespace] = NearCopies(self._clock)

        def begun(error: Optional[DroverError], _: Any) -> None:
            copies.active = error is None

        self.operate(array("near", namespace, True), begun)
        return copies

    def fetch(self, namespace: str, keys: List[str], op: Raw, done: Done, alone: bool = False) -> None:
        """An operation that brings the values of keys: those are kept where near copies are on."""
        copies = self._near.get(namespace)
        if copies is None:
            self.operate(op, done, alone)
            return
        near = copies
        flights = [(key, near.begin(key)) for key in keys]

        def landed(error: Optional[DroverError], result: Any) -> None:
            results = result if len(keys) != 1 or op.startswith(b'["getMany"') else [result]
            for (key, flight), one in zip(flights, results or [None] * len(keys)):
                near.end(key, flight, one)
            done(error, result)

        try:
            self.operate(op, landed, alone)
        except DroverError as error:
            for key, flight in flights:
                near.end(key, flight, None)
            raise error

    def lease(self, namespace: str, key: str, op: Raw, done: Done) -> None:
        """A lease. It may have to wait, so it goes alone: a frame is answered when its last operation is done."""
        self.fetch(namespace, [key], op, done, alone=True)

    def change(self, namespace: str, key: Optional[str], op: Raw, done: Done) -> None:
        """An operation that changes a key, or (None) any key of the namespace."""
        copies = self._near.get(namespace)
        if copies is None:
            self.operate(op, done)
            return
        near = copies

        def forget() -> None:
            if key is None:
                near.drop_all()
            else:
                near.drop(key)

        def changed(error: Optional[DroverError], result: Any) -> None:
            forget()  # what was asked for before the change came in
            done(error, result)

        forget()  # so that what this worker writes it does not read in the old state
        self.operate(op, changed)

    # What comes from drover.

    def _on_reply(self, reply: Dict[str, Any], size: int) -> None:
        self._pending.answer(reply)

    def _on_message(self, message: Dict[str, Any], size: int) -> Arrival:
        is_topic = "topic" in message
        kind = message["topic"] if is_topic else message["type"]
        arrived = Message(kind, None, message["from"], is_topic)
        arrival = Arrival(message.get("seq"), arrived, size)
        try:
            arrived.data = self._arrived(message, kind)
        except DroverError as error:
            arrival.refusal = error
        return arrival

    def _on_request(self, message: Dict[str, Any], size: int) -> Optional[Request]:
        request = Request(message["type"], None, message["from"], id=message["id"])
        try:
            request.data = self._arrived(message, request.type)
        except DroverError as error:
            self.respond_error(request, error)
            return None
        return request

    def _on_drop(self, drop: Dict[str, Any], size: int) -> None:
        copies = self._near.get(drop["namespace"])
        if copies is None:
            return
        if drop.get("all"):
            copies.drop_all()
        for key in drop.get("keys") or ():
            copies.drop(key)

    def _on_keys(self, keys: Dict[str, Any], size: int) -> None:
        self._keyring.load(keys)

    # Payloads.

    def _pool(self, target: Dict[str, str]) -> str:
        if "worker" in target:
            return pool_of(target["worker"])
        return target.get("pool") or (self.worker.pool if self.worker else "")

    def _payload(self, kind: str, data: Any, pool: str) -> Dict[str, Any]:
        text = encode(data)
        self.limits.check_size(text)
        self.limits.check_depth(data, text)
        if not self.limits.encryption or self.worker is None:
            return {"data": text}
        me = self.worker.id
        if pool != "*":
            return {"jwe": self._seal(pool, me, kind, text)}
        return {"jwe": {to: self._seal(to, me, kind, text) for to in self._keyring.pools()}}

    def _seal(self, pool: str, me: str, kind: str, text: bytes) -> str:
        jwe = self._keyring.seal(pool, me, kind, text)
        self.limits.check_size(jwe.encode())
        return jwe

    def _unpack(self, message: Dict[str, Any], kind: str) -> Any:
        if "jwe" not in message:
            if self.limits.encryption:
                raise DroverError("refused", "the payload is not encrypted")
            return message.get("data")
        return self._keyring.open(message["jwe"], message["from"], kind)

    def _arrived(self, message: Dict[str, Any], kind: str) -> Any:
        data = self._unpack(message, kind)
        if "jwe" in message:  # what drover can read it has checked
            self._schemas.check(kind, data)
        return data

    # The queue.

    def _ask(self, number: int, line: bytes) -> None:
        try:
            self._queue(line)
        except DroverError:
            self._pending.forget(number)
            raise

    def _queue(self, line: bytes) -> None:
        self._check_line(line)
        self._seal_batch()  # frames leave in the order in which they were made
        self._out.append(line)

    def _check_line(self, line: bytes) -> None:
        if len(line) > self.limits.max_line_bytes:
            raise DroverError("too-large", f"the frame has {len(line)} bytes")

    def _seal_batch(self) -> None:
        if self._batch.ops:
            batch, self._batch = self._batch, Batch()
            number = self._pending.add(batch.finish)
            self._out.append(frame("cache", id=number, ops=Raw(batch.text())))


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
