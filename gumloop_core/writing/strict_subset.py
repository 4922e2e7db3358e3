"""What a schema may hold where ``strict`` is true, as data, and the check against it.

The source is OpenAI's guide to structured outputs, its part "Supported schemas"
(https://platform.openai.com/docs/guides/structured-outputs#supported-schemas), as it reads in 2026. What it does not
list is refused by strict routes with an error that names the keyword.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from gumloop_core.wire import JSONObject
from gumloop_core.writing.schema import pointed_at, resolved

TYPES = frozenset({"string", "number", "boolean", "integer", "object", "array", "null"})

FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"})

ANNOTATIONS = frozenset({"title", "description", "examples"})
"""Keywords that only tell the model something. ``default`` is one too, but refused."""

KEYWORDS = ANNOTATIONS | {
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "anyOf",
    "enum",
    "const",
    "$ref",
    "$defs",
    "pattern",
    "format",
    "multipleOf",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "minItems",
    "maxItems",
}

MOST_PROPERTIES = 5_000
"""Properties of all objects together."""

DEEPEST_NESTING = 10
"""Levels of objects within objects."""

MOST_ENUM_VALUES = 1_000
"""Values of all enums together."""

LONG_ENUM = 250
"""Values from which on the texts of one enum together may have :data:`LONGEST_ENUM_TEXT` characters at most."""

LONGEST_ENUM_TEXT = 15_000

LONGEST_NAMES = 120_000
"""Characters of the names of properties and definitions, and of the values of enums and constants, together."""

_LONGEST_PATH = 200

_LOOKS_AROUND_OR_BACK = re.compile(r"\(\?<?[=!]|\(\?P=|\\[1-9]")

_TALLEST = 200  # steps into a schema: far more than the levels that are let through, far from where recursion ends


class Fault(NamedTuple):
    """Why a schema is not in the subset.

    Attributes:
        path: Where, from the schema's root: ``.properties.tags.uniqueItems``; empty for the root.
        reason: What is wrong there.
    """

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path.removeprefix('.')[:_LONGEST_PATH] or 'the schema'}: {self.reason}"


def is_strict_pattern(pattern: Any) -> bool:
    """Whether strict routes take a regular expression.

    They refuse those that look around or back, as pydantic's for decimal numbers does.
    """
    return isinstance(pattern, str) and _LOOKS_AROUND_OR_BACK.search(pattern) is None


def fault_in(schema: JSONObject) -> Fault | None:
    """The first thing in a schema that strict mode refuses, ``None`` if it is in the subset."""
    if "anyOf" in schema:
        return Fault(".anyOf", "in strict mode the root must be one object, not alternatives")
    if schema.get("type") != "object":
        return Fault(".type", "in strict mode the root must be of type object")
    count = _Count()
    for node, path in subschemas(schema):
        fault = _fault_of(node, path, schema) or count.add(node, path)
        if fault is not None:
            return fault
    if _height(schema, schema, (), {}) > DEEPEST_NESTING:
        return Fault("", f"strict mode takes {DEEPEST_NESTING} levels of objects within objects")
    return None


def subschemas(schema: Any) -> Iterator[tuple[Any, str]]:
    """Every schema within a schema that is of the subset, with its path, the outer one first."""
    open_ = [(schema, "")]
    while open_:
        node, path = open_.pop()
        yield node, path
        if isinstance(node, dict):
            open_.extend(reversed([(part, path + step) for part, step in parts(node)]))


def parts(node: JSONObject) -> list[tuple[Any, str]]:
    """The schemas directly within a schema, with the step that leads there."""
    found: list[tuple[Any, str]] = []
    for key in ("properties", "$defs"):
        named = node.get(key)
        if isinstance(named, dict):
            found += [(part, f".{key}.{name}") for name, part in named.items()]
    if "items" in node:
        found.append((node["items"], ".items"))
    options = node.get("anyOf")
    if isinstance(options, list):
        found += [(part, f".anyOf[{number}]") for number, part in enumerate(options)]
    return found


def _fault_of(node: Any, path: str, root: JSONObject) -> Fault | None:
    if not isinstance(node, dict):
        return Fault(path, "in strict mode a schema must say what it is; this one is no object")
    for key in node:
        if key not in KEYWORDS:
            return Fault(f"{path}.{key}", f"strict mode does not know {key}")
    if "$ref" in node:
        if len(node) > 1 and path:
            return Fault(path, "in strict mode nothing may stand beside $ref")
        if not isinstance(pointed_at(node["$ref"], root), dict):
            return Fault(f"{path}.$ref", f"the reference {node['$ref']!r} leads nowhere")
        return None
    return _fault_of_kind(node, path) or _fault_of_object(node, path) or _fault_of_values(node, path)


def _fault_of_kind(node: JSONObject, path: str) -> Fault | None:
    options = node.get("anyOf")
    if options is not None:
        return None if isinstance(options, list) and options else Fault(f"{path}.anyOf", "anyOf must be a list")
    kinds = node.get("type")
    if kinds is None:
        return Fault(path, "in strict mode a schema must say its type; this one is open to anything")
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        if not isinstance(kind, str) or kind not in TYPES:
            return Fault(f"{path}.type", f"{kind!r} is no type")
    if has_type(node, "array") and "items" not in node:
        return Fault(f"{path}.items", "in strict mode an array must say what its items are")
    return None


def has_type(node: JSONObject, kind: str) -> bool:
    """Whether a schema names a type, alone or among others."""
    kinds = node.get("type")
    return kinds == kind or (isinstance(kinds, list) and kind in kinds)


def _fault_of_object(node: JSONObject, path: str) -> Fault | None:
    if not has_type(node, "object") and "properties" not in node:
        return None
    if node.get("additionalProperties") is not False:
        return Fault(f"{path}.additionalProperties", "in strict mode every object needs additionalProperties: false")
    properties, required = node.get("properties", {}), node.get("required", [])
    if not isinstance(properties, dict):
        return Fault(f"{path}.properties", "properties must be an object")
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        return Fault(f"{path}.required", "required must be a list of names")
    missing = sorted(properties.keys() - set(required))
    if missing:
        return Fault(
            f"{path}.required", f"in strict mode every property must be required; missing: {', '.join(missing)}"
        )
    unknown = sorted(set(required) - properties.keys())
    if unknown:
        return Fault(f"{path}.required", f"required names what is no property: {', '.join(unknown)}")
    return None


def _fault_of_values(node: JSONObject, path: str) -> Fault | None:
    if "format" in node and (not isinstance(node["format"], str) or node["format"] not in FORMATS):
        return Fault(f"{path}.format", f"strict mode does not know the format {node['format']!r}")
    if "pattern" in node and not is_strict_pattern(node["pattern"]):
        return Fault(f"{path}.pattern", "patterns of strict mode cannot look around or back")
    values = node.get("enum", [])
    if not isinstance(values, list) or ("enum" in node and not values):
        return Fault(f"{path}.enum", "enum must be a list that is not empty")
    if any(isinstance(value, (dict, list)) for value in [*values, node.get("const")]):
        return Fault(f"{path}.{'enum' if values else 'const'}", "strict mode lists plain values only")
    return None


class _Count:
    """Adds up what is limited over the whole schema."""

    def __init__(self) -> None:
        self.properties = self.values = self.characters = 0

    def add(self, node: JSONObject, path: str) -> Fault | None:
        properties, values = node.get("properties", {}), node.get("enum", [])
        texts = [value for value in [*values, node.get("const")] if isinstance(value, str)]
        names = [*properties, *node.get("$defs", {})]
        self.properties += len(properties)
        self.values += len(values)
        self.characters += sum(map(len, texts)) + sum(len(str(name)) for name in names)
        if self.properties > MOST_PROPERTIES:
            return Fault(f"{path}.properties", f"strict mode takes {MOST_PROPERTIES} properties in all")
        if self.values > MOST_ENUM_VALUES:
            return Fault(f"{path}.enum", f"strict mode takes {MOST_ENUM_VALUES} values of enums in all")
        if len(values) > LONG_ENUM and sum(map(len, texts)) > LONGEST_ENUM_TEXT:
            return Fault(
                f"{path}.enum", f"an enum of more than {LONG_ENUM} values may have {LONGEST_ENUM_TEXT} characters"
            )
        if self.characters > LONGEST_NAMES:
            return Fault(path, f"strict mode takes names and values of {LONGEST_NAMES} characters in all")
        return None


def _height(node: Any, root: JSONObject, within: tuple[Any, ...], known: dict[str, int]) -> int:
    """Levels of objects in a schema. What a reference leads to counts where it stands, a recursion once.

    Args:
        node: The schema.
        root: The whole schema.
        within: The references that led here.
        known: The heights of what references lead to.
    """
    if not isinstance(node, dict) or len(within) > _TALLEST:
        return 0 if not isinstance(node, dict) else _TALLEST
    reference = node.get("$ref")
    if isinstance(reference, str):
        if reference in within or reference == "#":
            return 0
        if reference not in known:
            known[reference] = _height(resolved(node, root), root, (*within, reference), known)
        return known[reference]
    own = int(has_type(node, "object") or "properties" in node)
    inner = [part for part, step in parts(node) if not step.startswith(".$defs.")]
    return own + max((_height(part, root, (*within, None), known) for part in inner), default=0)
