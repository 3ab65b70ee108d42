"""The shared cache for programs with threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, Optional

from ..core import operations
from ..core.names import check_namespace
from ..core.session import ignore
from ..core.wire import array
from ..errors import DroverError

if TYPE_CHECKING:
    from .client import Client


class Cache:
    """A namespace of the cache that all workers share.

    Times are in seconds. ``ttl`` None means ``cache.defaultTTL``, 0 for ever.
    """

    def __init__(self, client: Client, namespace: str, near: bool = False) -> None:
        self._client = client
        self._pipeline = client._session.cache
        self._name = check_namespace(namespace)
        self._near = client._do(self._pipeline.near, namespace) if near else None

    def namespace(self, name: str, *, near: bool = False) -> Cache:
        """Another namespace. With ``near`` this worker keeps copies of what it reads.

        drover says which of them are stale.
        """
        return Cache(self._client, name, near)

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key, or the default."""
        copy = self._look(key)
        if copy is not None:
            return copy[0]
        op = operations.get(self._name, key)
        return operations.value_of(self._client._call(self._pipeline.fetch, self._name, [key], op), default)

    def get_many(self, keys: Iterable[str]) -> Dict[str, Any]:
        """The values of those keys that are there."""
        found: Dict[str, Any] = {}
        missing = []
        for key in keys:
            copy = self._look(key)
            if copy is None:
                missing.append(key)
            else:
                found[key] = copy[0]
        if missing:
            op = operations.get_many(self._name, missing)
            results = self._client._call(self._pipeline.fetch, self._name, missing, op)
            found.update((key, result[0]) for key, result in zip(missing, results) if result is not None)
        return found

    def set(self, key: str, value: Any, *, ttl: Optional[float] = None, tags: Iterable[str] = ()) -> None:
        """Stores a value."""
        self._store("set", key, value, operations.options(ttl, tags))

    def add(self, key: str, value: Any, *, ttl: Optional[float] = None, tags: Iterable[str] = ()) -> bool:
        """Stores a value unless the key is there; returns whether it did."""
        return bool(self._store("add", key, value, operations.options(ttl, tags)))

    def increment(self, key: str, by: float = 1, *, ttl: Optional[float] = None, tags: Iterable[str] = ()) -> Any:
        """Adds to a number, which begins at 0; returns the new one. ``ttl`` and ``tags`` are for a key that is made."""
        return self._store("increment", key, by, operations.options(ttl, tags))

    def delete(self, key: str) -> bool:
        """Removes a key; returns whether it was there."""
        return bool(self._change(key, "delete", operations.check_key(key)))

    def invalidate_tag(self, tag: str) -> int:
        """Removes all entries with a tag; returns how many."""
        return int(self._change(None, "invalidateTag", tag))

    def invalidate_prefix(self, prefix: str) -> int:
        """Removes all entries whose keys begin so; returns how many."""
        return int(self._change(None, "invalidatePrefix", prefix))

    def get_or_set(
        self,
        key: str,
        compute: Callable[[], Any],
        *,
        ttl: Optional[float] = None,
        tags: Iterable[str] = (),
        lease: float = 30.0,
        wait: float = 5.0,
    ) -> Any:
        """The value of a key; where it is missing one worker of all computes it and the others wait for that.

        ``lease`` is how long computing may take before another may try, ``wait`` how long to wait for another.
        """
        made = operations.options(ttl, tags)  # wrong ones are told before there is a lease
        copy = self._look(key)
        if copy is not None:
            return copy[0]
        op = operations.lease(self._name, key, lease, wait)
        result = self._client._call(self._pipeline.lease, self._name, key, op)
        if isinstance(result, list):
            return result[0]
        held = result["lease"]
        try:
            value = compute()
            self._store("set", key, value, {**(made or {}), "lease": held})
        except BaseException as error:
            if isinstance(error, DroverError) and error.code == "lease-lost":
                return value  # another has computed it meanwhile
            self._release(key, held)
            raise
        return value

    def stats(self) -> Dict[str, Any]:
        """What drover counts, of all namespaces."""
        counted: Dict[str, Any] = self._client._call(self._pipeline.operate, array("stats"))
        return counted

    def _look(self, key: str) -> Any:
        if self._near is None:
            return None
        self._client._check()
        with self._client._lock:
            return self._near.look(key)

    def _store(self, name: str, key: str, value: Any, made: Optional[Dict[str, Any]]) -> Any:
        op = operations.store(name, self._name, key, value, made)
        return self._client._call(self._pipeline.change, self._name, key, op)

    def _change(self, key: Optional[str], name: str, argument: str) -> Any:
        return self._client._call(self._pipeline.change, self._name, key, array(name, self._name, argument))

    def _release(self, key: str, held: str) -> None:
        try:
            self._client._do(self._pipeline.operate, array("release", self._name, key, held), ignore)
        except DroverError:
            pass  # a lease ends with its worker
