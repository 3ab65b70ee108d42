"""How late the event loop is."""

from __future__ import annotations

import asyncio
from typing import Optional

_PERIOD = 0.5


class LoopDelay:
    """Looks twice a second how much later than asked the loop wakes it: so long was something else running."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._worst = 0.0
        self._timer: Optional[asyncio.TimerHandle] = None
        self._watch()

    def take(self) -> float:
        """The longest delay since the last call, in milliseconds."""
        self._note()
        worst, self._worst = self._worst, 0.0
        return round(worst * 1000, 3)

    def stop(self) -> None:
        """Ends the watching."""
        if self._timer is not None:
            self._timer.cancel()

    def _watch(self) -> None:
        self._due = self._loop.time() + _PERIOD
        self._timer = self._loop.call_later(_PERIOD, self._woken)

    def _woken(self) -> None:
        self._note()
        self._watch()

    def _note(self) -> None:
        self._worst = max(self._worst, self._loop.time() - self._due)
