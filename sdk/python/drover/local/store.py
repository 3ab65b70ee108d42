"""Entries of the cache of a cluster of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, FrozenSet, List, Optional

from ..errors import DroverError


@dataclass
class Entry:
    """A value, when it expires, and its tags."""

    value: Any
    expires: Optional[float]
    tags: FrozenSet[str]


class Store:
    """Entries by namespace and key. It has no bound: it lives as long as a test."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._spaces: Dict[str, Dict[str, Entry]] = {}
        self.counts = {"hits": 0, "misses": 0}

    def space(self, namespace: str) -> Dict[str, Entry]:
        """The entries of a namespace."""
        return self._spaces.setdefault(namespace, {})

    def peek(self, namespace: str, key: str) -> Optional[Entry]:
        """The entry of a key, if it has not expired."""
        entry = self.space(namespace).get(key)
        if entry is not None and entry.expires is not None and self._clock() >= entry.expires:
            del self.space(namespace)[key]
            return None
        return entry

    def get(self, namespace: str, key: str) -> Optional[List[Any]]:
        """A hit as in a reply, or None."""
        entry = self.peek(namespace, key)
        self.counts["misses" if entry is None else "hits"] += 1
        if entry is None:
            return None
        if entry.expires is None:
            return [entry.value]
        return [entry.value, max(1, int((entry.expires - self._clock()) * 1000))]

    def set(self, namespace: str, key: str, value: Any, options: Dict[str, Any]) -> None:
        """Stores a value."""
        ttl = options.get("ttlMs", 0)
        expires = self._clock() + ttl / 1000 if ttl else None
        self.space(namespace)[key] = Entry(value, expires, frozenset(options.get("tags", ())))

    def increment(self, namespace: str, key: str, by: float, options: Dict[str, Any]) -> Any:
        """Adds to a number; the time and tags of an entry that is there stay."""
        entry = self.peek(namespace, key)
        if entry is None:
            self.set(namespace, key, by, options)
            return by
        if isinstance(entry.value, bool) or not isinstance(entry.value, (int, float)):
            raise DroverError("not-a-number", f"{key} is not a number")
        entry.value += by
        return entry.value

    def remove(self, namespace: str, matches: Callable[[str, Entry], bool]) -> List[str]:
        """Removes the entries that match; returns their keys."""
        space = self.space(namespace)
        keys = [key for key in list(space) if self.peek(namespace, key) and matches(key, space[key])]
        for key in keys:
            del space[key]
        return keys

    def stats(self) -> Dict[str, Any]:
        """How much there is, and how often it was found."""
        return {**self.counts, "entries": sum(map(len, self._spaces.values()))}
