"""What handles what comes, as the event loop allows."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from typing import Any, Awaitable, Callable, Coroutine, Dict, Optional, Set

from ..core import garbage, health
from ..core.application import no_handler, too_slow
from ..core.health import Check
from ..core.session import Incoming
from ..errors import DroverError
from ..messages import Arrival, Cancel, Collect, Event, Ping, Request, Shutdown
from .link import Link

log = logging.getLogger("drover")

_TASKS = 10000  # handlers under way; what comes beyond is refused


class Desk(Link):
    """Functions are called at once, coroutines run as tasks beside one another."""

    def __init__(self) -> None:
        super().__init__()
        self._requests: Dict[int, Request] = {}
        self._answers: Dict[int, asyncio.Task[None]] = {}
        self._tasks: Set[asyncio.Task[Any]] = set()

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
        elif isinstance(item, Collect):
            self._loop.call_soon(garbage.collect)
        elif isinstance(item, Shutdown):
            self._ending.begin(item.grace_seconds)

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
            task = self._answers[request.id] = self._spawn(self._answer(request, function))
            # Its coroutine cannot do it: one that is cancelled before it has begun never runs.
            task.add_done_callback(lambda _: self._forget(request.id))

    def _forget(self, number: int) -> None:
        del self._requests[number], self._answers[number]

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
