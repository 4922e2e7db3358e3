"""Nulls that strict mode made the model write, taken back out of an answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gumloop_core.reading.partial_json import ANY, Shape
from gumloop_core.wire import JSONObject
from gumloop_core.writing.schema import resolved

_MOST_ALTERNATIVES = 1_000  # alternatives within alternatives can multiply, and refer to themselves


def without_added_nulls(value: Any, schema: JSONObject) -> Any:
    """A copy of an answer to the strict form of a schema, as an answer to the schema itself.

    In strict mode a property that was optional is null where the model has nothing to say. Such a null is left out,
    unless the schema takes one there anyway.

    Args:
        value: The parsed answer.
        schema: The schema before it was made strict.
    """
    return _without_nulls(value, WithoutNulls([schema], schema, is_whole=True))


def _without_nulls(value: Any, shape: Shape) -> Any:
    if isinstance(value, list):
        items = shape.items()
        return value if items is ANY else [_without_nulls(entry, items) for entry in value]
    if not isinstance(value, dict) or shape is ANY:
        return value
    return shape.make({name: _without_nulls(entry, shape.at(name)) for name, entry in value.items()})


class WithoutNulls(Shape):
    """Leaves added nulls out of a document while it arrives; see :func:`without_added_nulls`.

    Args:
        schemas: What the document may answer to, before it was made strict.
        root: The schema that references are looked up in.
        is_whole: Whether the document is known to be whole, so that all that is required must be there.
    """

    def __init__(self, schemas: Sequence[Any], root: JSONObject, *, is_whole: bool = False) -> None:
        self._options = [option for schema in schemas for option in _options(schema, root)]
        self._root = root
        self._is_whole = is_whole
        self._at: dict[str, Shape] = {}
        self._items: Shape | None = None

    def at(self, key: str) -> Shape:
        """The shape of an object's value: of any of the schemas that know the key."""
        shape = self._at.get(key)
        if shape is None:
            known = [named for option in self._options if isinstance(named := option.get("properties"), dict)]
            shape = self._at[key] = self._of([named[key] for named in known if key in named])
        return shape

    def items(self) -> Shape:
        """The shape of an array's items."""
        if self._items is None:
            kinds = [option["items"] for option in self._options if "items" in option]
            for option in self._options:
                heads = option.get("prefixItems")
                kinds += heads if isinstance(heads, list) else []
            self._items = self._of(kinds)
        return self._items

    def make(self, value: Any) -> Any:
        """An object without the nulls that nobody asked for."""
        if not isinstance(value, dict) or None not in value.values():
            return value
        fitting = next((option for option in self._options if _fits(value, option, self._is_whole)), None)
        if fitting is None:
            return value
        properties, required = fitting["properties"], _required(fitting)
        return {
            name: entry
            for name, entry in value.items()
            if entry is not None or name in required or _takes_null(properties.get(name), self._root)
        }

    def _of(self, schemas: list[Any]) -> Shape:
        schemas = [schema for schema in schemas if isinstance(schema, dict)]
        return WithoutNulls(schemas, self._root, is_whole=self._is_whole) if schemas else ANY


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


def _required(schema: JSONObject) -> list[str]:
    required = schema.get("required")
    return [name for name in required if isinstance(name, str)] if isinstance(required, list) else []


def _fits(value: JSONObject, schema: JSONObject, is_whole: bool) -> bool:
    properties = schema.get("properties")
    return (
        isinstance(properties, dict)
        and value.keys() <= properties.keys()
        and (not is_whole or all(name in value for name in _required(schema)))
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
