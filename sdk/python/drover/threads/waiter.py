"""Waiting for a reply in a thread."""

from __future__ import annotations

import threading
from typing import Any, Optional

from ..errors import DroverError


class Waiter:
    """Told once how something ended; ``result`` blocks until then."""

    __slots__ = ("_ended", "_error", "_data")

    def __init__(self) -> None:
        self._ended = threading.Lock()  # lighter than an Event
        self._ended.acquire()
        self._error: Optional[DroverError] = None
        self._data: Any = None

    def __call__(self, error: Optional[DroverError], data: Any) -> None:
        self._error, self._data = error, data
        self._ended.release()

    def result(self, timeout: float = -1) -> Any:
        """What it brought; raises the error it ended with. It waits ``timeout`` seconds, -1 for ever."""
        if not self._ended.acquire(timeout=timeout):
            raise DroverError("timeout", f"drover has not answered within {timeout:g} s")
        if self._error is not None:
            raise self._error
        return self._data
