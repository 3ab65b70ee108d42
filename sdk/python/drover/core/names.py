"""Names of types, topics, namespaces and workers."""

from __future__ import annotations

import re

from ..errors import DroverError

_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}")
_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}\*?|\*")
_NAMESPACE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_WORKER = re.compile(r"(.+)-[0-9]+(?:\.[0-9]+)?")


def check_type(name: str) -> str:
    """Returns the name of a type or topic, or raises bad-type."""
    if not isinstance(name, str) or not _TYPE.fullmatch(name):
        raise DroverError(
            "bad-type", f"{name!r} is not 1 to 128 of A-Z a-z 0-9 . _ : / -, the first a letter or digit"
        )
    return name


def check_pattern(pattern: str) -> str:
    """Returns a pattern, which is a name or the beginning of one with * at its end, or raises bad-type."""
    if not isinstance(pattern, str) or not _PATTERN.fullmatch(pattern):
        raise DroverError("bad-type", f"{pattern!r} is not a name, or the beginning of one with * at its end")
    return pattern


def check_namespace(name: str) -> str:
    """Returns the name of a namespace of the cache, or raises bad-operation."""
    if not isinstance(name, str) or not _NAMESPACE.fullmatch(name):
        raise DroverError("bad-operation", f"the namespace {name!r} is not 1 to 64 of A-Z a-z 0-9 . _ -")
    return name


def matches(pattern: str, name: str) -> bool:
    """Whether a pattern includes a name."""
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


def pool_of(worker: str) -> str:
    """The pool in a worker's name: app of app-1 and of app-1.3."""
    found = _WORKER.fullmatch(worker)
    return found.group(1) if found else worker
