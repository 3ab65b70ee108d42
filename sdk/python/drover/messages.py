"""What is sent and what arrives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional


@dataclass(frozen=True)
class Worker:
    """Who this process is: ``app-3.7`` is generation 7 of slot 3 of the pool app."""

    id: str
    pool: str
    slot: int
    generation: int


@dataclass
class Message:
    """A message from another worker, or from drover (``sender`` is then ``drover``).

    ``type`` is the topic where ``is_topic`` is true.
    """

    type: str
    data: Any
    sender: str
    is_topic: bool = False


@dataclass
class Request(Message):
    """A request; what its handler returns is the answer. ``cancelled`` turns true when nobody waits any more."""

    id: int = 0
    cancelled: bool = False


@dataclass(frozen=True)
class Event:
    """Something that happened in the cluster; ``kind`` is one of those of ``drover events``, or ``message``."""

    kind: str
    subject: str
    time: str
    message: str = ""
    data: Any = None
    attributes: Dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Delivery:
    """Where a message went, and whether that worker acknowledged it (it does not where it has no SDK)."""

    worker: str
    acknowledged: bool


@dataclass(frozen=True)
class Failure:
    """A worker that did not get a message, or did not say so."""

    worker: str
    code: str
    message: str


@dataclass(frozen=True)
class Result:
    """What became of a broadcast or a publish.

    ``received`` workers acknowledged it, to ``sent`` ones it was written (they have no SDK), ``failed`` did not get it.
    """

    received: int
    sent: int
    failed: List[Failure]


def result_of(data: Dict[str, Any]) -> Result:
    """The result that a reply carries."""
    failed = [Failure(f["worker"], f["code"], f.get("message", "")) for f in data.get("failed") or []]
    return Result(data["received"], data["sent"], failed)


def delivery_of(data: Dict[str, Any]) -> Delivery:
    """The delivery that a reply carries."""
    return Delivery(data["worker"], data["acknowledged"])


def event_of(frame: Dict[str, Any]) -> Event:
    """The event that a frame carries."""
    return Event(
        kind=frame.get("kind", ""),
        subject=frame.get("subject", ""),
        time=frame.get("time", ""),
        message=frame.get("message", ""),
        data=frame.get("data"),
        attributes=frame.get("attrs") or {},
    )


def worker_of(data: Dict[str, Any]) -> Worker:
    """Who the reply to hello says we are."""
    return Worker(data["worker"], data["pool"], data["slot"], data["generation"])


# What a session hands to its client beside Message, Request and Event.


@dataclass
class Arrival:
    """A message to hand to the handlers, or (``refusal``) one to refuse in its turn.

    ``seq`` is None where nobody waits for an ack.
    """

    seq: Optional[int]
    message: Message
    size: int
    refusal: Optional[Exception] = None


@dataclass(frozen=True)
class Cancel:
    """Nobody waits for the answer to this request any more."""

    id: int


@dataclass(frozen=True)
class Ping:
    """drover asks how this worker is."""

    id: int


@dataclass(frozen=True)
class Collect:
    """The worker uses much memory and is to collect its garbage."""


@dataclass(frozen=True)
class Shutdown:
    """The worker is to end; it will be killed after ``grace_seconds``."""

    grace_seconds: Optional[float]
