"""JSON Schemas for tools and structured answers: strict-safe copies, names that the endpoint takes."""

from __future__ import annotations

import re
from typing import Any

from gumloop_core.wire import JSONObject

LONGEST_NAME = 64
"""Characters that the name of a schema or a tool may have (OpenAI's rule, which the endpoint follows)."""

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")


def safe_name(name: str | None, default: str = "response") -> str:
    """A name of at most 64 letters, digits, underscores and hyphens.

    Args:
        name: The wished name, a schema's title for example.
        default: What to use where nothing of it can be kept.
    """
    return _UNSAFE.sub("_", name or "").strip("_")[:LONGEST_NAME] or default


def strict_schema(schema: JSONObject) -> JSONObject:
    """A copy of a schema that the strict mode takes.

    Strict mode wants every object closed (``additionalProperties: false``) with all its properties required. A
    property that was optional may be null instead, so that the model is not made to invent a value; keywords that
    strict mode refuses next to ``$ref`` or at all (``default``) are left out. The caller's schema is not touched.

    Objects that are meant to be open (``additionalProperties`` true or a schema, without properties) cannot be
    strict; see :func:`can_be_strict`.
    """
    strict: JSONObject = _strict(schema)
    return strict


def can_be_strict(schema: Any) -> bool:
    """Whether strict mode can say what a schema says: not where an object is open to any key."""
    if isinstance(schema, list):
        return all(can_be_strict(item) for item in schema)
    if not isinstance(schema, dict):
        return True
    if _is_object(schema) and (
        not isinstance(schema.get("properties"), dict) or schema.get("additionalProperties") not in (None, False)
    ):
        # An object without a list of properties is a mapping; strict mode would make it empty.
        closed_and_empty = schema.get("additionalProperties") is False
        if not closed_and_empty and schema.get("properties") != {}:
            return False
    if "patternProperties" in schema:
        return False
    return all(
        can_be_strict(list(value.values()) if key in _SCHEMA_MAPS and isinstance(value, dict) else value)
        for key, value in schema.items()
        if key in _SCHEMA_MAPS or key in _SCHEMA_PLACES
    )


_SCHEMA_MAPS = frozenset({"properties", "$defs", "definitions"})
_SCHEMA_PLACES = frozenset({"items", "prefixItems", "anyOf", "oneOf", "allOf", "not", "additionalProperties"})


def _is_object(schema: JSONObject) -> bool:
    kind = schema.get("type")
    return kind == "object" or "properties" in schema or (isinstance(kind, list) and "object" in kind)


def _strict(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return {"$ref": schema["$ref"], **{key: _strict(schema[key]) for key in _SCHEMA_MAPS & schema.keys()}}
    strict: JSONObject = {}
    for key, value in schema.items():
        if key == "default":
            continue
        if key in _SCHEMA_MAPS and isinstance(value, dict):
            strict[key] = {name: _strict(part) for name, part in value.items()}
        elif key == "allOf" and isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
            strict.update(_strict(value[0]))  # how pydantic once wrapped a reference; strict mode knows no allOf
        elif key in _SCHEMA_PLACES:
            strict[key] = _strict(value)
        else:
            strict[key] = value
    if _is_object(schema):
        properties = strict.setdefault("properties", {})
        required = schema.get("required") or []
        for name in properties:
            if name not in required:
                properties[name] = _nullable(properties[name])
        strict["required"] = list(properties)
        strict["additionalProperties"] = False
    return strict


def _nullable(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema or "const" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    if "anyOf" in schema:
        options = schema["anyOf"]
        return schema if {"type": "null"} in options else {**schema, "anyOf": [*options, {"type": "null"}]}
    kind = schema.get("type")
    if isinstance(kind, str):
        if kind == "null":
            return schema
        if "enum" in schema:
            return {"anyOf": [schema, {"type": "null"}]}
        return {**schema, "type": [kind, "null"]}
    if isinstance(kind, list):
        return schema if "null" in kind else {**schema, "type": [*kind, "null"]}
    return {"anyOf": [schema, {"type": "null"}]}
