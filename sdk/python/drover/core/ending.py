"""The end of a worker."""

from __future__ import annotations

import logging
import os
import signal
import threading
from typing import Any, Callable, List, Optional

log = logging.getLogger("drover")


class Ending:
    """Functions to call, once, when the worker is to end.

    ``run`` is told what to do then and does one thing after the other; a signal handler calls it, so it takes no lock.
    """

    def __init__(self, run: Callable[[Callable[[], None]], object]) -> None:
        self.grace_seconds: Optional[float] = None
        self._run = run
        self._waiting: List[Callable[[], Any]] = []
        self._begun = False

    def add(self, function: Callable[[], Any]) -> None:
        """Adds a function; it is called at once where the end has begun."""
        self._waiting.append(function)
        if self._begun:
            self._run(self._call)

    def begin(self, grace_seconds: Optional[float]) -> None:
        """Calls the functions, if that was not done."""
        if self.grace_seconds is None:
            self.grace_seconds = grace_seconds
        if not self._begun:
            self._begun = True
            self._run(self._call)

    def _call(self) -> None:
        while self._waiting:
            function = self._waiting.pop(0)
            try:
                function()
            except Exception:
                log.exception("a shutdown function failed")


def keep_sigterm(begin: Callable[[], None], closed: Callable[[], bool]) -> None:
    """Makes SIGTERM begin the end in place of killing the program, unless the application handles it itself.

    Once the client is closed the signal kills again; so it does in children.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return
    owner = os.getpid()

    def handler(*_: Any) -> None:
        if os.getpid() == owner and not closed():
            begin()
            return
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)

    signal.signal(signal.SIGTERM, handler)
