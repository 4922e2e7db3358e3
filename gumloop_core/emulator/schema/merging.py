"""One flat schema from references and `allOf`, so that filling sees all of what is demanded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gumloop_core.emulator.schema.references import resolve_pointer
from gumloop_core.emulator.shapes import JsonObject

_LARGER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_SMALLER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_STEPS = 32  # references that may follow one another
_MOST_PAIRS = 32


def flatten(schema: object, root: JsonObject) -> JsonObject:
    """Return a schema with its references and `allOf` merged in; `true` becomes the empty schema."""
    for _ in range(_STEPS):
        if not isinstance(schema, dict):
            return {} if schema is not False else {"not": {}}
        if "$ref" in schema:
            rest = {key: value for key, value in schema.items() if key != "$ref"}
            target = resolve_pointer(root, schema["$ref"])
            schema = merge(target if isinstance(target, dict) else {}, rest)
        elif "allOf" in schema:
            parts = schema["allOf"]
            merged: JsonObject = {key: value for key, value in schema.items() if key != "allOf"}
            for part in parts:
                merged = merge(merged, flatten(part, root))
            schema = merged
        else:
            return schema
    return {}


def merge(left: Mapping[str, Any], right: Mapping[str, Any]) -> JsonObject:
    """Return one schema that demands what both demand, as far as that can be said in one."""
    merged: JsonObject = dict(left)
    for key, value in right.items():
        if key not in merged:
            merged[key] = value
        elif key in ("properties", "patternProperties", "$defs"):
            merged[key] = _merge_properties(merged[key], value)
        elif key == "required":
            merged[key] = list(dict.fromkeys([*merged[key], *value]))
        elif key in _LARGER:
            merged[key] = max(merged[key], value)
        elif key in _SMALLER:
            merged[key] = min(merged[key], value)
        elif key == "type":
            merged[key] = _common_types(merged[key], value)
        elif key == "enum":
            merged[key] = [option for option in merged[key] if option in value] or value
        elif key in ("anyOf", "oneOf"):
            # Whoever fills this checks the result against the original, so a pair need not be exact.
            pairs = [merge(one, other) for one in _objects(merged[key]) for other in _objects(value)]
            merged[key] = pairs[:_MOST_PAIRS]
        elif key == "not":
            merged[key] = {"anyOf": [merged[key], value]}
        else:
            merged[key] = value
    return merged


def _objects(parts: Iterable[object]) -> list[JsonObject]:
    return [part if isinstance(part, dict) else {} for part in parts if part is not False]


def _merge_properties(left: Mapping[str, Any], right: Mapping[str, Any]) -> JsonObject:
    merged = dict(left)
    for name, part in right.items():
        both = isinstance(merged.get(name), dict) and isinstance(part, dict)
        merged[name] = {"allOf": [merged[name], part]} if both and merged[name] != part else part
    return merged


def _common_types(left: object, right: object) -> object:
    lefts = left if isinstance(left, list) else [left]
    rights = right if isinstance(right, list) else [right]
    common = [kind for kind in lefts if kind in rights]
    if "integer" in lefts + rights and "number" in lefts + rights and "integer" not in common:
        common.append("integer")
    return common[0] if len(common) == 1 else common or right
