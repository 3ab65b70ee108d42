"""The operations of the cache frame for a cluster of one."""

from __future__ import annotations

import functools
from typing import Any, Callable, Dict, List, Optional, Tuple

from ..errors import DroverError
from .store import Store
from .timers import Timers

Place = Tuple[str, str]
Reply = Callable[[Any], None]


class LocalCache:
    """Does operations on a store, hands out leases, and tells what near copies to drop."""

    def __init__(self, store: Store, timers: Timers, drop: Callable[[Dict[str, Any]], None]) -> None:
        self._store = store
        self._timers = timers
        self._drop = drop
        self._near: set[str] = set()
        self._number = 0
        self._leases: Dict[Place, str] = {}
        self._waiting: Dict[Place, List[_Waiter]] = {}

    def serve(self, ops: List[List[Any]], reply: Reply) -> None:
        """Does the operations of one frame; replies when the last has its result."""
        results: List[Any] = [None] * len(ops)
        left = len(ops)

        def finish(index: int, result: Any) -> None:
            nonlocal left
            results[index] = result
            left -= 1
            if left == 0:
                reply(results)

        if not ops:
            reply(results)
        for index, (name, *args) in enumerate(ops):
            self._one(name, args, functools.partial(finish, index))

    def _one(self, name: str, args: List[Any], done: Reply) -> None:
        if name == "lease":
            self._lease((args[0], args[1]), args[2], done)
            return
        try:
            done(getattr(self, "_do_" + name)(*args))
        except DroverError as error:
            done(_failed(error))

    def _do_get(self, namespace: str, key: str) -> Any:
        return self._store.get(namespace, key)

    def _do_getMany(self, namespace: str, keys: List[str]) -> Any:
        return [self._store.get(namespace, key) for key in keys]

    def _do_set(self, namespace: str, key: str, value: Any, options: Optional[Dict[str, Any]] = None) -> bool:
        options = options or {}
        place = (namespace, key)
        if "lease" in options and self._leases.get(place) != options["lease"]:
            raise DroverError("lease-lost", "the lease has ended, or it is another's")
        self._store.set(namespace, key, value, options)
        self._changed(namespace, [key])
        if "lease" in options:
            del self._leases[place]
        for waiter in self._waiting.pop(place, []):
            waiter.end(self._store.get(namespace, key))
        return True

    def _do_add(self, namespace: str, key: str, value: Any, options: Optional[Dict[str, Any]] = None) -> bool:
        return self._store.peek(namespace, key) is None and self._do_set(namespace, key, value, options)

    def _do_delete(self, namespace: str, key: str) -> bool:
        return self._removed(namespace, lambda other, _: other == key) == 1

    def _do_increment(self, namespace: str, key: str, by: float, options: Optional[Dict[str, Any]] = None) -> Any:
        number = self._store.increment(namespace, key, by, options or {})
        self._changed(namespace, [key])
        return number

    def _do_invalidateTag(self, namespace: str, tag: str) -> int:
        return self._removed(namespace, lambda _, entry: tag in entry.tags)

    def _do_invalidatePrefix(self, namespace: str, prefix: str) -> int:
        return self._removed(namespace, lambda key, _: key.startswith(prefix))

    def _do_near(self, namespace: str, on: bool) -> bool:
        (self._near.add if on else self._near.discard)(namespace)
        return True

    def _do_stats(self) -> Dict[str, Any]:
        return self._store.stats()

    def _do_release(self, namespace: str, key: str, lease: str) -> bool:
        self._release((namespace, key), lease)
        return True

    def _removed(self, namespace: str, matches: Callable[[str, Any], bool]) -> int:
        keys = self._store.remove(namespace, matches)
        self._changed(namespace, keys)
        return len(keys)

    def _changed(self, namespace: str, keys: List[str]) -> None:
        if namespace in self._near and keys:
            self._drop({"namespace": namespace, "keys": keys})

    def _lease(self, place: Place, options: Dict[str, Any], done: Reply) -> None:
        hit = self._store.get(*place)
        if hit is not None:
            done(hit)
        elif place not in self._leases:
            done(self._grant(place, options["leaseMs"]))
        else:
            waiter = _Waiter(done, options["leaseMs"])
            self._waiting.setdefault(place, []).append(waiter)
            late = _failed(DroverError("timeout", "the one that computes the value has not set it in time"))
            self._timers.after(options["waitMs"] / 1000, lambda: waiter.end(late))

    def _grant(self, place: Place, milliseconds: int) -> Dict[str, str]:
        self._number += 1
        lease = str(self._number)
        self._leases[place] = lease
        self._timers.after(milliseconds / 1000, lambda: self._release(place, lease))
        return {"lease": lease}

    def _release(self, place: Place, lease: str) -> None:
        if self._leases.get(place) != lease:
            return
        del self._leases[place]
        waiting = self._waiting.get(place, [])
        while waiting:
            waiter = waiting.pop(0)
            if not waiter.ended:
                waiter.end(self._grant(place, waiter.lease_ms))
                return


class _Waiter:
    """One that waits for the value of a key, or for a lease of its own."""

    def __init__(self, done: Reply, lease_ms: int) -> None:
        self._done = done
        self.lease_ms = lease_ms
        self.ended = False

    def end(self, result: Any) -> None:
        if not self.ended:
            self.ended = True
            self._done(result)


def _failed(error: DroverError) -> Dict[str, Any]:
    return {"error": {"code": error.code, "message": error.message}}
