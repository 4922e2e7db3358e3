"""Nulls that strict mode made the model write, taken back out of an answer."""

from __future__ import annotations

from typing import Any

from gumloop_core.schema import resolved
from gumloop_core.wire import JSONObject

_MOST_ALTERNATIVES = 1_000  # alternatives within alternatives can multiply, and refer to themselves


def without_added_nulls(value: Any, schema: JSONObject, *, is_partial: bool = False) -> Any:
    """A copy of an answer to the strict form of a schema, as an answer to the schema itself.

    In strict mode a property that was optional is null where the model has nothing to say. Such a null is left out,
    unless the schema takes one there anyway.

    Args:
        value: The parsed answer.
        schema: The schema before it was made strict.
        is_partial: Whether the answer is still arriving, so that required properties may be missing.
    """
    return _without_nulls(value, schema, schema, is_partial)


def _without_nulls(value: Any, schema: Any, root: JSONObject, is_partial: bool) -> Any:
    if isinstance(value, list):
        options = _options(schema, root)
        item = next((items for option in options if isinstance(items := option.get("items"), dict)), None)
        heads = next((heads for option in options if isinstance(heads := option.get("prefixItems"), list)), [])
        parts = [*heads[: len(value)], *[item] * (len(value) - len(heads))]
        return [_without_nulls(entry, part, root, is_partial) for entry, part in zip(value, parts, strict=True)]
    if not isinstance(value, dict):
        return value
    fitting = next((option for option in _options(schema, root) if _fits(value, option, is_partial)), None)
    if fitting is None:
        return value
    properties, required = fitting["properties"], _required(fitting)
    return {
        name: _without_nulls(entry, properties.get(name), root, is_partial)
        for name, entry in value.items()
        if entry is not None or name in required or _takes_null(properties.get(name), root)
    }


def _options(schema: Any, root: JSONObject) -> list[JSONObject]:
    """The schemas that a value may answer to: the alternatives where there are some, else the one itself."""
    found: list[JSONObject] = []
    open_, seen = [schema], set()
    while open_ and len(found) < _MOST_ALTERNATIVES:
        option = resolved(open_.pop(), root)
        if id(option) in seen:
            continue  # alternatives that refer to themselves
        seen.add(id(option))
        inner = [option[key] for key in ("anyOf", "oneOf", "allOf") if isinstance(option.get(key), list)]
        if inner:
            open_.extend(reversed([alternative for alternatives in inner for alternative in alternatives]))
        if "properties" in option or not inner:
            found.append(option)
    return found


def _required(schema: JSONObject) -> list[Any]:
    required = schema.get("required")
    return required if isinstance(required, list) else []


def _fits(value: JSONObject, schema: JSONObject, is_partial: bool) -> bool:
    properties = schema.get("properties")
    return (
        isinstance(properties, dict)
        and value.keys() <= properties.keys()
        and (is_partial or all(name in value for name in _required(schema)))
        and all(
            _may_be(value[name], part)
            for name, part in properties.items()
            if isinstance(part, dict) and value.get(name) is not None
        )
    )


def _may_be(value: Any, schema: JSONObject) -> bool:
    """Whether a value is among those that a schema lists, where it lists some."""
    if "const" in schema and value != schema["const"]:
        return False
    values = schema.get("enum")
    return not isinstance(values, list) or value in values


def _takes_null(schema: Any, root: JSONObject) -> bool:
    if schema is True or schema == {}:
        return True
    for option in _options(schema, root):
        kind, values = option.get("type"), option.get("enum")
        if "const" in option and option["const"] is not None:
            continue
        if isinstance(values, list) and None not in values:
            continue
        if kind == "null" or (isinstance(kind, list) and "null" in kind):
            return True
        if kind is None and not option.keys() & {"properties", "items"}:
            return True
    return False
