"""The least value of a schema: whatever schema comes, it validates by an independent validator."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gumloop_emulator.example import example

# "time" is left out: that check knows no time zones, which RFC 3339 demands.
CHECKER = jsonschema.FormatChecker(set(jsonschema.FormatChecker.checkers) - {"time"})


def assert_fills(schema: dict[str, Any]) -> Any:
    value = example(schema)
    jsonschema.Draft202012Validator(schema, format_checker=CHECKER).validate(value)
    return value


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
@given(schema=schemas)
def test_any_schema(schema: dict[str, Any]) -> None:
    assert_fills(schema)


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
    "very long": {"type": "string", "minLength": 5000},
    "tiny numbers": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.001},
    "one number": {"type": "integer", "exclusiveMinimum": 4, "exclusiveMaximum": 6},
    "large steps": {"type": "integer", "minimum": 1001, "multipleOf": 250},
    "negative steps": {"type": "number", "maximum": -10, "multipleOf": 4},
}


@pytest.mark.parametrize("name", SPECIAL)
def test_special_schemas(name: str) -> None:
    assert_fills(SPECIAL[name])


def test_only_what_must_be_there_is_there() -> None:
    schema = {
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "unit": {"enum": ["celsius", "fahrenheit"]},
            "days": {"type": "array", "items": {"type": "integer"}},
            "note": {"type": "string"},
            "limit": {"type": "integer", "default": 7},
        },
        "required": ["limit", "unit", "city", "days"],
    }
    assert assert_fills(schema) == {"city": "city", "unit": "celsius", "days": [], "limit": 7}


def test_a_schema_that_contains_itself_without_end_comes_back() -> None:
    endless = {"type": "object", "properties": {"self": {"$ref": "#"}}, "required": ["self"]}
    assert isinstance(example(endless), dict)
    assert example({"$defs": {"A": {"$ref": "#/$defs/A"}}, "$ref": "#/$defs/A"}) == "text"


@pytest.mark.parametrize(
    "pattern",
    [r"^\d{3}-\d{2}$", r"^(?:a|b)+c?$", r"[\w.]+@[\w.]+", r"^[^0-9]{2}$", r"^(\w)\1$", r"^\s\S$", r"^[\d_-]{4}$", "€"],
)
def test_patterns(pattern: str) -> None:
    assert_fills({"type": "string", "pattern": pattern})


@pytest.mark.parametrize("pattern", [r"^(?!.)x", r"\p{L}+"])
def test_patterns_that_are_too_hard_give_up(pattern: str) -> None:
    assert example({"type": "string", "pattern": pattern}) == "text"
