"""Nulls of strict mode, taken back out of answers, whole ones and those that arrive."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from gumloop_core.reading.nulls import WithoutNulls, without_added_nulls
from gumloop_core.reading.partial_json import PartialJSON, grows

NULLABLE = {"anyOf": [{"type": "string"}, {"type": "null"}]}
CAT = {"type": "object", "properties": {"kind": {"const": "cat"}, "lives": {"type": "integer"}}, "required": ["kind"]}
DOG = {"type": "object", "properties": {"kind": {"enum": ["dog"]}, "lives": NULLABLE}, "required": ["kind"]}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "nick": {"type": "string"},
        "maybe": NULLABLE,
        "anything": {},
        "pets": {"type": "array", "items": {"oneOf": [{"$ref": "#/$defs/Cat"}, {"$ref": "#/$defs/Dog"}]}},
        "next": {"$ref": "#"},
    },
    "required": ["name"],
    "$defs": {"Cat": CAT, "Dog": DOG},
}


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ({"name": None}, {"name": None}),  # required: the class is to say so
        ({"name": "x", "nick": None, "maybe": None}, {"name": "x", "maybe": None}),
        ({"name": "x", "anything": None}, {"name": "x", "anything": None}),
        (
            {"name": "x", "pets": [{"kind": "cat", "lives": None}, {"kind": "dog", "lives": None}]},
            {"name": "x", "pets": [{"kind": "cat"}, {"kind": "dog", "lives": None}]},
        ),
        ({"name": "x", "next": {"name": "y", "nick": None}}, {"name": "x", "next": {"name": "y"}}),
        ({"name": "x", "unknown": None}, {"name": "x", "unknown": None}),
        ([1], [1]),
        (None, None),
    ],
)
def test_added_nulls_are_left_out(given: Any, left: Any) -> None:
    assert without_added_nulls(given, SCHEMA) == left


@pytest.mark.parametrize("size", [1, 4, 1000])
def test_they_are_left_out_of_an_answer_that_arrives(size: int) -> None:
    pets = [{"kind": "cat", "lives": None}, {"kind": "dog", "lives": None}]
    whole = {"name": "x", "nick": None, "maybe": None, "pets": pets, "next": {"name": "y", "nick": None, "pets": pets}}
    text = json.dumps(whole)
    reader = PartialJSON(WithoutNulls([SCHEMA], SCHEMA))
    pieces = [text[place : place + size] for place in range(0, len(text), size)]
    states = [reader.snapshot() for piece in pieces if reader.feed(piece)]
    assert states[-1] == without_added_nulls(whole, SCHEMA)
    assert all(grows(earlier, later) for earlier, later in pairwise(states))


ODD: list[Any] = [
    {"type": "object", "properties": {"a": {"type": "string"}}, "required": 5},
    {"anyOf": 5},
    {"title": 5, "type": "object", "properties": []},
    {"properties": {"a": {"$ref": "#/$defs/X"}}},
    {"properties": {"a": {"$ref": "https://example.org"}}},
    {"properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"anyOf": [{"$ref": "#/$defs/A"}, {"type": "null"}]}}},
    {"anyOf": [{"$ref": "#"}, {"type": "null"}]},
    {"properties": {"a": {"enum": 5}}},
    {"properties": {"a": True, "b": False}},
    {"properties": {"a": {"type": 5}}, "required": [{}]},
    {"allOf": [5, None, []]},
]


@pytest.mark.parametrize("schema", ODD, ids=str)
@pytest.mark.parametrize("value", [None, {"a": None}, {"a": {"a": None}}, [None], "x"])
def test_odd_schemas_raise_nothing(schema: Any, value: Any) -> None:
    without_added_nulls(value, schema)
