"""JSON Schemas that are sent: whether one is a schema, and whether it keeps the rules of strict mode."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gumloop_core.wire import JSONObject
from gumloop_emulator.contract import SHAPES, read
from gumloop_emulator.failures import invalid

_KEYWORDS: JSONObject = SHAPES["SchemaObject"]["properties"]
_INNER: JSONObject = {"$ref": "#/$defs/Schema"}


def check_schema(schema: JSONObject, where: str, *, strict: bool) -> None:
    """Raise the refusal of a schema that cannot be meant, or that breaks the rules of strict mode.

    Args:
        schema: The schema.
        where: Its path in the body, for `param`.
        strict: Whether it was sent with `strict: true`.
    """
    read("SchemaObject", schema, where)
    if strict and schema.get("type") != "object":
        raise invalid("In strict mode the schema must be of type object.", f"{where}.type")
    for node, place in _walk(schema, where):
        if "$ref" in node and resolve(schema, node["$ref"]) is None:
            raise invalid(f"The reference {node['$ref']!r} leads nowhere.", f"{place}.$ref")
        if strict and (node.get("type") == "object" or "object" in node.get("type", ()) or "properties" in node):
            _check_closed(node, place)


def _check_closed(node: JSONObject, place: str) -> None:
    if node.get("additionalProperties") is not False:
        raise invalid("In strict mode every object needs additionalProperties: false.", f"{place}.additionalProperties")
    missing = sorted(set(node.get("properties", ())) - set(node.get("required", ())))
    if missing:
        names = ", ".join(missing)
        raise invalid(f"In strict mode every property must be required; missing: {names}.", f"{place}.required")


def _walk(schema: object, where: str) -> Iterator[tuple[JSONObject, str]]:
    """Yield every schema inside a checked schema with its path, the outer one first."""
    if not isinstance(schema, dict):
        return
    yield schema, where
    for key in _KEYWORDS.keys() & schema.keys():
        kind, value = _KEYWORDS[key], schema[key]
        if kind == _INNER:
            yield from _walk(value, f"{where}.{key}")
        elif kind.get("items") == _INNER:
            for position, child in enumerate(value):
                yield from _walk(child, f"{where}.{key}[{position}]")
        elif kind.get("additionalProperties") == _INNER:
            for name, child in value.items():
                yield from _walk(child, f"{where}.{key}.{name}")


def resolve(root: object, reference: str) -> Any:
    """Return what a reference within a schema leads to, None when it leads nowhere."""
    current = root if reference.startswith("#") else None
    for step in filter(None, reference[1:].split("/")):
        step = step.replace("~1", "/").replace("~0", "~")
        if isinstance(current, list):
            current = current[int(step)] if step.isdigit() and int(step) < len(current) else None
        else:
            current = current.get(step) if isinstance(current, dict) else None
    return current
