"""The client for programs with threads."""

from __future__ import annotations

from typing import Any, Callable, Optional, TypeVar

from ..core.application import decorated
from ..core.ending import keep_sigterm
from ..core.handlers import Handlers
from ..core.session import target
from ..errors import DroverError
from ..messages import Delivery, Result
from .cache import Cache
from .desk import Desk
from .waiter import Waiter

H = TypeVar("H", bound=Callable[..., Any])


class Client(Desk):
    """The channel to drover, for programs with threads. Every method may be called from any thread.

    Message and event handlers run one after another in one thread, request handlers in eight others.
    """

    def __init__(self) -> None:
        super().__init__()
        self._open()
        self.cache = Cache(self, "default")

    # Who we are, beginning and end.

    def ready(self) -> None:
        """Says that the worker is ready for requests."""
        self._do(self._session.ready)

    def on_shutdown(self, function: H) -> H:
        """Has a function called, once, when the worker is to end; it must bring the end about.

        SIGTERM no longer ends the program by itself, if nothing else handles it and this is the main thread.
        """
        self._ending.add(self._callable(function))
        keep_sigterm(lambda: self._ending.begin(None), lambda: self._closed is not None)
        return function

    def close(self) -> None:
        """Hands in the last numbers and closes the channel."""
        if self._closed is None:
            self._push_metrics()
            self._end(DroverError("closed", "the channel to drover is closed"))

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # Messages.

    def broadcast(self, type: str, data: Any = None, *, pool: Optional[str] = None) -> Result:
        """Sends a message to all workers of a pool (None: our own, ``*``: every one) but this one."""
        result: Result = self._call(self._session.broadcast, pool, type, data)
        return result

    def send_to(self, worker: str, type: str, data: Any = None) -> Delivery:
        """Sends a message to one worker: ``app-2``, or ``app-2.7`` for a generation."""
        delivery: Delivery = self._call(self._session.send, {"worker": worker}, type, data)
        return delivery

    def send_to_random(
        self, type: str, data: Any = None, *, pool: Optional[str] = None, pick: str = "random"
    ) -> Delivery:
        """Sends a message to one worker of a pool (None: our own), by ``random`` or ``least-busy``."""
        delivery: Delivery = self._call(self._session.send, target(None, pool, pick), type, data)
        return delivery

    broadcast_to_workers = broadcast
    send_to_random_worker = send_to_random

    def request(
        self,
        type: str,
        data: Any = None,
        *,
        worker: Optional[str] = None,
        pool: Optional[str] = None,
        pick: str = "random",
        timeout: Optional[float] = None,
    ) -> Any:
        """Asks one worker, given by name or as one of a pool, and returns its answer. ``timeout`` is in seconds."""
        waiter = Waiter()
        number = self._do(self._session.request, target(worker, pool, pick), type, data, timeout, waiter)
        try:
            return waiter.result()
        except BaseException as error:
            if not isinstance(error, DroverError):  # such as KeyboardInterrupt
                self._do(self._session.cancel, number)
            raise

    def publish(self, topic: str, data: Any = None) -> Result:
        """Sends a message to all workers that subscribed to a topic."""
        result: Result = self._call(self._session.publish, topic, data)
        return result

    def subscribe(self, topic: str, handler: Optional[Callable[[Any], Any]] = None) -> Any:
        """Has messages of a topic (or a pattern) handled; also a decorator."""

        def add(function: Callable[[Any], Any]) -> None:
            self._topics.add(topic, self._callable(function))
            self._subscribe(self._topics, topic, True, [topic], [])

        return decorated(add, handler)

    def unsubscribe(self, topic: str) -> None:
        """Ends what ``subscribe`` began."""
        self._topics.remove(topic)
        self._call(self._session.subscribe, False, [topic], [])

    def events(self, kind: str, handler: Optional[Callable[[Any], Any]] = None) -> Any:
        """Has events of a kind (or a pattern, ``worker-*``) handled; also a decorator."""

        def add(function: Callable[[Any], Any]) -> None:
            self._events.add(kind, self._callable(function))
            self._subscribe(self._events, kind, True, [], [kind])

        return decorated(add, handler)

    def _subscribe(self, handlers: Handlers, pattern: str, *args: Any) -> None:
        try:
            self._call(self._session.subscribe, *args)
        except DroverError:
            handlers.remove(pattern)
            raise
