"""Names that the endpoint takes, and where references lead."""

from __future__ import annotations

from typing import Any

import pytest

from gumloop_core.writing.schema import pointed_at, resolved, safe_name, with_root


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("add", "add"),
        ("a b/c", "a_b_c"),
        ("é", "response"),
        ("", "response"),
        (None, "response"),
        (5, "response"),
        ("x" * 80, "x" * 64),
    ],
)
def test_names(name: Any, safe: str) -> None:
    assert safe_name(name) == safe


DOCUMENT: dict[str, Any] = {
    "$defs": {"A": {"type": "string"}, "B": {"$ref": "#/$defs/A"}, "C": {"$ref": "#/$defs/C"}, "a/b": {"type": "null"}},
    "anyOf": [{"type": "integer"}],
}


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("#", DOCUMENT),
        ("#/$defs/A", {"type": "string"}),
        ("#/$defs/a~1b", {"type": "null"}),
        ("#/anyOf/0", {"type": "integer"}),
        ("#/anyOf/9", None),
        ("#/anyOf/x", None),
        ("#/$defs/X/y", None),
        ("https://example.org/schema.json", None),
        (5, None),
    ],
)
def test_references(reference: Any, found: Any) -> None:
    assert pointed_at(reference, DOCUMENT) == found


@pytest.mark.parametrize(
    ("schema", "found"),
    [
        ({"$ref": "#/$defs/B"}, {"type": "string"}),
        ({"$ref": "#/$defs/C"}, {}),
        ({"$ref": "#/$defs/X"}, {}),
        ({"type": "array"}, {"type": "array"}),
        (True, {}),
    ],
)
def test_references_that_lead_to_references(schema: Any, found: Any) -> None:
    assert resolved(schema, DOCUMENT) == found


def test_a_root_that_is_a_reference_says_what_it_is() -> None:
    schema = {"$ref": "#/$defs/T", "$defs": {"T": {"type": "object", "properties": {}}}}
    assert with_root(schema) == {"type": "object", "properties": {}, "$defs": schema["$defs"]}
    assert with_root({"$ref": "#/$defs/X"}) == {"$ref": "#/$defs/X"}
