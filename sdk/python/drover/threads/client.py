"""The client for programs with threads."""

from __future__ import annotations

import functools
import inspect
import logging
import queue
import selectors
import socket
import threading
import time
from typing import Any, Callable, Dict, Optional, TypeVar

from ..channel import open_channel, watch_fork
from ..core import health
from ..core.application import Application, decorated, no_handler
from ..core.ending import Ending, keep_sigterm
from ..core.handlers import Handlers
from ..core.health import Check
from ..core.session import Incoming, Session, target
from ..errors import DroverError
from ..messages import Arrival, Cancel, Delivery, Event, Ping, Request, Result, Shutdown
from .cache import Cache
from .inbox import Inbox
from .pool import Threads
from .waiter import Waiter

H = TypeVar("H", bound=Callable[..., Any])

log = logging.getLogger("drover")

_HELLO_SECONDS = 30.0
_METRICS_SECONDS = 1.0
_CLOSE_SECONDS = 1.0
_REQUESTS = 8  # requests handled at a time
_HEALTH = 64  # more than there can be checks


class Client(Application):
    """The channel to drover, for programs with threads. Every method may be called from any thread.

    Message and event handlers run one after another in one thread, request handlers in eight others.
    """

    def __init__(self) -> None:
        # Its put takes no lock that the code under a signal handler might hold, as the start of a thread does.
        self._endings: queue.SimpleQueue[Optional[Callable[[], None]]] = queue.SimpleQueue()
        super().__init__(Session(time.monotonic), Ending(self._endings.put))
        channel = open_channel()
        self._socket = channel.socket
        self._lock = threading.Lock()  # of the session
        self._writing = threading.Lock()  # of the socket and what it did not take yet
        self._unsent = b""
        self._acks_wait = False
        self._inbox = Inbox()
        self._requests: Dict[int, Request] = {}
        self._threads = Threads("drover-request", _REQUESTS)
        self._health = Threads("drover-health", _HEALTH)
        self._checking: set[str] = set()
        self._wake, self._woken = socket.socketpair()
        self._wake.setblocking(False)
        self._woken.setblocking(False)
        watch_fork(self)
        self._io = threading.Thread(target=self._run, name="drover-io", daemon=True)
        self._io.start()
        for name, work in (("drover-messages", self._handle), ("drover-shutdown", self._run_endings)):
            threading.Thread(target=work, name=name, daemon=True).start()
        self._hello(channel.key)
        self.cache = Cache(self, "default")

    def _hello(self, key: Optional[str]) -> None:
        waiter = Waiter()
        try:
            self._do(self._session.hello, key, waiter)
            waiter.result(_HELLO_SECONDS)
        except DroverError as error:
            self._end(error)
            raise

    def _callable(self, function: Any) -> Any:
        if inspect.iscoroutinefunction(function):
            raise TypeError("this client is for programs with threads; for coroutines there is drover.aio")
        return super()._callable(function)

    # Who we are, beginning and end.

    def ready(self) -> None:
        """Says that the worker is ready for requests."""
        self._tell(self._session.ready)

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
                self._tell(self._session.cancel, number)
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

    # The way to the session.

    def _call(self, ask: Callable[..., Any], *args: Any) -> Any:
        waiter = Waiter()
        self._do(ask, *args, waiter)
        return waiter.result()

    def _do(self, ask: Callable[..., Any], *args: Any) -> Any:
        self._check()
        with self._lock:
            made = ask(*args)
        self._flush()
        return made

    _tell = _do

    def _flush(self) -> None:
        """Writes what the session has. While one thread writes, what others ask for goes into one frame."""
        with self._writing:
            self._acks_wait = False
            with self._lock:
                self._unsent += self._session.take()
            if not self._unsent or self._closed is not None:
                return
            try:
                self._unsent = self._unsent[self._socket.send(self._unsent) :]
            except BlockingIOError:
                pass
            except OSError:
                return  # the reader finds out, too
            full = bool(self._unsent)
        if full and threading.current_thread() is not self._io:
            self._rouse()  # it will write the rest

    def _rouse(self) -> None:
        try:
            self._wake.send(b"w")
        except OSError:
            pass  # it is awake, or gone

    # The thread that reads.

    def _run(self) -> None:
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self._socket, selectors.EVENT_READ)
                selector.register(self._woken, selectors.EVENT_READ)
                self._serve(selector)
        except (OSError, ValueError) as error:
            self._end(DroverError("closed", f"the channel to drover broke: {error}"))
        finally:
            self._wake.close()
            self._woken.close()

    def _serve(self, selector: selectors.BaseSelector) -> None:
        next_push = time.monotonic() + _METRICS_SECONDS
        watched = selectors.EVENT_READ
        while self._closed is None:
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._unsent else 0)
            if wanted != watched:
                watched = wanted
                selector.modify(self._socket, watched)
            for key, ready in selector.select(max(0.0, next_push - time.monotonic())):
                if key.fileobj is self._woken:
                    self._woken.recv(4096)
                elif ready & selectors.EVENT_READ and not self._read():
                    return
            if time.monotonic() >= next_push:
                self._push_metrics()
                next_push = time.monotonic() + _METRICS_SECONDS
            self._flush()

    def _read(self) -> bool:
        try:
            data = self._socket.recv(1 << 18)
        except (BlockingIOError, InterruptedError):
            return True
        if not data:
            self._end(DroverError("closed", "drover has closed the channel"))
            return False
        with self._lock:
            incoming = self._session.feed(data)
        for item in incoming:
            self._dispatch(item)
        return True

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
        elif isinstance(item, Shutdown):
            self._ending.begin(item.grace_seconds)

    def _push_metrics(self) -> None:
        changes = self.metrics.changes()
        if changes is not None:
            try:
                with self._lock:
                    self._session.metrics(changes)
            except DroverError as error:
                log.error("numbers are not handed in: %s", error)
            self._flush()

    def _end(self, error: DroverError) -> None:
        with self._writing:
            if self._closed is not None:
                return
            self._closed = error
            if self._unsent:
                try:
                    self._socket.settimeout(_CLOSE_SECONDS)
                    self._socket.sendall(self._unsent)
                except OSError:
                    pass  # it is gone, or does not read: nobody is there to be told
            self._socket.close()
        with self._lock:
            self._session.close(error)
        self._inbox.close()
        self._endings.put(None)
        self._threads.stop()
        self._health.stop()
        self._rouse()

    # The threads that handle.

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
