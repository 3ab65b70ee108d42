"""Threads that run handlers."""

from __future__ import annotations

import queue
import threading
from typing import Callable, Optional


class Threads:
    """At most ``limit`` daemon threads, started when they are needed, that call functions."""

    def __init__(self, name: str, limit: int) -> None:
        self._name = name
        self._limit = limit
        self._queue: queue.SimpleQueue[Optional[Callable[[], None]]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._started = 0
        self._busy = 0  # functions that wait or run

    def call(self, function: Callable[[], None]) -> None:
        """Has a function called soon. It must not raise."""
        with self._lock:
            self._busy += 1
            start = self._busy > self._started and self._started < self._limit
            self._started += start
        self._queue.put(function)
        if start:
            name = f"{self._name}-{self._started}"
            threading.Thread(target=self._work, name=name, daemon=True).start()

    def _work(self) -> None:
        for function in iter(self._queue.get, None):
            function()
            with self._lock:
                self._busy -= 1

    def stop(self) -> None:
        """Ends the threads, each when its function has returned."""
        with self._lock:
            started = self._started
        for _ in range(started):
            self._queue.put(None)
