"""Lines of JSON."""

from __future__ import annotations

import json
from typing import Any, List

from ..errors import DroverError

_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


class Raw(bytes):
    """JSON text that goes into a frame as it stands."""


def encode(value: Any) -> Raw:
    """The JSON text of a value, in UTF-8."""
    if isinstance(value, Raw):
        return value
    try:
        return Raw(_encoder.encode(value).encode())
    except RecursionError:
        raise DroverError("too-deep", "the data is nested too deeply") from None
    except (TypeError, ValueError) as error:  # also UnicodeEncodeError, of half a surrogate pair
        raise DroverError("bad-frame", f"the data has no JSON form: {error}") from None


def frame(verb: str, **members: Any) -> bytes:
    """One line of the protocol, without its end. Members that are None are left out."""
    parts = [b'{"drover":"', verb.encode(), b'"']
    for name, value in members.items():
        if value is not None:
            parts += (b',"', name.encode(), b'":', encode(value))
    parts.append(b"}")
    return b"".join(parts)


def array(*items: Any) -> Raw:
    """A JSON list, such as one operation of the cache."""
    return Raw(b"[" + b",".join([encode(item) for item in items]) + b"]")


class Lines:
    """Puts lines together from what comes in pieces."""

    def __init__(self) -> None:
        self._parts: List[bytes] = []

    def feed(self, data: bytes) -> List[bytes]:
        """Takes a piece and returns the lines that it completes."""
        lines = data.split(b"\n")
        rest = lines.pop()
        if lines and self._parts:
            # Joined once a line, not once a piece: a line may be megabytes long.
            self._parts.append(lines[0])
            lines[0] = b"".join(self._parts)
            self._parts.clear()
        if rest:
            self._parts.append(rest)
        return lines
