"""Whether a value conforms to a schema: the part of JSON Schema that models are asked for."""

from __future__ import annotations

import datetime
import json
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from gumloop_core.emulator.schema.references import resolve_pointer
from gumloop_core.emulator.shapes import JsonObject

_DEPTH = 64  # a schema that refers to itself without end conforms to nothing


def conforms(value: object, schema: object, root: JsonObject, depth: int = 0) -> bool:
    """Return whether a value conforms.

    Args:
        value: The value.
        schema: The schema, an object or a boolean.
        root: The schema that references are resolved in.
        depth: How many schemas enclose this one.
    """
    if isinstance(schema, bool):
        return schema
    if not isinstance(schema, dict) or depth > _DEPTH:
        return False
    if "$ref" in schema:
        target = resolve_pointer(root, schema["$ref"])
        if target is None or not conforms(value, target, root, depth + 1):
            return False
    return (
        _type_fits(value, schema.get("type"))
        and _listed(value, schema)
        and _combined(value, schema, root, depth + 1)
        and _range_fits(value, schema)
        and _text_fits(value, schema)
        and (not isinstance(value, list) or _array_fits(value, schema, root, depth + 1))
        and (not isinstance(value, dict) or _object_fits(value, schema, root, depth + 1))
    )


def is_type(value: object, kind: str) -> bool:
    """Return whether a value is of a JSON type."""
    if kind == "integer":
        return isinstance(value, (int, float)) and _is_number(value) and float(value).is_integer()
    if kind == "number":
        return _is_number(value)
    expected: Mapping[str, type] = {
        "string": str,
        "boolean": bool,
        "array": list,
        "object": dict,
        "null": type(None),
    }
    return kind in expected and isinstance(value, expected[kind])


def same(left: object, right: object) -> bool:
    """Return whether two JSON values are equal; true is not 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return left == right


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _type_fits(value: object, kinds: object) -> bool:
    if kinds is None:
        return True
    return any(is_type(value, str(kind)) for kind in (kinds if isinstance(kinds, list) else [kinds]))


def _listed(value: object, schema: JsonObject) -> bool:
    if "const" in schema and not same(value, schema["const"]):
        return False
    return "enum" not in schema or any(same(value, option) for option in schema["enum"])


def _combined(value: object, schema: JsonObject, root: JsonObject, depth: int) -> bool:
    def fits(part: object) -> bool:
        return conforms(value, part, root, depth)

    if not all(map(fits, schema.get("allOf", ()))):
        return False
    if "anyOf" in schema and not any(map(fits, schema["anyOf"])):
        return False
    if "oneOf" in schema and sum(map(fits, schema["oneOf"])) != 1:
        return False
    if "not" in schema and fits(schema["not"]):
        return False
    if "if" in schema:
        branch = "then" if fits(schema["if"]) else "else"
        return branch not in schema or fits(schema[branch])
    return True


def _range_fits(value: object, schema: JsonObject) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return True
    checks: Mapping[str, Callable[[float], bool]] = {
        "minimum": lambda limit: value >= limit,
        "maximum": lambda limit: value <= limit,
        "exclusiveMinimum": lambda limit: value > limit,
        "exclusiveMaximum": lambda limit: value < limit,
        "multipleOf": lambda step: _is_multiple(value, step),
    }
    return all(check(schema[key]) for key, check in checks.items() if _is_number(schema.get(key)))


def _is_multiple(value: float, step: float) -> bool:
    if isinstance(value, int) and isinstance(step, int):
        return value % step == 0
    quotient = value / step
    return quotient == int(quotient)


def _text_fits(value: object, schema: JsonObject) -> bool:
    if not isinstance(value, str):
        return True
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
        return False
    if "pattern" in schema and not _matches(value, schema["pattern"]):
        return False
    check = FORMATS.get(str(schema.get("format")))
    return check is None or check(value)


def _matches(value: str, pattern: str) -> bool:
    try:
        return re.search(pattern, value) is not None
    except re.error:  # a dialect that Python does not speak
        return True


def _array_fits(value: list[Any], schema: JsonObject, root: JsonObject, depth: int) -> bool:
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
        return False
    if schema.get("uniqueItems") and _has_duplicates(value):
        return False
    head = schema.get("prefixItems", [])
    pairs = list(zip(value, head, strict=False))
    pairs += [(item, schema.get("items", True)) for item in value[len(head) :]]
    if not all(conforms(item, part, root, depth) for item, part in pairs):
        return False
    if "contains" not in schema:
        return True
    found = sum(conforms(item, schema["contains"], root, depth) for item in value)
    return bool(schema.get("minContains", 1) <= found <= schema.get("maxContains", found))


def _has_duplicates(value: list[Any]) -> bool:
    seen = {json.dumps(item, sort_keys=True) for item in value}
    return len(seen) < len(value)


def _object_fits(value: dict[str, Any], schema: JsonObject, root: JsonObject, depth: int) -> bool:
    if not schema.get("minProperties", 0) <= len(value) <= schema.get("maxProperties", len(value)):
        return False
    if any(name not in value for name in schema.get("required", ())):
        return False
    for name, needed in schema.get("dependentRequired", {}).items():
        if name in value and any(other not in value for other in needed):
            return False
    properties = schema.get("properties", {})
    patterns = schema.get("patternProperties", {})
    for name, item in value.items():
        parts = [properties[name]] if name in properties else []
        parts += [part for pattern, part in patterns.items() if _matches(name, pattern)]
        if not parts:
            parts = [schema.get("additionalProperties", True)]
        if not all(conforms(item, part, root, depth) for part in parts):
            return False
        if "propertyNames" in schema and not conforms(name, schema["propertyNames"], root, depth):
            return False
    return True


def _is_date(value: str) -> bool:
    try:
        datetime.date.fromisoformat(value)
    except ValueError:
        return False
    return len(value) == 10


def _is_date_time(value: str) -> bool:
    try:
        datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError:
        return False
    return "T" in value


def _is_uuid(value: str) -> bool:
    try:
        return str(uuid.UUID(value)) == value.lower()
    except ValueError:
        return False


def _is_uri(value: str) -> bool:
    parts = urlsplit(value)
    return bool(parts.scheme and (parts.netloc or parts.path)) and " " not in value


FORMATS: Mapping[str, Callable[[str], bool]] = {
    "date": _is_date,
    "date-time": _is_date_time,
    "time": lambda value: bool(re.fullmatch(r"\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?", value)),
    "duration": lambda value: bool(re.fullmatch(r"P(?=.)(?:\d+[YMWD])*(?:T(?:\d+[HMS])+)?", value)),
    "email": lambda value: bool(re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value)),
    "uuid": _is_uuid,
    "uri": _is_uri,
    "hostname": lambda value: bool(re.fullmatch(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*", value)),
    "ipv4": lambda value: bool(re.fullmatch(r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}", value)),
    "ipv6": lambda value: ":" in value and bool(re.fullmatch(r"[0-9A-Fa-f:.]+", value)),
}
