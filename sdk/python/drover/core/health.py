"""What an application says about its own health."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, List

from .wire import encode
from ..errors import DroverError

_CHECKS = 50


@dataclass(frozen=True)
class Check:
    """A function that says whether something is well, and how long it may take."""

    name: str
    run: Callable[[], Any]
    timeout: float


class Checks:
    """The checks of this worker, by name."""

    def __init__(self) -> None:
        self._checks: Dict[str, Check] = {}

    def add(self, name: str, run: Callable[[], Any], timeout: float) -> None:
        """Adds a check, or replaces the one of that name."""
        if not 1 <= len(name) <= 64:
            raise ValueError("the name of a check has 1 to 64 characters")
        if name not in self._checks and len(self._checks) >= _CHECKS:
            raise ValueError(f"a worker has at most {_CHECKS} checks")
        self._checks[name] = Check(name, run, timeout)

    def all(self) -> List[Check]:
        """All checks."""
        return list(self._checks.values())


def passed(check: Check, seconds: float, returned: Any) -> Dict[str, Any]:
    """The outcome of a check that returned: False is bad, a dict is good and has details, the rest is good."""
    made: Dict[str, Any] = {"name": check.name, "ok": returned is not False, "ms": round(seconds * 1000, 3)}
    if isinstance(returned, dict) and returned:
        try:
            encode(returned)
        except DroverError as error:
            return failed(check, seconds, error)
        made["details"] = returned
    return made


def failed(check: Check, seconds: float, error: BaseException) -> Dict[str, Any]:
    """The outcome of a check that raised."""
    message = str(error) or type(error).__name__
    text = message[:1000].encode("utf-8", "replace").decode()
    return {"name": check.name, "ok": False, "ms": round(seconds * 1000, 3), "message": text}


def late(check: Check) -> Dict[str, Any]:
    """The outcome of a check that did not return in time."""
    return failed(check, check.timeout, TimeoutError(f"no result within {check.timeout:g} s"))
