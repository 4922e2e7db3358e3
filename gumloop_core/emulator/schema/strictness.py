"""Whether a schema is a schema, and whether it keeps the rule of strict mode."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from gumloop_core.emulator.failures import FieldError
from gumloop_core.emulator.schema.references import resolve_pointer
from gumloop_core.emulator.shapes import JsonObject
from gumloop_core.strict_subset import fault_in

_TYPES = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_COUNTS = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
_MAPS = ("properties", "$defs", "definitions", "patternProperties", "dependentSchemas")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLES = ("additionalProperties", "not", "if", "then", "else", "contains", "propertyNames", "items")


def check_schema(schema: JsonObject, where: str) -> None:
    """Raise when something in a schema cannot be meant.

    Args:
        schema: The schema.
        where: Its path in the body, for `param`.
    """
    for node, place in walk(schema, where):
        if isinstance(node, bool):
            continue
        if not isinstance(node, dict):
            raise FieldError(f"{place} must be a schema.", place)
        _check_node(node, place, schema)


def check_strict(schema: JsonObject, where: str) -> None:
    """Raise when a schema is not in the subset of strict mode, naming the part that is not.

    The subset is OpenAI's documented one, see :mod:`gumloop_core.strict_subset`.
    """
    fault = fault_in(schema)
    if fault is not None:
        raise FieldError(f"{fault.reason[:1].upper()}{fault.reason[1:]}.", f"{where}{fault.path}")


def walk(schema: object, where: str) -> Iterator[tuple[object, str]]:
    """Yield every schema inside a schema with its path, the outer one first."""
    yield schema, where
    if not isinstance(schema, dict):
        return
    for key in _MAPS:
        children = schema.get(key)
        if isinstance(children, dict):
            for name, child in children.items():
                yield from walk(child, f"{where}.{key}.{name}")
    for key in _LISTS:
        children = schema.get(key)
        if isinstance(children, list):
            for position, child in enumerate(children):
                yield from walk(child, f"{where}.{key}[{position}]")
    for key in _SINGLES:
        if key in schema:
            yield from walk(schema[key], f"{where}.{key}")


def _check_node(node: JsonObject, place: str, root: JsonObject) -> None:
    kinds = node.get("type", [])
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        if kind not in _TYPES:
            raise FieldError(f"Unknown schema type {kind!r}.", f"{place}.type")
    for key in _MAPS:
        if key in node and not isinstance(node[key], dict):
            raise FieldError(f"{place}.{key} must be an object.", f"{place}.{key}")
    for key in _LISTS:
        if key in node and (not isinstance(node[key], list) or not node[key]):
            raise FieldError(f"{place}.{key} must be a list that is not empty.", f"{place}.{key}")
    _check_required(node, place)
    if "enum" in node and (not isinstance(node["enum"], list) or not node["enum"]):
        raise FieldError("enum must be a list that is not empty.", f"{place}.enum")
    for key in _NUMBERS:
        if key in node and (isinstance(node[key], bool) or not isinstance(node[key], (int, float))):
            raise FieldError(f"{key} must be a number.", f"{place}.{key}")
    for key in _COUNTS:
        if key in node and not _is_count(node[key]):
            raise FieldError(f"{key} must be a natural number.", f"{place}.{key}")
    if "pattern" in node:
        _check_pattern(node["pattern"], f"{place}.pattern")
    if "$ref" in node and resolve_pointer(root, node["$ref"]) is None:
        raise FieldError(f"The reference {node['$ref']!r} leads nowhere.", f"{place}.$ref")


def _check_required(node: JsonObject, place: str) -> None:
    required = node.get("required", [])
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        raise FieldError("required must be a list of property names.", f"{place}.required")


def _check_pattern(pattern: object, place: str) -> None:
    if not isinstance(pattern, str):
        raise FieldError("pattern must be a string.", place)
    try:
        re.compile(pattern)
    except re.error as error:
        # A pattern of another dialect may still be meant, so only what is no pattern anywhere is refused.
        if "unterminated" in str(error) or "unbalanced" in str(error) or "nothing to repeat" in str(error):
            raise FieldError(f"pattern is not a regular expression: {error}.", place) from None


def _is_count(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, (int, float)) and value >= 0 and value == int(value)
