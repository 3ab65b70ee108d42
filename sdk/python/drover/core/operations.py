"""Operations of the cache in JSON, and what their results mean."""

from __future__ import annotations

from typing import Any, Dict, Iterable, Optional

from ..errors import DroverError
from .wire import Raw, array


def check_key(key: str) -> str:
    """Returns a key, or raises bad-operation."""
    if not isinstance(key, str) or not 1 <= len(key.encode("utf-8", "surrogatepass")) <= 1024:
        raise DroverError("bad-operation", "a key is a string of 1 to 1024 bytes")
    return key


def options(ttl: Optional[float], tags: Iterable[str], lease: Optional[str] = None) -> Optional[Dict[str, Any]]:
    """The options of a set; None where there are none."""
    made: Dict[str, Any] = {}
    if ttl is not None:
        made["ttlMs"] = milliseconds(ttl, "ttl")
    if isinstance(tags, str):
        raise DroverError("bad-operation", "tags is a list of strings, not one string")
    tags = list(tags)
    if len(tags) > 32:
        raise DroverError("bad-operation", f"{len(tags)} tags; an entry has at most 32")
    if tags:
        made["tags"] = tags
    if lease is not None:
        made["lease"] = lease
    return made or None


def milliseconds(seconds: float, what: str) -> int:
    """Whole milliseconds, at least 1 where it is not 0."""
    if not 0 <= seconds < 1e12:
        raise DroverError("bad-operation", f"{what} is {seconds} seconds")
    return max(1, round(seconds * 1000)) if seconds else 0


def store(name: str, namespace: str, key: str, value: Any, made: Optional[Dict[str, Any]]) -> Raw:
    """A set, add or increment."""
    if name == "increment" and (isinstance(value, bool) or not isinstance(value, (int, float))):
        raise DroverError("not-a-number", f"{value!r} is not a number")
    rest = (made,) if made else ()
    return array(name, namespace, check_key(key), value, *rest)


def get(namespace: str, key: str) -> Raw:
    """A get."""
    return array("get", namespace, check_key(key))


def get_many(namespace: str, keys: Iterable[str]) -> Raw:
    """A getMany."""
    return array("getMany", namespace, [check_key(key) for key in keys])


def lease(namespace: str, key: str, seconds: float, wait: float) -> Raw:
    """A lease."""
    times = {"leaseMs": milliseconds(seconds, "lease"), "waitMs": milliseconds(wait, "wait")}
    return array("lease", namespace, check_key(key), times)


def value_of(result: Any, default: Any) -> Any:
    """The value of a hit, or the default."""
    return default if result is None else result[0]
