"""Messages that wait for the thread that hands them to handlers."""

from __future__ import annotations

import queue
import threading
from typing import Union

from ..core.application import too_slow
from ..messages import Arrival, Event

LIMIT = 1000
LIMIT_BYTES = 16 << 20


class Inbox:
    """Messages and events in the order in which they came.

    What comes while it is full keeps its place but not its data: it is refused when its turn comes, so that
    the sender is told.
    """

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Union[Arrival, Event, None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._count = 0
        self._bytes = 0

    def put(self, item: Union[Arrival, Event]) -> None:
        """Adds a message or event."""
        size = item.size if isinstance(item, Arrival) else 0
        with self._lock:
            full = self._count >= LIMIT or self._bytes + size > LIMIT_BYTES
            if full and isinstance(item, Event):
                return  # a slow worker misses events
            if full and isinstance(item, Arrival):
                item.message.data, item.size = None, 0
                item.refusal = too_slow()
                size = 0
            self._count += 1
            self._bytes += size
        self._queue.put(item)

    def close(self) -> None:
        """Ends it: ``get`` returns None after what waits now."""
        self._queue.put(None)

    def get(self) -> Union[Arrival, Event, None]:
        """Waits for the next one. It counts as waiting until ``done``."""
        return self._queue.get()

    def done(self, item: Union[Arrival, Event]) -> bool:
        """Notes that an item was handled; returns whether nothing waits now."""
        with self._lock:
            self._count -= 1
            self._bytes -= item.size if isinstance(item, Arrival) else 0
            return self._count == 0
