"""JSON Schemas that are sent: whether one is a schema, and whether it keeps the rules of strict mode."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, RootModel
from typing_extensions import TypedDict

from gumloop_core.wire import JSONObject
from gumloop_emulator.contract import Whole, by_type, fault, read
from gumloop_emulator.failures import invalid

_MAPS = ("properties", "$defs", "definitions", "patternProperties", "dependentSchemas")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLES = ("additionalProperties", "not", "if", "then", "else", "contains", "propertyNames", "items")
_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_COUNTS = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")


def _check_pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        # A pattern of another dialect may still be meant, so only what is no pattern anywhere is refused.
        if any(word in str(error) for word in ("unterminated", "unbalanced", "nothing to repeat")):
            raise fault(f"pattern is not a regular expression: {error}") from None
    return value


_Kind = Literal["string", "number", "integer", "boolean", "object", "array", "null"]
_Schema = by_type("a schema is an object, true or false", bool=bool, dict="_SchemaObject")
_SchemaObject = TypedDict(  # type: ignore[misc] - the keywords are listed once, for here and for walking
    "_SchemaObject",
    {
        "type": by_type("type is the name of a type, or a list of them", str=_Kind, list=list[_Kind]),
        "required": list[str],
        "enum": Annotated[list[Any], Field(min_length=1)],
        "pattern": Annotated[str, AfterValidator(_check_pattern)],
        "$ref": str,
        "multipleOf": Annotated[float, Field(gt=0)],
        **dict.fromkeys(_MAPS, dict[str, _Schema]),
        **dict.fromkeys(_LISTS, Annotated[list[_Schema], Field(min_length=1)]),
        **dict.fromkeys(_SINGLES, _Schema),
        **dict.fromkeys(_NUMBERS, float),
        **dict.fromkeys(_COUNTS, Annotated[Whole, Field(ge=0)]),
    },
    total=False,
)


class _Root(RootModel[_SchemaObject]):
    model_config = ConfigDict(strict=True)


def check_schema(schema: JSONObject, where: str, *, strict: bool) -> None:
    """Raise the refusal of a schema that cannot be meant, or that breaks the rules of strict mode.

    Args:
        schema: The schema.
        where: Its path in the body, for `param`.
        strict: Whether it was sent with `strict: true`.
    """
    read(_Root, schema, where)
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
    for key in _MAPS:
        for name, child in schema.get(key, {}).items():
            yield from _walk(child, f"{where}.{key}.{name}")
    for key in _LISTS:
        for position, child in enumerate(schema.get(key, ())):
            yield from _walk(child, f"{where}.{key}[{position}]")
    for key in _SINGLES:
        yield from _walk(schema.get(key), f"{where}.{key}")


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
