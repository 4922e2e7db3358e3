"""The subset of JSON Schema that strict mode knows; each of its faults is named in `test_strict_schema.py`."""

from __future__ import annotations

from typing import Any

import pytest

from gumloop_core.writing import strict_subset
from gumloop_core.writing.strict_subset import has_type, parts, subschemas


def test_the_schemas_within_a_schema_have_their_paths() -> None:
    text = {"type": "string"}
    schema = {
        "$defs": {"D": text},
        "properties": {"a": {"anyOf": [text, {"type": "null"}]}, "b": {"items": True}},
    }
    assert [path for _, path in subschemas(schema)] == [
        "",
        ".properties.a",
        ".properties.a.anyOf[0]",
        ".properties.a.anyOf[1]",
        ".properties.b",
        ".properties.b.items",
        ".$defs.D",
    ]


@pytest.mark.parametrize("node", [{}, {"properties": []}, {"$defs": 5}, {"anyOf": {}}])
def test_a_node_without_schemas_within(node: dict[str, Any]) -> None:
    assert parts(node) == []


def test_a_type_alone_or_among_others() -> None:
    assert has_type({"type": "object"}, "object")
    assert has_type({"type": ["null", "object"]}, "object")
    assert not has_type({"type": ["null"]}, "object")
    assert not has_type({}, "object")


@pytest.mark.parametrize("pattern", ["^a+$", "[?=]", r"\(\?="])
def test_patterns_that_strict_mode_takes(pattern: str) -> None:
    assert strict_subset.is_strict_pattern(pattern)


@pytest.mark.parametrize("pattern", ["(?=a)", "(?!a)", "(?<=a)b", r"(a)\1", 5])
def test_patterns_that_it_does_not(pattern: Any) -> None:
    assert not strict_subset.is_strict_pattern(pattern)
