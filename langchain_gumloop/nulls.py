"""Nulls that the strict mode put in place of optional values."""

from __future__ import annotations

from typing import Any

from gumloop_core.wire import JSONObject


def without_added_nulls(value: Any, schema: JSONObject) -> Any:
    """Drop each null that stands for a property which the schema says may be left out, but not be null.

    In strict mode every property is required, so that the model writes null for what it would have left out; see
    :func:`gumloop_core.schema.strict_schema`.

    Args:
        value: The model's answer; it is not changed.
        schema: The schema as the caller wrote it.
    """
    return _cleaned(value, schema, schema)


def _cleaned(value: Any, schema: Any, root: JSONObject) -> Any:
    schema = _resolved(schema, root)
    if isinstance(value, list):
        items = schema.get("items")
        return [_cleaned(item, items, root) for item in value] if isinstance(items, dict) else value
    if not isinstance(value, dict):
        return value
    properties = schema.get("properties")
    if isinstance(properties, dict):
        required = schema.get("required") or ()
        return {
            key: _cleaned(part, properties.get(key), root)
            for key, part in value.items()
            if part is not None or key in required or key not in properties or _takes_null(properties[key], root)
        }
    for options in (schema.get("anyOf"), schema.get("oneOf"), schema.get("allOf")):
        for option in options or ():
            known = _resolved(option, root).get("properties")
            if isinstance(known, dict) and value.keys() <= known.keys():
                return _cleaned(value, option, root)
    return value


def _takes_null(schema: Any, root: JSONObject) -> bool:
    schema = _resolved(schema, root)
    kind = schema.get("type")
    if kind == "null" or (isinstance(kind, list) and "null" in kind):
        return True
    options = [*(schema.get("anyOf") or ()), *(schema.get("oneOf") or ())]
    if options:
        return any(_takes_null(option, root) for option in options)
    if "enum" in schema:
        return None in schema["enum"]
    if "const" in schema:
        return schema["const"] is None
    return kind is None and "allOf" not in schema and "properties" not in schema


def _resolved(schema: Any, root: JSONObject) -> JSONObject:
    """Follow references within the document."""
    for _ in range(20):
        reference = schema.get("$ref") if isinstance(schema, dict) else None
        if not isinstance(reference, str) or not reference.startswith("#"):
            break
        found: Any = root
        for step in reference[1:].split("/")[1:]:
            found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
        schema = found
    return schema if isinstance(schema, dict) else {}
