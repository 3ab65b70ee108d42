"""Copies of a namespace of the cache, kept until drover says that they are stale."""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import Any, Callable, Dict, List, Optional, Tuple, Union

from .wire import Raw, encode

Copy = Tuple[Any, Optional[float]]


class Flight:
    """A question about one key that is under way. What it brings is stale when the key was dropped meanwhile."""

    __slots__ = ("stale",)

    def __init__(self) -> None:
        self.stale = False


class NearCopies:
    """The copies of one namespace, at most ``limit`` of them; the one used longest ago goes first."""

    def __init__(self, clock: Callable[[], float], limit: int = 10000) -> None:
        self._clock = clock
        self._limit = limit
        self._copies: OrderedDict[str, Copy] = OrderedDict()
        self._flights: Dict[str, List[Flight]] = {}
        self.active = False  # drover has promised to tell what to drop

    def look(self, key: str) -> Optional[List[Any]]:
        """The copy of a key as a list with one value, or None."""
        copy = self._copies.get(key)
        if copy is None:
            return None
        value, expires = copy
        if expires is not None and self._clock() >= expires:
            del self._copies[key]
            return None
        self._copies.move_to_end(key)
        # Read anew each time: the caller may change what it gets.
        return [json.loads(value) if isinstance(value, Raw) else value]

    def begin(self, key: str) -> Flight:
        """Notes that a key is being asked for."""
        flight = Flight()
        self._flights.setdefault(key, []).append(flight)
        return flight

    def end(self, key: str, flight: Flight, result: Any) -> None:
        """Takes what came, ``[value]`` or ``[value, ttl in ms]``; anything else is not kept."""
        flights = self._flights[key]
        flights.remove(flight)
        if not flights:
            del self._flights[key]
        if self.active and not flight.stale and isinstance(result, list) and result:
            self._keep(key, result)

    def _keep(self, key: str, result: List[Any]) -> None:
        value = result[0]
        kept: Union[Any, Raw] = encode(value) if isinstance(value, (dict, list)) else value
        expires = self._clock() + result[1] / 1000 if len(result) > 1 else None
        self._copies[key] = (kept, expires)
        self._copies.move_to_end(key)
        if len(self._copies) > self._limit:
            self._copies.popitem(last=False)

    def drop(self, key: str) -> None:
        """Forgets one key."""
        self._copies.pop(key, None)
        for flight in self._flights.get(key, ()):
            flight.stale = True

    def drop_all(self) -> None:
        """Forgets every key."""
        self._copies.clear()
        for flights in self._flights.values():
            for flight in flights:
                flight.stale = True
