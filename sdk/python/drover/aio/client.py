"""The client for asyncio programs."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from typing import Any, Awaitable, Callable, Coroutine, Dict, List, Optional, Set, TypeVar

from ..channel import open_channel, watch_fork
from ..core import health
from ..core.application import Application, no_handler, too_slow
from ..core.ending import Ending, keep_sigterm
from ..core.handlers import Handlers
from ..core.health import Check
from ..core.session import Incoming, Session, target
from ..errors import DroverError
from ..messages import Arrival, Cancel, Delivery, Event, Ping, Request, Result, Shutdown
from .cache import Cache
from .delay import LoopDelay

H = TypeVar("H", bound=Callable[..., Any])

log = logging.getLogger("drover")

_HELLO_SECONDS = 30.0
_METRICS_SECONDS = 1.0
_CLOSE_SECONDS = 1.0
_TASKS = 10000  # handlers under way; what comes beyond is refused


async def connect() -> Client:
    """Opens the channel of this process for the running event loop."""
    client = Client()
    await client._open()
    return client


class Client(Application, asyncio.Protocol):
    """The channel to drover, for one event loop. Only ``metrics`` may be used from other threads.

    Handlers may be functions or coroutine functions; the latter run as tasks, beside one another.
    """

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(Session(time.monotonic), Ending(loop.call_soon_threadsafe))
        channel = open_channel()
        self._key = channel.key
        self._socket = channel.socket
        self._loop = loop
        self._transport: Optional[asyncio.Transport] = None
        self._lost = self._loop.create_future()
        self._flushing = False
        self._requests: Dict[int, Request] = {}
        self._answers: Dict[int, asyncio.Task[None]] = {}
        self._tasks: Set[asyncio.Task[Any]] = set()
        self._delay = LoopDelay(self._loop)
        self._ticking: Optional[asyncio.TimerHandle] = None
        self.cache = Cache(self, "default")

    async def _open(self) -> None:
        await self._loop.create_unix_connection(lambda: self, sock=self._socket)
        watch_fork(self)
        try:
            await asyncio.wait_for(self._call(self._session.hello, self._key), _HELLO_SECONDS)
        except asyncio.TimeoutError:
            await self.close()
            raise DroverError("timeout", f"drover has not answered within {_HELLO_SECONDS:g} s") from None
        except BaseException:
            await self.close()
            raise
        self._tick()

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

    async def close(self) -> None:
        """Hands in the last numbers and closes the channel."""
        if self._closed is None:
            self._push_metrics()
            self._flush()
        transport = self._transport
        self._end(DroverError("closed", "the channel to drover is closed"))
        if transport is not None:
            transport.close()
            await asyncio.wait({self._lost}, timeout=_CLOSE_SECONDS)
            transport.abort()

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
        number = self._do(self._session.request, target(worker, pool, pick), type, data, timeout, _settle(future))
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

    # The way to the session.

    def _call(self, ask: Callable[..., Any], *args: Any) -> Awaitable[Any]:
        future = self._loop.create_future()
        self._do(ask, *args, _settle(future))
        return future

    def _do(self, ask: Callable[..., Any], *args: Any) -> Any:
        self._check()
        made = ask(*args)
        self._flush_soon()
        return made

    def _flush_soon(self) -> None:
        """Writes at the end of this turn of the loop: what is asked for in one turn leaves together."""
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        if self._closed is None and self._transport is not None:
            data = self._session.take()
            if data:
                self._transport.write(data)

    def _tick(self) -> None:
        self._push_metrics()
        self._ticking = self._loop.call_later(_METRICS_SECONDS, self._tick)

    def _push_metrics(self) -> None:
        changes = self.metrics.changes()
        if changes is not None:
            try:
                self._do(self._session.metrics, changes)
            except DroverError as error:
                log.error("numbers are not handed in: %s", error)

    def _end(self, error: DroverError) -> None:
        if self._closed is None:
            self._closed = error
            self._session.close(error)
            self._delay.stop()
            if self._ticking is not None:
                self._ticking.cancel()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Part of asyncio.Protocol."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, error: Optional[Exception]) -> None:
        """Part of asyncio.Protocol."""
        reason = f"the channel to drover broke: {error}" if error else "drover has closed the channel"
        self._end(DroverError("closed", reason))
        if not self._lost.done():
            self._lost.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Part of asyncio.Protocol."""
        for item in self._session.feed(data):
            self._dispatch(item)
        self._flush_soon()

    def _dispatch(self, item: Incoming) -> None:
        if isinstance(item, Arrival):
            self._take(item)
        elif isinstance(item, Event):
            for function in self._events.all(item.kind):
                self._run(function, item, item.kind)
        elif isinstance(item, Request):
            self._begin_answer(item)
        elif isinstance(item, Cancel):
            self._cancel(item.id)
        elif isinstance(item, Ping):
            self._spawn(self._pong(item.id))
        elif isinstance(item, Shutdown):
            self._ending.begin(item.grace_seconds)

    # Handlers.

    def _take(self, arrival: Arrival) -> None:
        functions, refusal = self._functions(arrival)
        if refusal is None and self._full():
            refusal = too_slow()
        if refusal is None:
            message = arrival.message
            failures = [self._run(function, message, message.type) for function in functions]
            refusal = next(filter(None, failures), None)
        # The loop calls in order: by then a coroutine has begun, and so have those of the messages before.
        self._loop.call_soon(self._answer_message, arrival, refusal)

    def _answer_message(self, arrival: Arrival, refusal: Optional[Exception]) -> None:
        if refusal is None:
            self._session.ack(arrival)
        else:
            self._session.nack(arrival, refusal)
        self._flush_soon()

    def _full(self) -> bool:
        return len(self._tasks) >= _TASKS

    def _run(self, function: Callable[[Any], Any], item: Any, name: str) -> Optional[Exception]:
        try:
            made = function(item)
        except Exception as error:
            log.exception("the handler of %s failed", name)
            return error
        if inspect.isawaitable(made):
            self._spawn(self._quietly(made, name))
        return None

    async def _quietly(self, made: Awaitable[Any], name: str) -> None:
        try:
            await made
        except Exception:
            log.exception("the handler of %s failed", name)

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = self._loop.create_task(work)
        self._tasks.add(task)  # the loop itself does not keep it
        task.add_done_callback(self._tasks.discard)
        return task

    def _begin_answer(self, request: Request) -> None:
        function = self._handlers.best(request.type)
        if function is None:
            self._session.respond_error(request, no_handler(request.type))
        elif self._full():
            self._session.respond_error(request, too_slow())
        else:
            self._requests[request.id] = request
            self._answers[request.id] = self._spawn(self._answer(request, function))

    async def _answer(self, request: Request, function: Callable[[Any], Any]) -> None:
        try:
            made = function(request)
            if inspect.isawaitable(made):
                made = await made
        except DroverError as error:
            self._respond(request, error, None)
        except Exception as error:
            log.exception("the handler of %s failed", request.type)
            self._respond(request, error, None)
        else:
            self._respond(request, None, made)
        finally:
            del self._requests[request.id], self._answers[request.id]

    def _respond(self, request: Request, error: Optional[Exception], data: Any) -> None:
        if request.cancelled or self._closed is not None:
            return
        if error is None:
            self._session.respond(request, data)
        else:
            self._session.respond_error(request, error)
        self._flush_soon()

    def _cancel(self, number: int) -> None:
        request = self._requests.get(number)
        if request is not None:
            request.cancelled = True
            self._answers[number].cancel()

    async def _pong(self, number: int) -> None:
        checks = await asyncio.gather(*map(self._outcome, self._checks.all()))
        if self._closed is None:
            self._session.pong(number, list(checks), self._delay.take())
            self._flush_soon()

    async def _outcome(self, check: Check) -> Dict[str, Any]:
        begin = time.monotonic()
        try:
            made = check.run()
            if inspect.isawaitable(made):
                task = asyncio.ensure_future(made)
                await asyncio.wait({task}, timeout=check.timeout)
                if not task.done():
                    task.cancel()
                    return health.late(check)
                made = task.result()
        except Exception as error:
            return health.failed(check, time.monotonic() - begin, error)
        return health.passed(check, time.monotonic() - begin, made)


def _settle(future: asyncio.Future[Any]) -> Callable[[Optional[DroverError], Any], None]:
    def done(error: Optional[DroverError], data: Any) -> None:
        if future.done():
            return  # cancelled: nobody waits
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(data)

    return done
