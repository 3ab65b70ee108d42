"""The part of JSON Schema that receivers check."""

from __future__ import annotations

import unittest
from typing import Any

from drover import DroverError
from drover.core.schema import Schema, Schemas


class SchemaTest(unittest.TestCase):
    def good(self, schema: Any, *values: Any) -> None:
        for value in values:
            self.assertIsNone(Schema(schema).fault(value), f"{schema} {value!r}")

    def bad(self, schema: Any, *values: Any) -> None:
        for value in values:
            self.assertIsNotNone(Schema(schema).fault(value), f"{schema} {value!r}")

    def test_booleans(self) -> None:
        self.good(True, 1, None), self.good({}, 1, None)
        self.bad(False, 1, None)

    def test_type(self) -> None:
        samples = {"null": None, "boolean": True, "object": {}, "array": [], "string": "", "number": 1.5}
        for name, sample in samples.items():
            self.good({"type": name}, sample)
            self.bad({"type": name}, *(other for kind, other in samples.items() if kind != name))
        self.good({"type": "integer"}, 1, 1.0, -3), self.good({"type": "number"}, 1)
        self.bad({"type": "integer"}, 1.5, True, "1", float("inf"))
        self.good({"type": ["string", "null"]}, "", None), self.bad({"type": ["string", "null"]}, 1)

    def test_enum_and_const(self) -> None:
        self.good({"enum": [1, "a", {"b": [True]}]}, 1, 1.0, "a", {"b": [True]})
        self.bad({"enum": [1, "a", {"b": [True]}]}, True, "b", {"b": [1]}, {}, None)
        self.good({"const": 0}, 0, 0.0), self.bad({"const": 0}, False, None, "0")
        self.good({"const": [1, 2]}, [1, 2]), self.bad({"const": [1, 2]}, [1], [2, 1], [1, 2, 3])

    def test_objects(self) -> None:
        schema = {"properties": {"a": {"type": "string"}}, "required": ["a"]}
        self.good(schema, {"a": ""}, {"a": "", "b": 1}, [], 7), self.bad(schema, {}, {"a": 1}, {"b": ""})
        self.bad({**schema, "additionalProperties": False}, {"a": "", "b": 1})
        self.good({**schema, "additionalProperties": {"type": "number"}}, {"a": "", "b": 1})
        self.bad({**schema, "additionalProperties": {"type": "number"}}, {"a": "", "b": ""})

    def test_arrays(self) -> None:
        schema = {"items": {"type": "number"}, "minItems": 1, "maxItems": 2}
        self.good(schema, [1], [1, 2], "text", {}), self.bad(schema, [], [1, 2, 3], [1, "2"])

    def test_strings(self) -> None:
        schema = {"minLength": 2, "maxLength": 3, "pattern": "^é"}
        self.good(schema, "éa", "éaa", 7, []), self.bad(schema, "é", "éaaa", "aé")
        self.good({"pattern": "b"}, "abc")

    def test_numbers(self) -> None:
        self.good({"minimum": 1, "maximum": 2}, 1, 2, "0", True), self.bad({"minimum": 1, "maximum": 2}, 0.9, 2.1)
        self.good({"exclusiveMinimum": 1, "exclusiveMaximum": 2}, 1.5)
        self.bad({"exclusiveMinimum": 1, "exclusiveMaximum": 2}, 1, 2)

    def test_combinations(self) -> None:
        small, even = {"maximum": 5}, {"enum": [2, 4, 6, 8]}
        self.good({"allOf": [small, even]}, 2, 4), self.bad({"allOf": [small, even]}, 3, 6)
        self.good({"anyOf": [small, even]}, 2, 3, 6), self.bad({"anyOf": [small, even]}, 7)
        self.good({"oneOf": [small, even]}, 3, 6), self.bad({"oneOf": [small, even]}, 2, 7)
        self.good({"not": small}, 6), self.bad({"not": small}, 5)

    def test_references(self) -> None:
        tree = {"$defs": {"node": {"type": "array", "items": {"$ref": "#/$defs/node"}}}, "$ref": "#/$defs/node"}
        self.good(tree, [], [[], [[]]]), self.bad(tree, [[1]], 1)
        self.good({"properties": {"a/b": {"type": "null"}, "c": {"$ref": "#/properties/a~1b"}}}, {"c": None})
        self.bad({"$ref": "#/$defs/none"}, 1), self.bad({"$ref": "other.json"}, 1), self.bad({"$ref": "#"}, 1)

    def test_names_the_place(self) -> None:
        schema = {"properties": {"list": {"items": {"properties": {"n": {"type": "number"}}}}}}
        self.assertEqual(Schema(schema).fault({"list": [{}, {"n": "x"}]}), "/list/1/n: not of the type number")
        self.assertEqual(Schema({"required": ["a"]}).fault({}), "/: a is missing")

    def test_every_schema_whose_pattern_matches_counts(self) -> None:
        schemas = Schemas({"task.*": {"type": "object"}, "task.run": {"required": ["a"]}, "x": False})
        schemas.check("task.run", {"a": 1}), schemas.check("task.stop", {}), schemas.check("other", 1)
        for kind, value in (("task.run", {}), ("task.stop", 1), ("x", 1)):
            with self.assertRaises(DroverError) as caught:
                schemas.check(kind, value)
            self.assertEqual(caught.exception.code, "refused")


if __name__ == "__main__":
    unittest.main()
