"""Things to do later."""

from __future__ import annotations

import heapq
import itertools
from typing import Callable, List, Optional, Tuple


class Timers:
    """Functions and when they are due. One whose reason is gone must do nothing."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._heap: List[Tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Has a function called after some time."""
        heapq.heappush(self._heap, (self._clock() + seconds, next(self._order), act))

    def wait(self) -> Optional[float]:
        """How long nothing is due, in seconds; None: for ever."""
        return max(0.001, self._heap[0][0] - self._clock()) if self._heap else None

    def run(self) -> None:
        """Calls what is due."""
        while self._heap and self._heap[0][0] <= self._clock():
            heapq.heappop(self._heap)[2]()
