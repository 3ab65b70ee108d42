"""What can go wrong."""

from __future__ import annotations

from typing import Any


class DroverError(Exception):
    """An error of drover or of this package. ``code`` is one of those in docs/ipc-protocol.md."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    def __reduce__(self) -> Any:
        return DroverError, (self.code, self.message)


def from_frame(error: Any) -> DroverError:
    """The error that a frame carries."""
    if not isinstance(error, dict):
        return DroverError("bad-frame", f"not an error: {error!r}")
    return DroverError(str(error.get("code", "")), str(error.get("message", "")))


def of_handler(error: BaseException) -> DroverError:
    """What the other side is told of a handler that failed: its own DroverError, or handler-error."""
    if isinstance(error, DroverError):
        return error
    text = str(error)
    name = type(error).__name__
    return DroverError("handler-error", f"{name}: {text}" if text else name)
