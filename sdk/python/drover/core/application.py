"""What both clients have in common: what the application has asked for."""

from __future__ import annotations

from typing import Any, Callable, List, Optional, Tuple

from ..errors import DroverError
from ..messages import Arrival, Worker
from .ending import Ending
from .handlers import Handlers
from .health import Checks
from .metrics import Metrics
from .session import Session

Function = Callable[[Any], Any]


class Application:
    """Handlers, checks and numbers of an application."""

    def __init__(self, session: Session, ending: Ending) -> None:
        self.metrics = Metrics()
        self._session = session
        self._ending = ending
        self._handlers = Handlers()
        self._topics = Handlers()
        self._events = Handlers()
        self._checks = Checks()
        self._closed: Optional[DroverError] = None

    @property
    def worker(self) -> Worker:
        """Who this process is."""
        assert self._session.worker is not None  # there is no client before the reply to hello
        return self._session.worker

    @property
    def grace_seconds(self) -> Optional[float]:
        """How long drover waits before it kills this worker, once it has asked it to end."""
        return self._ending.grace_seconds

    def on(self, type: str, handler: Optional[Function] = None) -> Any:
        """Has messages and requests of a type (or a pattern, ``task.*``) handled; also a decorator.

        The handler is given a Message, or a Request: what it returns is the answer to it.
        """
        return decorated(lambda function: self._handlers.add(type, self._callable(function)), handler)

    def health(self, name: str, check: Optional[Callable[[], Any]] = None, *, timeout: float = 1.0) -> Any:
        """Has a function asked how this worker is; also a decorator.

        It is well unless it raises or returns False; a dict that it returns is shown as details.
        """
        return decorated(lambda function: self._checks.add(name, self._callable(function), timeout), check)

    def forked(self) -> None:
        """Called in a child of this process: the channel stays with the parent."""
        self._closed = DroverError(
            "closed", "the channel to drover belongs to the process that this one was forked from; use drover there"
        )

    def _callable(self, function: Any) -> Any:
        """Returns what can be called as a handler, or raises."""
        if not callable(function):
            raise TypeError(f"{function!r} is not a function")
        return function

    def _check(self) -> None:
        if self._closed is not None:
            # A new one each time: errors that are raised keep what they passed through.
            raise DroverError(self._closed.code, self._closed.message)

    def _functions(self, arrival: Arrival) -> Tuple[List[Function], Optional[Exception]]:
        """Who handles a message, or why nobody does."""
        message = arrival.message
        functions = (self._topics if message.is_topic else self._handlers).all(message.type)
        if arrival.refusal is None and not functions:
            return [], no_handler(message.type)
        return functions, arrival.refusal


def no_handler(kind: str) -> DroverError:
    """What a sender is told where nobody handles a type."""
    return DroverError("no-handler", f"nobody handles {kind}")


def too_slow() -> DroverError:
    """What a sender is told where too much waits already."""
    return DroverError("queue-full", "the worker's handlers are slower than its messages")


def decorated(add: Callable[[Any], None], function: Optional[Callable[..., Any]]) -> Any:
    """Adds a function, or returns the decorator that does."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        add(function)
        return function

    return register if function is None else register(function)
