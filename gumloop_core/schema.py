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


def strict_schema(schema: JSONObject, *, optional_as_null: bool = True) -> JSONObject:
    """A copy of a schema that the strict mode takes.

    Strict mode wants every object closed (``additionalProperties: false``) with all its properties required. A
    property that was optional may be null instead, so that the model is not made to invent a value; keywords that
    strict mode refuses next to ``$ref`` or at all (``default``) are left out. The caller's schema is not touched.

    Objects that are meant to be open (``additionalProperties`` true or a schema, without properties) cannot be
    strict; see :func:`can_be_strict`.

    Args:
        schema: The schema.
        optional_as_null: ``False`` where nobody takes those nulls back (:func:`without_added_nulls`): an answer must
            fit the schema as it was, and the model gives every value.
    """
    strict: JSONObject = _strict(with_root(schema), optional_as_null)
    return strict


def with_root(schema: JSONObject) -> JSONObject:
    """A schema whose root says what it is.

    A class that refers to itself has nothing but a reference at the root, where providers want ``type: object``. The
    definition is put there beside the definitions; the caller's schema is not touched.
    """
    if "$ref" not in schema:
        return schema
    return {**_resolved(schema, schema), **{key: schema[key] for key in _SCHEMA_MAPS if key in schema}}


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


def _strict(schema: Any, nulls: bool) -> Any:
    if isinstance(schema, list):
        return [_strict(item, nulls) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return {"$ref": schema["$ref"], **{key: _strict(schema[key], nulls) for key in _SCHEMA_MAPS & schema.keys()}}
    strict: JSONObject = {}
    for key, value in schema.items():
        if key == "default":
            continue
        if key in _SCHEMA_MAPS and isinstance(value, dict):
            strict[key] = {name: _strict(part, nulls) for name, part in value.items()}
        elif key == "allOf" and isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
            strict.update(_strict(value[0], nulls))  # how pydantic once wrapped a reference; strict mode knows no allOf
        elif key in _SCHEMA_PLACES:
            strict[key] = _strict(value, nulls)
        else:
            strict[key] = value
    if _is_object(schema):
        properties = strict.setdefault("properties", {})
        required = schema.get("required") or []
        for name in properties:
            if nulls and name not in required:
                properties[name] = _nullable(properties[name])
        strict["required"] = list(properties)
        strict["additionalProperties"] = False
    return strict


def _nullable(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema or "const" in schema or "enum" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    if "anyOf" in schema:
        options = schema["anyOf"]
        return schema if {"type": "null"} in options else {**schema, "anyOf": [*options, {"type": "null"}]}
    kind = schema.get("type")
    if isinstance(kind, str):
        if kind == "null":
            return schema
        return {**schema, "type": [kind, "null"]}
    if isinstance(kind, list):
        return schema if "null" in kind else {**schema, "type": [*kind, "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def without_added_nulls(value: Any, schema: JSONObject) -> Any:
    """A copy of an answer to :func:`strict_schema` of a schema, as an answer to the schema itself.

    In strict mode a property that was optional is null where the model has nothing to say. Such a null is left out,
    unless the schema takes one there anyway.

    Args:
        value: The parsed answer.
        schema: The schema before it was made strict.
    """
    return _without_nulls(value, schema, schema)


def _without_nulls(value: Any, schema: Any, root: JSONObject) -> Any:
    schema = _resolved(schema, root)
    if isinstance(value, list):
        items = [_resolved(option, root).get("items") for option in _options(schema, root)]
        item = next((item for item in items if isinstance(item, dict)), {})
        return [_without_nulls(entry, item, root) for entry in value]
    if not isinstance(value, dict):
        return value
    fitting = next((option for option in _options(schema, root) if _fits(value, option)), None)
    if fitting is None:
        return value
    properties, required = fitting["properties"], fitting.get("required") or []
    return {
        name: _without_nulls(entry, properties.get(name), root)
        for name, entry in value.items()
        if entry is not None or name in required or _takes_null(properties.get(name), root)
    }


def _resolved(schema: Any, root: JSONObject) -> JSONObject:
    for _ in range(10):  # a reference may lead to a reference
        if not isinstance(schema, dict) or "$ref" not in schema:
            break
        path = str(schema["$ref"]).removeprefix("#").strip("/").split("/")
        schema = root
        for step in path if path != [""] else []:
            schema = schema.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(schema, dict) else None
    return schema if isinstance(schema, dict) else {}


def _options(schema: JSONObject, root: JSONObject) -> list[JSONObject]:
    """The schemas that a value may answer to: the alternatives where there are some, else the one itself."""
    alternatives = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    if not isinstance(alternatives, list):
        return [schema]
    return [option for alternative in alternatives for option in _options(_resolved(alternative, root), root)]


def _fits(value: JSONObject, schema: JSONObject) -> bool:
    properties = schema.get("properties")
    return (
        isinstance(properties, dict)
        and value.keys() <= properties.keys()
        and all(name in value for name in schema.get("required") or [])
        and all(
            value[name] == part["const"]
            for name, part in properties.items()
            if isinstance(part, dict) and "const" in part and value.get(name) is not None
        )
    )


def _takes_null(schema: Any, root: JSONObject) -> bool:
    if schema is True or schema == {}:
        return True
    for option in _options(_resolved(schema, root), root):
        kind = option.get("type")
        if kind == "null" or (isinstance(kind, list) and "null" in kind) or None in option.get("enum", ()):
            return True
        if kind is None and not option.keys() & {"enum", "const", "properties", "items"}:
            return True
    return False
