"""Which function handles what."""

from __future__ import annotations

from typing import Any, Callable, List, Optional, Tuple

from .names import check_pattern, matches

Handler = Callable[[Any], Any]


class Handlers:
    """Functions by the pattern of the names that they handle."""

    def __init__(self) -> None:
        self._entries: List[Tuple[str, Handler]] = []

    def add(self, pattern: str, handler: Handler) -> None:
        """Adds a handler. A pattern may have many."""
        # A new list each time: another thread may be reading the old one.
        self._entries = self._entries + [(check_pattern(pattern), handler)]

    def remove(self, pattern: str) -> None:
        """Removes all handlers of a pattern."""
        self._entries = [entry for entry in self._entries if entry[0] != pattern]

    def all(self, name: str) -> List[Handler]:
        """All that handle a name, in the order in which they were added."""
        return [handler for pattern, handler in self._entries if matches(pattern, name)]

    def best(self, name: str) -> Optional[Handler]:
        """The one that answers: that of the name itself, else of the longest pattern; of two, the later one."""
        fitting = [entry for entry in self._entries if matches(entry[0], name)]
        # max takes the first of equals, so the later ones come first.
        best = max(reversed(fitting), key=lambda entry: (len(entry[0].rstrip("*")), entry[0] == name), default=None)
        return best[1] if best else None
