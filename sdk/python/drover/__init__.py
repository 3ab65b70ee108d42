"""What a program that runs under drover may use: messages, the shared cache, readiness, health and numbers.

The functions here are for programs with threads. They use one channel, which is opened when it is first needed.
``drover.aio`` has the same for asyncio.
"""

from __future__ import annotations

import atexit
import threading
from typing import TYPE_CHECKING, Any, Optional

from .core.metrics import Counter, Gauge, Histogram, Metrics
from .errors import DroverError
from .messages import Delivery, Event, Failure, Message, Request, Result, Worker
from .threads.cache import Cache
from .threads.client import Client

__all__ = [
    "Cache",
    "Client",
    "Counter",
    "Delivery",
    "DroverError",
    "Event",
    "Failure",
    "Gauge",
    "Histogram",
    "Message",
    "Metrics",
    "Request",
    "Result",
    "Worker",
    "broadcast",
    "broadcast_to_workers",
    "cache",
    "close",
    "connect",
    "events",
    "health",
    "metrics",
    "on",
    "on_shutdown",
    "publish",
    "ready",
    "request",
    "send_to",
    "send_to_random",
    "send_to_random_worker",
    "subscribe",
    "unsubscribe",
    "worker",
]

_client: Optional[Client] = None
_lock = threading.RLock()


def connect() -> Client:
    """This process's client; the channel is opened the first time, and again after ``close``."""
    global _client
    with _lock:
        if _client is None:
            _client = Client()
            atexit.register(_client.close)
        return _client


def close() -> None:
    """Closes the channel."""
    global _client
    with _lock:
        client, _client = _client, None
    if client is not None:
        atexit.unregister(client.close)
        client.close()


if TYPE_CHECKING:
    _typed: Client
    broadcast = _typed.broadcast
    broadcast_to_workers = _typed.broadcast_to_workers
    cache = _typed.cache
    events = _typed.events
    health = _typed.health
    metrics = _typed.metrics
    on = _typed.on
    on_shutdown = _typed.on_shutdown
    publish = _typed.publish
    ready = _typed.ready
    request = _typed.request
    send_to = _typed.send_to
    send_to_random = _typed.send_to_random
    send_to_random_worker = _typed.send_to_random_worker
    subscribe = _typed.subscribe
    unsubscribe = _typed.unsubscribe
    worker = _typed.worker
else:

    def __getattr__(name: str) -> Any:
        # What the client has is also here: drover.ready(), drover.cache, drover.worker.
        if name in __all__:
            return getattr(connect(), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
