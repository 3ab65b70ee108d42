"""The part of JSON Schema that receivers check."""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, List, Optional

from ..errors import DroverError
from .names import matches


class Schemas:
    """Schemas by the pattern of the types that they are for."""

    def __init__(self, schemas: Dict[str, Any]) -> None:
        self._schemas = [(pattern, Schema(schema)) for pattern, schema in schemas.items()]

    def check(self, kind: str, value: Any) -> None:
        """Raises refused where the value is not what a schema of its type says."""
        for pattern, schema in self._schemas:
            fault = schema.fault(value) if matches(pattern, kind) else None
            if fault:
                raise DroverError("refused", f"the schema of {pattern} does not allow this: {fault}")


class Schema:
    """One schema; ``$ref`` may point into it."""

    def __init__(self, root: Any) -> None:
        self._root = root

    def fault(self, value: Any) -> Optional[str]:
        """The first place where a value is not as it should be, and why; None where there is none."""
        try:
            return self._fault(self._root, value, "")
        except RecursionError:
            return "the schema refers to itself without end"

    def _fault(self, schema: Any, value: Any, place: str) -> Optional[str]:
        if isinstance(schema, bool):
            return None if schema else f"{place or '/'}: nothing is allowed here"
        for keyword, operand in schema.items():
            check = _CHECKS.get(keyword)
            reason = check(operand, value) if check else None
            if reason:
                return f"{place or '/'}: {reason}"
        for part in (self._reference, self._object, self._items, self._combined):
            fault = part(schema, value, place)
            if fault:
                return fault
        return None

    def _reference(self, schema: Dict[str, Any], value: Any, place: str) -> Optional[str]:
        if "$ref" not in schema:
            return None
        target = self._root
        pointer = schema["$ref"]
        if not pointer.startswith("#"):
            return f"{place or '/'}: {pointer} is not in this schema"
        for token in pointer[1:].split("/")[1:]:
            token = token.replace("~1", "/").replace("~0", "~")
            try:
                target = target[int(token)] if isinstance(target, list) else target[token]
            except (KeyError, IndexError, ValueError, TypeError):
                return f"{place or '/'}: {pointer} is not in this schema"
        return self._fault(target, value, place)

    def _object(self, schema: Dict[str, Any], value: Any, place: str) -> Optional[str]:
        if not isinstance(value, dict):
            return None
        for name in schema.get("required", ()):
            if name not in value:
                return f"{place or '/'}: {name} is missing"
        known = schema.get("properties", {})
        others = schema.get("additionalProperties", True)
        for name, member in value.items():
            fault = self._fault(known.get(name, others), member, f"{place}/{name}")
            if fault:
                return fault
        return None

    def _items(self, schema: Dict[str, Any], value: Any, place: str) -> Optional[str]:
        if not isinstance(value, list) or "items" not in schema:
            return None
        for index, item in enumerate(value):
            fault = self._fault(schema["items"], item, f"{place}/{index}")
            if fault:
                return fault
        return None

    def _combined(self, schema: Dict[str, Any], value: Any, place: str) -> Optional[str]:
        for part in schema.get("allOf", ()):
            fault = self._fault(part, value, place)
            if fault:
                return fault
        if "anyOf" in schema and self._count(schema["anyOf"], value, place) == 0:
            return f"{place or '/'}: none of anyOf"
        if "oneOf" in schema and self._count(schema["oneOf"], value, place) != 1:
            return f"{place or '/'}: not exactly one of oneOf"
        if "not" in schema and self._fault(schema["not"], value, place) is None:
            return f"{place or '/'}: what not forbids"
        return None

    def _count(self, parts: List[Any], value: Any, place: str) -> int:
        return sum(self._fault(part, value, place) is None for part in parts)


_Check = Callable[[Any, Any], Optional[str]]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_TYPES: Dict[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "number": _is_number,
    "integer": lambda value: _is_number(value) and float(value).is_integer(),
}


def _equal(a: Any, b: Any) -> bool:
    # In JSON 1 is 1.0, but true is not 1.
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_equal, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_equal(a[name], b[name]) for name in a)
    return bool(a == b)


def _type(operand: Any, value: Any) -> Optional[str]:
    names = [operand] if isinstance(operand, str) else operand
    return None if any(_TYPES[name](value) for name in names) else f"not of the type {' or '.join(names)}"


def _bound(kind: Callable[[Any], bool], holds: Callable[[Any, Any], Any], words: str) -> _Check:
    def check(operand: Any, value: Any) -> Optional[str]:
        return f"{words} {operand}" if kind(value) and not holds(value, operand) else None

    return check


_CHECKS: Dict[str, _Check] = {
    "type": _type,
    "enum": lambda operand, value: None if any(_equal(value, item) for item in operand) else "none of enum",
    "const": lambda operand, value: None if _equal(value, operand) else "not the value of const",
    "minItems": _bound(_TYPES["array"], lambda v, n: len(v) >= n, "fewer items than"),
    "maxItems": _bound(_TYPES["array"], lambda v, n: len(v) <= n, "more items than"),
    "minLength": _bound(_TYPES["string"], lambda v, n: len(v) >= n, "shorter than"),
    "maxLength": _bound(_TYPES["string"], lambda v, n: len(v) <= n, "longer than"),
    "pattern": _bound(_TYPES["string"], lambda v, p: re.search(p, v) is not None, "does not match"),
    "minimum": _bound(_is_number, lambda v, n: v >= n, "less than"),
    "maximum": _bound(_is_number, lambda v, n: v <= n, "more than"),
    "exclusiveMinimum": _bound(_is_number, lambda v, n: v > n, "not more than"),
    "exclusiveMaximum": _bound(_is_number, lambda v, n: v < n, "not less than"),
}
