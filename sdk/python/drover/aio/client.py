"""The client for asyncio programs."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any, Callable, List, Optional, TypeVar

from ..core.ending import keep_sigterm
from ..core.handlers import Handlers
from ..core.session import target
from ..errors import DroverError
from ..messages import Delivery, Result
from .cache import Cache
from .desk import Desk
from .link import settle

H = TypeVar("H", bound=Callable[..., Any])


async def connect() -> Client:
    """Opens the channel of this process for the running event loop."""
    client = Client()
    await client._open()
    return client


class Client(Desk):
    """The channel to drover, for one event loop. Only ``metrics`` may be used from other threads.

    Handlers may be functions or coroutine functions; the latter run as tasks, beside one another.
    """

    def __init__(self) -> None:
        super().__init__()
        self.cache = Cache(self, "default")

    # Who we are, beginning and end.

    def ready(self) -> None:
        """Says that the worker is ready for requests."""
        self._do(self._session.ready)

    def on_shutdown(self, function: H) -> H:
        """Has a function called, once, when the worker is to end; it must bring the end about.

        SIGTERM no longer ends the program by itself, if nothing else handles it and this is the main thread.
        """

        def call() -> None:
            made = function()
            if inspect.isawaitable(made):
                self._spawn(self._quietly(made, "shutdown"))

        self._ending.add(call)
        keep_sigterm(lambda: self._ending.begin(None), lambda: self._closed is not None)
        return function

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    # Messages.

    async def broadcast(self, type: str, data: Any = None, *, pool: Optional[str] = None) -> Result:
        """Sends a message to all workers of a pool (None: our own, ``*``: every one) but this one."""
        result: Result = await self._call(self._session.broadcast, pool, type, data)
        return result

    async def send_to(self, worker: str, type: str, data: Any = None) -> Delivery:
        """Sends a message to one worker: ``app-2``, or ``app-2.7`` for a generation."""
        delivery: Delivery = await self._call(self._session.send, {"worker": worker}, type, data)
        return delivery

    async def send_to_random(
        self, type: str, data: Any = None, *, pool: Optional[str] = None, pick: str = "random"
    ) -> Delivery:
        """Sends a message to one worker of a pool (None: our own), by ``random`` or ``least-busy``."""
        delivery: Delivery = await self._call(self._session.send, target(None, pool, pick), type, data)
        return delivery

    broadcast_to_workers = broadcast
    send_to_random_worker = send_to_random

    async def request(
        self,
        type: str,
        data: Any = None,
        *,
        worker: Optional[str] = None,
        pool: Optional[str] = None,
        pick: str = "random",
        timeout: Optional[float] = None,
    ) -> Any:
        """Asks one worker, given by name or as one of a pool, and returns its answer. ``timeout`` is in seconds.

        To cancel the task that waits cancels the request, too.
        """
        future = self._loop.create_future()
        number = self._do(self._session.request, target(worker, pool, pick), type, data, timeout, settle(future))
        try:
            return await future
        except asyncio.CancelledError:
            if self._closed is None:
                self._do(self._session.cancel, number)
            raise

    async def publish(self, topic: str, data: Any = None) -> Result:
        """Sends a message to all workers that subscribed to a topic."""
        result: Result = await self._call(self._session.publish, topic, data)
        return result

    async def subscribe(self, topic: str, handler: Callable[[Any], Any]) -> None:
        """Has messages of a topic (or a pattern) handled."""
        self._topics.add(topic, self._callable(handler))
        await self._subscribe(self._topics, topic, [topic], [])

    async def unsubscribe(self, topic: str) -> None:
        """Ends what ``subscribe`` began."""
        self._topics.remove(topic)
        await self._call(self._session.subscribe, False, [topic], [])

    async def events(self, kind: str, handler: Callable[[Any], Any]) -> None:
        """Has events of a kind (or a pattern, ``worker-*``) handled."""
        self._events.add(kind, self._callable(handler))
        await self._subscribe(self._events, kind, [], [kind])

    async def _subscribe(self, handlers: Handlers, pattern: str, topics: List[str], events: List[str]) -> None:
        try:
            await self._call(self._session.subscribe, True, topics, events)
        except DroverError:
            handlers.remove(pattern)
            raise
