"""What drover takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict

from ..errors import DroverError


@dataclass(frozen=True)
class Limits:
    """What the reply to hello says about limits; before it, drover's defaults."""

    max_message_bytes: int = 1048576
    max_depth: int = 64
    cache: bool = True
    encryption: bool = False
    schemas: Dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_hello(cls, data: Dict[str, Any]) -> Limits:
        """Reads the reply to hello."""
        return cls(
            max_message_bytes=data["maxMessageBytes"],
            max_depth=data["maxDepth"],
            cache=data["cache"],
            encryption=data["encryption"] != "off",
            schemas=data.get("schemas") or {},
        )

    @property
    def max_line_bytes(self) -> int:
        """How long a line may be; drover skips longer ones without a reply."""
        return 2 * self.max_message_bytes + 65536

    def check_size(self, text: bytes) -> None:
        """Raises too-large for the data of one message."""
        if len(text) > self.max_message_bytes:
            raise DroverError(
                "too-large", f"the data has {len(text)} bytes; ipc.maxMessageBytes is {self.max_message_bytes}"
            )

    def check_depth(self, value: Any, text: bytes) -> None:
        """Raises too-deep for data that nests objects and lists too deeply."""
        # What has fewer brackets than the limit, in strings or not, needs no closer look.
        if text.count(b"[") + text.count(b"{") > self.max_depth and _deeper(value, self.max_depth):
            raise DroverError("too-deep", f"the data is nested more than {self.max_depth} deep (ipc.maxDepth)")


def _deeper(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [child for item in level for child in _children(item) if isinstance(child, (dict, list, tuple))]
    return bool(level)


def _children(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, (list, tuple)) else ()
