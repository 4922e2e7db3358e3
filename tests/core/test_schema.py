"""Schemas for the strict mode."""

from __future__ import annotations

import copy
from typing import Any

import jsonschema
import pytest

from gumloop_core.schema import can_be_strict, safe_name, strict_schema, without_added_nulls


@pytest.mark.parametrize(
    ("name", "safe"),
    [("add", "add"), ("a b/c", "a_b_c"), ("é", "response"), ("", "response"), (None, "response"), ("x" * 80, "x" * 64)],
)
def test_names(name: str | None, safe: str) -> None:
    assert safe_name(name) == safe


SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "default": "x"},
        "size": {"type": ["integer", "string"], "enum": [1, "l"]},
        "kind": {"const": "k"},
        "colour": {"type": "string", "enum": ["red"]},
        "child": {"$ref": "#/$defs/Child", "description": "d"},
        "either": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "many": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "number"}}}},
        "default": {"type": "string"},
    },
    "required": ["name"],
    "$defs": {"Child": {"type": "object", "properties": {"b": {"type": "boolean"}}}},
}


def test_strict_copies() -> None:
    before = copy.deepcopy(SCHEMA)
    strict = strict_schema(SCHEMA)
    assert before == SCHEMA
    assert strict["required"] == list(SCHEMA["properties"])
    assert strict["additionalProperties"] is False
    assert strict["$defs"]["Child"]["additionalProperties"] is False
    assert "default" not in strict["properties"]["name"]
    jsonschema.Draft202012Validator.check_schema(strict)
    empty = dict.fromkeys(SCHEMA["properties"])
    jsonschema.validate({**empty, "name": "x"}, strict)
    full = {**empty, "name": "x", "size": "l", "kind": "k", "colour": "red", "child": {"b": None}, "many": [{"a": 1}]}
    jsonschema.validate(full, strict)
    for wrong in ({**full, "name": None}, {**full, "colour": "blue"}, {**full, "new": 1}, {"name": "x"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, strict)
    assert without_added_nulls({**empty, "name": "x"}, SCHEMA) == {"name": "x", "either": None}


def test_strict_copies_without_nulls() -> None:
    strict = strict_schema(SCHEMA, optional_as_null=False)
    assert strict["required"] == list(SCHEMA["properties"])
    assert strict["properties"]["default"] == {"type": "string"}
    assert strict["$defs"]["Child"]["required"] == ["b"]
    assert strict["$defs"]["Child"]["properties"] == SCHEMA["$defs"]["Child"]["properties"]
    assert strict_schema(strict) == strict


@pytest.mark.parametrize(
    ("schema", "possible"),
    [
        (SCHEMA, True),
        ({"type": "object"}, False),
        ({"type": "object", "additionalProperties": False}, True),
        ({"type": "object", "properties": {}}, True),
        (
            {"type": "object", "properties": {"a": {"type": "object", "additionalProperties": {"type": "string"}}}},
            False,
        ),
        ({"type": "object", "properties": {"a": {}}, "additionalProperties": True}, False),
        ({"type": "object", "properties": {}, "patternProperties": {}}, False),
        ({"type": "array", "items": {"type": "object"}}, False),
        ({"type": "object", "properties": {"properties": {"type": "string"}}}, True),
        ({"$defs": {"A": {"type": "object"}}}, False),
        (True, True),
    ],
)
def test_what_can_be_strict(schema: Any, possible: bool) -> None:
    assert can_be_strict(schema) is possible
