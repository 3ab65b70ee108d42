"""The threads that handle what comes."""

from __future__ import annotations

import functools
import inspect
import logging
import queue
import threading
import time
from typing import Any, Callable, Dict, Optional

from ..core import health
from ..core.application import no_handler
from ..core.ending import Ending
from ..core.garbage import collect
from ..core.health import Check
from ..core.session import Incoming
from ..errors import DroverError
from ..messages import Arrival, Cancel, Collect, Event, Ping, Request, Shutdown
from .inbox import Inbox
from .link import Link
from .pool import Threads

log = logging.getLogger("drover")

_REQUESTS = 8  # requests handled at a time
_HEALTH = 64  # more than there can be checks


class Desk(Link):
    """Messages and events go to one thread, in order; requests, checks and the end of the worker have others."""

    def __init__(self) -> None:
        # Its put takes no lock that the code under a signal handler might hold, as the start of a thread does.
        self._endings: queue.SimpleQueue[Optional[Callable[[], None]]] = queue.SimpleQueue()
        super().__init__(Ending(self._endings.put))
        self._inbox = Inbox()
        self._requests: Dict[int, Request] = {}
        self._threads = Threads("drover-request", _REQUESTS)
        self._health = Threads("drover-health", _HEALTH)
        self._checking: set[str] = set()
        for name, work in (("drover-messages", self._handle), ("drover-shutdown", self._run_endings)):
            threading.Thread(target=work, name=name, daemon=True).start()

    def _callable(self, function: Any) -> Any:
        if inspect.iscoroutinefunction(function):
            raise TypeError("this client is for programs with threads; for coroutines there is drover.aio")
        return super()._callable(function)

    def _dispatch(self, item: Incoming) -> None:
        if isinstance(item, (Arrival, Event)):
            self._inbox.put(item)
        elif isinstance(item, Request):
            request = item
            self._requests[request.id] = request
            self._threads.call(lambda: self._answer(request))
        elif isinstance(item, Cancel):
            cancelled = self._requests.get(item.id)
            if cancelled is not None:
                cancelled.cancelled = True
        elif isinstance(item, Ping):
            number = item.id
            self._health.call(lambda: self._pong(number))
        elif isinstance(item, Collect):
            self._health.call(collect)  # not here: finalizers may use this client
        elif isinstance(item, Shutdown):
            self._ending.begin(item.grace_seconds)

    def _stop(self) -> None:
        self._inbox.close()
        self._endings.put(None)
        self._threads.stop()
        self._health.stop()

    def _run_endings(self) -> None:
        for act in iter(self._endings.get, None):
            act()

    def _handle(self) -> None:
        while True:
            item = self._inbox.get()
            if item is None:
                return
            if isinstance(item, Event):
                for function in self._events.all(item.kind):
                    self._quietly(function, item)
            else:
                self._take(item)
            if self._inbox.done(item):
                self._flush()
            elif not self._acks_wait:
                # The next handler may take long. The other thread writes when it gets to run: until then acks add up.
                self._acks_wait = True
                self._rouse()

    def _take(self, arrival: Arrival) -> None:
        functions, refusal = self._functions(arrival)
        if refusal is None:
            failures = [self._quietly(function, arrival.message) for function in functions]
            refusal = next(filter(None, failures), None)
        with self._lock:
            if refusal is None:
                self._session.ack(arrival)
            else:
                self._session.nack(arrival, refusal)

    def _quietly(self, function: Callable[[Any], Any], item: Any) -> Optional[Exception]:
        try:
            function(item)
        except Exception as error:
            log.exception("the handler of %s failed", getattr(item, "type", None) or item.kind)
            return error
        return None

    def _answer(self, request: Request) -> None:
        function = self._handlers.best(request.type)
        outcome: Any = None
        error: Optional[Exception] = None
        if function is None:
            error = no_handler(request.type)
        elif not request.cancelled:
            try:
                outcome = function(request)
            except DroverError as failure:
                error = failure
            except Exception as failure:
                log.exception("the handler of %s failed", request.type)
                error = failure
        del self._requests[request.id]
        if request.cancelled or self._closed is not None:
            return
        with self._lock:
            if error is None:
                self._session.respond(request, outcome)
            else:
                self._session.respond_error(request, error)
        self._flush()

    def _pong(self, number: int) -> None:
        checks = self._checks.all()
        outcomes: Dict[str, Dict[str, Any]] = {}
        ended = threading.Condition()

        def run(check: Check) -> None:
            outcome = self._run_check(check)
            with ended:
                outcomes[check.name] = outcome
                ended.notify()

        for check in checks:
            self._health.call(functools.partial(run, check))
        begin = time.monotonic()
        with ended:
            for check in checks:
                left = begin + check.timeout - time.monotonic()
                ended.wait_for(functools.partial(outcomes.__contains__, check.name), max(0.0, left))
            results = [outcomes.get(check.name) or health.late(check) for check in checks]
        if self._closed is None:
            with self._lock:
                self._session.pong(number, results)
            self._flush()

    def _run_check(self, check: Check) -> Dict[str, Any]:
        with self._lock:
            if check.name in self._checking:
                return health.failed(check, 0, TimeoutError("its last run has not returned yet"))
            self._checking.add(check.name)
        begin = time.monotonic()
        try:
            returned = check.run()
        except Exception as error:
            return health.failed(check, time.monotonic() - begin, error)
        else:
            return health.passed(check, time.monotonic() - begin, returned)
        finally:
            with self._lock:
                self._checking.discard(check.name)
