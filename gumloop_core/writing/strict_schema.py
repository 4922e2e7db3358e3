"""Schemas for the strict mode: a copy that strict routes take and that means the same, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gumloop_core.wire import JSONObject
from gumloop_core.writing.schema import pointed_at, with_root
from gumloop_core.writing.strict_subset import (
    ANNOTATIONS,
    FORMATS,
    KEYWORDS,
    Fault,
    fault_in,
    has_type,
    is_strict_pattern,
)

_CHECKS = frozenset({"minLength", "maxLength", "uniqueItems", "minProperties", "maxProperties"})
"""Keywords that only narrow what is valid, which a pydantic class writes and checks itself."""

_ASSERTIONS = _CHECKS | {
    "additionalItems",
    "allOf",
    "contains",
    "definitions",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "else",
    "if",
    "maxContains",
    "minContains",
    "not",
    "oneOf",
    "patternProperties",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
    "$dynamicRef",
    "$recursiveRef",
}
"""Keywords of JSON Schema that are no part of the subset and say what is valid. Whatever else is not part of it tells
something only, and can be left out."""

_DEEPEST = 60  # levels that are rewritten: many more than strict mode takes, and far from where recursion ends

_TYPE_NAMES: Mapping[type, str] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    type(None): "null",
    dict: "object",
    list: "array",
}


class _NotStrictError(Exception):
    """There is no strict form."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.fault = Fault(path, reason)


def strict_form(
    schema: JSONObject, *, optional_as_null: bool = True, is_checked: bool = False
) -> tuple[JSONObject | None, str]:
    """A copy of a schema that strict mode takes.

    Strict mode knows a part of JSON Schema (:mod:`gumloop_core.writing.strict_subset`) and wants every object closed
    with all its properties required. A property that was optional may be null instead, so that the model is not made to
    invent a value. What stands beside a reference is kept: the definition is put in its place, or the reference becomes
    the one alternative of an ``anyOf``. ``oneOf`` becomes ``anyOf``, ``default`` and other notes are left out. The
    caller's schema is not touched.

    Args:
        schema: The schema.
        optional_as_null: ``False`` where nobody takes those nulls back
            (:func:`gumloop_core.reading.nulls.without_added_nulls`): an answer must fit the schema as it was, and the
            model gives every value.
        is_checked: Whether somebody holds the answer to the schema afterwards, as a pydantic class does. Limits of
            length, unknown formats and the like, which strict mode cannot say, are then left out.

    Returns:
        The copy and an empty text; or ``None`` and which part of the schema strict mode cannot say.
    """
    try:
        rewriting = _Rewriting(with_root(schema), optional_as_null, is_checked)
        strict = rewriting.root()
    except _NotStrictError as error:
        return None, str(error.fault)
    fault = fault_in(strict)
    return (strict, "") if fault is None else (None, str(fault))


class _Rewriting:
    """Rewrites one schema.

    Args:
        document: The schema, with a root that says what it is.
        nulls: Whether optional properties become nullable.
        is_checked: Whether what strict mode cannot check is left out.
    """

    def __init__(self, document: JSONObject, nulls: bool, is_checked: bool) -> None:
        self._document = document
        self._nulls = nulls
        self._is_checked = is_checked
        self._needed: dict[str, Any] = {}

    def root(self) -> JSONObject:
        strict = self._schema(self._document, "", 0)
        definitions: JSONObject = {}
        while len(definitions) < len(self._needed):  # it grows while definitions are rewritten
            name = next(name for name in self._needed if name not in definitions)
            definitions[name] = self._schema(self._needed[name], f".$defs.{name}", 0)
        if definitions:
            strict["$defs"] = definitions
        return strict

    def _schema(self, schema: Any, path: str, depth: int) -> JSONObject:
        if not isinstance(schema, dict):
            raise _NotStrictError(path, "in strict mode a schema must say what it is")
        if depth > _DEEPEST:
            raise _NotStrictError(path, "the schema is nested too deep")
        if "$ref" in schema:
            return self._reference(schema, path, depth)
        if "allOf" in schema:
            return self._schema(_merged(schema, path), path, depth + 1)
        values = schema.get("enum", [None])
        if not isinstance(values, list) or not values:
            raise _NotStrictError(f"{path}.enum", "enum must be a list that is not empty")
        strict: JSONObject = {}
        for key, value in schema.items():
            if key in ANNOTATIONS:
                if key == "examples" or isinstance(value, str):
                    strict[key] = value
            elif key in ("anyOf", "oneOf"):
                strict["anyOf"] = self._options(schema, key, path, depth)
            elif key == "prefixItems":
                strict["items"] = self._items_of_tuple(schema, path, depth)
            elif key == "items":
                if "prefixItems" not in schema:
                    strict["items"] = self._schema(value, f"{path}.items", depth + 1)
            elif key in _SEPARATE:
                continue
            elif (key in KEYWORDS or key in _ASSERTIONS) and not self._can_be_left_out(key, value, schema):
                strict[key] = value
        if "type" not in strict and "anyOf" not in strict:
            strict.update(_type_of(schema))
        if has_type(strict, "object"):
            strict.update(self._object(schema, path, depth))
        return strict

    def _can_be_left_out(self, key: str, value: Any, schema: JSONObject) -> bool:
        if value is False and key in ("uniqueItems", "unevaluatedProperties"):
            return True  # says nothing, or what closed objects are anyway
        if key == "format" and "type" in schema and not has_type(schema, "string"):
            return True  # a note on numbers
        return self._is_checked and (
            key in _CHECKS
            or (key == "format" and (not isinstance(value, str) or value not in FORMATS))
            or (key == "pattern" and not is_strict_pattern(value))
        )

    def _reference(self, schema: JSONObject, path: str, depth: int) -> JSONObject:
        reference = schema["$ref"]
        target = pointed_at(reference, self._document)
        if not isinstance(target, dict):
            raise _NotStrictError(f"{path}.$ref", f"the reference {reference!r} leads nowhere")
        others = schema.keys() & ((KEYWORDS | _ASSERTIONS) - ANNOTATIONS) - {"$ref"}
        if others:
            raise _NotStrictError(path, f"strict mode cannot say {', '.join(sorted(others))} beside $ref")
        beside = {key: value for key, value in schema.items() if key in ANNOTATIONS}
        if beside and "description" not in target and not _refers(target):
            return self._schema({**target, **beside}, path, depth + 1)
        kept = {"$ref": self._kept_reference(reference, target, path)}
        return {**beside, "anyOf": [kept]} if beside else kept

    def _kept_reference(self, reference: str, target: JSONObject, path: str) -> str:
        """The reference as it is in the copy, whose definitions are all in one place."""
        if reference.strip("/") == "#":
            return "#"
        home, _, step = reference.rpartition("/")
        name = step.replace("~1", "/").replace("~0", "~")
        if home.replace("#/", "#") not in ("#$defs", "#definitions") or self._needed.get(name, target) is not target:
            raise _NotStrictError(f"{path}.$ref", f"the reference {reference!r} leads to no definition of its own name")
        self._needed[name] = target
        return f"#/$defs/{step}"

    def _options(self, schema: JSONObject, key: str, path: str, depth: int) -> list[JSONObject]:
        options = schema[key]
        where = f"{path}.{key}"
        if not isinstance(options, list) or not options:
            raise _NotStrictError(where, f"{key} must be a list that is not empty")
        if "properties" in schema or ("anyOf" in schema and "oneOf" in schema):
            raise _NotStrictError(where, f"strict mode cannot say {key} beside other conditions")
        return [self._schema(option, f"{where}[{number}]", depth + 1) for number, option in enumerate(options)]

    def _items_of_tuple(self, schema: JSONObject, path: str, depth: int) -> JSONObject:
        """What the items of a tuple are: one of its kinds, where they differ, and somebody checks the order."""
        kinds, where = schema["prefixItems"], f"{path}.prefixItems"
        if not isinstance(kinds, list) or not kinds:
            raise _NotStrictError(where, "prefixItems must be a list that is not empty")
        strict: list[JSONObject] = []
        rest = schema.get("items")
        for number, kind in enumerate([*kinds, rest] if isinstance(rest, dict) else kinds):
            made = self._schema(kind, f"{where}[{number}]", depth + 1)
            if made not in strict:
                strict.append(made)
        is_fixed = schema.get("minItems") == schema.get("maxItems") == len(kinds)
        if not self._is_checked and not (is_fixed and len(strict) == 1):
            raise _NotStrictError(where, "strict mode does not know the order of a tuple")
        return strict[0] if len(strict) == 1 else {"anyOf": strict}

    def _object(self, schema: JSONObject, path: str, depth: int) -> JSONObject:
        properties, required = schema.get("properties", {}), schema.get("required", [])
        others = schema.get("additionalProperties")
        if others not in (None, False) or ("properties" not in schema and others is not False):
            raise _NotStrictError(path, "strict mode cannot say that an object is open to any key. Name its properties")
        if not isinstance(properties, dict):
            raise _NotStrictError(f"{path}.properties", "properties must be an object")
        if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
            raise _NotStrictError(f"{path}.required", "required must be a list of names")
        unknown = sorted(set(required) - properties.keys())
        if unknown:
            raise _NotStrictError(f"{path}.required", f"it names what is no property: {', '.join(unknown)}")
        strict: JSONObject = {}
        for name, part in properties.items():
            made = self._schema(part, f"{path}.properties.{name}", depth + 1)
            strict[name] = _nullable(made) if self._nulls and name not in required else made
        return {"properties": strict, "required": list(strict), "additionalProperties": False}


_SEPARATE = frozenset({"properties", "required", "additionalProperties", "$defs", "definitions"})


def _merged(schema: JSONObject, path: str) -> JSONObject:
    """A schema with its ``allOf`` of one, which is how pydantic once wrapped a reference, laid into it."""
    wrapped = schema["allOf"]
    outer = {key: value for key, value in schema.items() if key != "allOf"}
    if isinstance(wrapped, list) and len(wrapped) == 1 and isinstance(wrapped[0], dict):
        inner = wrapped[0]
        if not inner.keys() & outer.keys() & (KEYWORDS | _ASSERTIONS) - ANNOTATIONS:
            return {**inner, **outer}
    raise _NotStrictError(f"{path}.allOf", "strict mode does not know allOf")


def _refers(schema: Any) -> bool:
    """Whether there is a reference anywhere in a schema."""
    open_ = [schema]
    while open_:
        node = open_.pop()
        if isinstance(node, dict):
            if "$ref" in node:
                return True
            open_.extend(node.values())
        elif isinstance(node, list):
            open_.extend(node)
    return False


def _type_of(schema: JSONObject) -> JSONObject:
    """The type that a schema means without saying so: that of its values, or an object's."""
    if "properties" in schema:
        return {"type": "object"}
    values = schema["enum"] if "enum" in schema else [schema["const"]] if "const" in schema else []
    names = list(dict.fromkeys(_TYPE_NAMES.get(type(value), "") for value in values))
    return {"type": names[0] if len(names) == 1 else names} if names else {}


def _nullable(schema: JSONObject) -> JSONObject:
    """A schema that takes null too."""
    options = schema.get("anyOf")
    if "$ref" in schema or "const" in schema or "enum" in schema or (options is not None and "type" in schema):
        if None in schema.get("enum", ()) and has_type(schema, "null"):
            return schema
        beside = {key: value for key, value in schema.items() if key in ("title", "description")}
        inner = {key: value for key, value in schema.items() if key not in beside}
        return {**beside, "anyOf": [inner, {"type": "null"}]}
    if options is not None:
        return schema if {"type": "null"} in options else {**schema, "anyOf": [*options, {"type": "null"}]}
    kind = schema.get("type")
    if kind == "null" or has_type(schema, "null"):
        return schema
    return {**schema, "type": [*kind, "null"] if isinstance(kind, list) else [kind, "null"]}
