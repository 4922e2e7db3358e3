"""Filling: whatever schema comes, the value validates by an independent validator."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gumloop_core.emulator.rules.source import TextSource
from gumloop_core.emulator.schema.conformance import conforms
from gumloop_core.emulator.schema.filling import Filler
from gumloop_core.emulator.schema.patterns import string_for

# "time" is left out: that check knows no time zones, which RFC 3339 demands.
CHECKER = jsonschema.FormatChecker(set(jsonschema.FormatChecker.checkers) - {"time"})
TEXTS = [
    "",
    "Ada Lovelace, 36, lives in London. Mail ada@example.com before 2026-05-01. name: Ada, count: 7",
    '{"a": 1, "b": [true, null]} and "quoted text", -3.5, 1,200',
]


def fill(schema: dict[str, Any], text: str = "") -> object:
    return Filler(schema, TextSource(text, schema=schema)).fill()


def assert_valid(value: object, schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator(schema, format_checker=CHECKER).validate(value)


names = st.sampled_from(["name", "city", "age", "email", "tags", "when", "is_new", "answer", "a", "b", "c"])


@st.composite
def bounds(draw: st.DrawFn, low: str, high: str, most: int) -> dict[str, int]:
    first = draw(st.integers(0, most))
    second = draw(st.integers(first, most))
    return draw(st.sampled_from([{}, {low: first}, {high: second}, {low: first, high: second}]))


@st.composite
def strings(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(["plain", "bounded", "format", "pattern"]))
    if kind == "bounded":
        return {"type": "string", **draw(bounds("minLength", "maxLength", 40))}
    if kind == "format":
        formats = ["date", "date-time", "time", "email", "uuid", "uri", "ipv4", "ipv6", "hostname", "duration"]
        return {"type": "string", "format": draw(st.sampled_from(formats))}
    if kind == "pattern":
        patterns = [
            r"^[A-Z]{3}-\d{4}$",
            r"\d+",
            r"^(yes|no)$",
            r"^a?b{2,4}[^a-z]$",
            r"^\S+@\S+$",
            r"^.{3,5}$",
            r"(x|y)\1",
        ]
        return {"type": "string", "pattern": draw(st.sampled_from(patterns))}
    return {"type": "string"}


@st.composite
def numbers(draw: st.DrawFn) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": draw(st.sampled_from(["integer", "number"]))}
    low = draw(st.integers(-50, 50))
    high = low + draw(st.integers(2, 60))
    if draw(st.booleans()):
        schema[draw(st.sampled_from(["minimum", "exclusiveMinimum"]))] = low
    if draw(st.booleans()):
        schema[draw(st.sampled_from(["maximum", "exclusiveMaximum"]))] = high
    elif draw(st.booleans()):
        schema["multipleOf"] = draw(st.sampled_from([1, 2, 5, 0.5, 10]))
    return schema


scalars = st.one_of(
    strings(),
    numbers(),
    st.sampled_from(
        [
            {"type": "boolean"},
            {"type": "null"},
            {"const": 5},
            {"enum": ["red", "green", None, 3]},
            {"type": ["string", "null"]},
            {"type": ["integer", "boolean"]},
            {},
            {"not": {"type": "string"}},
        ]
    ),
)


def nested(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    @st.composite
    def objects(draw: st.DrawFn) -> dict[str, Any]:
        properties = draw(st.dictionaries(names, inner, max_size=4))
        required = draw(st.lists(st.sampled_from(sorted(properties)), unique=True)) if properties else []
        schema: dict[str, Any] = {"type": "object", "properties": properties, "required": required}
        more = draw(st.sampled_from(["open", "closed", "typed", "least"]))
        if more == "closed":
            schema["additionalProperties"] = False
        elif more == "typed":
            schema["additionalProperties"] = draw(inner)
        elif more == "least":
            schema["minProperties"] = draw(st.integers(0, 5))
        return schema

    @st.composite
    def arrays(draw: st.DrawFn) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "array", "items": draw(inner), **draw(bounds("minItems", "maxItems", 4))}
        if draw(st.integers(0, 3)) == 0:
            schema["prefixItems"] = [draw(inner)]
            schema.pop("maxItems", None)
        return schema

    unions = st.builds(
        lambda key, parts: {key: parts}, st.sampled_from(["anyOf", "allOf"]), st.lists(inner, min_size=1, max_size=1)
    )
    choices = st.builds(lambda parts: {"anyOf": parts}, st.lists(inner, min_size=2, max_size=3))
    return st.one_of(objects(), arrays(), unions, choices)


schemas = st.recursive(scalars, nested, max_leaves=8)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(schema=schemas, text=st.sampled_from(TEXTS))
def test_any_schema(schema: dict[str, Any], text: str) -> None:
    assert_valid(fill(schema, text), schema)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    schema=schemas,
    value=st.recursive(
        st.none() | st.booleans() | st.integers(-60, 60) | st.sampled_from([0.5, "red", "", "AAA-1234", "2026-01-01"]),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
        max_leaves=6,
    ),
)
def test_the_own_validator_agrees_with_jsonschema(schema: dict[str, Any], value: object) -> None:
    plain = json.loads(json.dumps(schema))
    if "format" in json.dumps(plain):  # what counts as a format is each validator's own affair
        return
    assert conforms(value, plain, plain) == jsonschema.Draft202012Validator(plain).is_valid(value)


@pytest.mark.parametrize("value", [1, 3, 5, 15, "x", None, True, [1, 1], [1, 2], {"a": 1}, {"a": 2, "b": 1}])
@pytest.mark.parametrize(
    "schema",
    [
        {"oneOf": [{"type": "integer", "multipleOf": 3}, {"type": "integer", "multipleOf": 5}]},
        {"not": {"type": "integer"}},
        {"if": {"type": "integer"}, "then": {"minimum": 4}, "else": {"type": "array"}},
        {"uniqueItems": True, "contains": {"const": 2}},
        {"dependentRequired": {"a": ["b"]}, "maxProperties": 1},
        {"propertyNames": {"maxLength": 0}},
        {"prefixItems": [{"const": 1}], "items": {"const": 2}},
        {"const": 1},
        {"enum": [True, None]},
    ],
)
def test_the_own_validator_on_rare_words(schema: dict[str, Any], value: object) -> None:
    assert conforms(value, schema, schema) == jsonschema.Draft202012Validator(schema).is_valid(value)


SPECIAL: dict[str, dict[str, Any]] = {
    "list that contains itself": {
        "$defs": {
            "Node": {
                "type": "object",
                "properties": {
                    "value": {"type": "integer"},
                    "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
                    "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
                },
                "required": ["value", "next", "children"],
                "additionalProperties": False,
            }
        },
        "$ref": "#/$defs/Node",
    },
    "root that contains itself": {
        "type": "object",
        "properties": {"left": {"anyOf": [{"type": "null"}, {"$ref": "#"}]}, "key": {"type": "string"}},
        "required": ["left", "key"],
    },
    "reference with siblings": {
        "$defs": {"Size": {"type": "integer", "minimum": 3}},
        "type": "object",
        "properties": {"size": {"$ref": "#/$defs/Size", "maximum": 4, "description": "x"}},
        "required": ["size"],
    },
    "parts of a whole": {
        "allOf": [
            {"type": "object", "properties": {"a": {"type": "string", "minLength": 3}}, "required": ["a"]},
            {"properties": {"a": {"maxLength": 4}, "b": {"type": "boolean"}}, "required": ["b"]},
        ]
    },
    "exactly one": {"oneOf": [{"type": "integer", "multipleOf": 3}, {"type": "integer", "multipleOf": 5}]},
    "told apart": {
        "oneOf": [
            {
                "type": "object",
                "properties": {"kind": {"const": k}, "size": {"type": "integer"}},
                "required": ["kind", "size"],
            }
            for k in ("cat", "dog")
        ]
    },
    "unique items": {"type": "array", "items": {"type": "integer"}, "minItems": 4, "uniqueItems": True},
    "unique options": {"type": "array", "items": {"enum": ["a", "b", "c"]}, "minItems": 3, "uniqueItems": True},
    "unique flags": {"type": "array", "items": {"type": "boolean"}, "minItems": 2, "uniqueItems": True},
    "contains": {"type": "array", "items": {"type": "integer"}, "contains": {"const": 7}, "minContains": 2},
    "fixed head": {"type": "array", "prefixItems": [{"const": 1}, {"type": "string"}], "items": False},
    "named by pattern": {
        "type": "object",
        "patternProperties": {"^x_\\d+$": {"type": "integer"}},
        "additionalProperties": False,
        "minProperties": 2,
    },
    "names with a rule": {"type": "object", "propertyNames": {"pattern": "^[a-z]{2}$"}, "minProperties": 1},
    "one needs the other": {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "required": ["a"],
        "dependentRequired": {"a": ["b"]},
    },
    "if and then": {
        "type": "object",
        "properties": {"a": {"enum": [1, 2]}, "b": {"type": "integer"}},
        "required": ["a"],
        "if": {"properties": {"a": {"const": 1}}},
        "then": {"required": ["b"]},
    },
    "very long": {"type": "string", "minLength": 5000},
    "tiny numbers": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.001},
    "one number": {"type": "integer", "exclusiveMinimum": 4, "exclusiveMaximum": 6},
    "large steps": {"type": "integer", "minimum": 1001, "multipleOf": 250},
    "negative steps": {"type": "number", "maximum": -10, "multipleOf": 4},
}


@pytest.mark.parametrize("name", SPECIAL)
@pytest.mark.parametrize("text", TEXTS)
def test_special_schemas(name: str, text: str) -> None:
    assert_valid(fill(SPECIAL[name], text), SPECIAL[name])


def test_a_schema_that_contains_itself_without_end_comes_back() -> None:
    endless = {"type": "object", "properties": {"self": {"$ref": "#"}}, "required": ["self"]}
    assert isinstance(fill(endless), dict)
    assert fill({"$defs": {"A": {"$ref": "#/$defs/A"}}, "$ref": "#/$defs/A"}) is not NotImplemented


def test_filling_is_the_same_every_time() -> None:
    schema = SPECIAL["parts of a whole"]
    assert fill(schema, TEXTS[1]) == fill(schema, TEXTS[1])


@pytest.mark.parametrize(
    "pattern",
    [r"^\d{3}-\d{2}$", r"^(?:a|b)+c?$", r"[\w.]+@[\w.]+", r"^[^0-9]{2}$", r"^(\w)\1$", r"^\s\S$", r"^[\d_-]{4}$", "€"],
)
def test_patterns(pattern: str) -> None:
    text = string_for(pattern)
    assert text is not None
    assert re.search(pattern, text)


@pytest.mark.parametrize("pattern", [r"(?=a)b", r"^(?!.)x", r"\p{L}+"])
def test_patterns_that_are_too_hard_give_up(pattern: str) -> None:
    assert string_for(pattern) is None
