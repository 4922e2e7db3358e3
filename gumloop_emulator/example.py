"""The least value that satisfies a JSON Schema: what must be there and no more, the first of all alternatives."""

from __future__ import annotations

import itertools
import math
import re
import sys
from collections.abc import Iterable
from re import _constants as constants  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from gumloop_core.wire import JSONObject
from gumloop_core.writing.schema import pointed_at

_DEEPEST = 30  # a schema that demands itself without end gets null there
_SHALLOW = 4  # above it, the first alternative is taken, below it the lightest
_FORMATS = {
    "date": "2026-01-{:02d}",
    "date-time": "2026-01-{:02d}T09:00:00Z",
    "time": "09:{:02d}:00Z",
    "duration": "P{}D",
    "email": "person{}@example.com",
    "uuid": "00000000-0000-4000-8000-{:012d}",
    "uri": "https://example.com/{}",
    "hostname": "host{}.example.com",
    "ipv4": "192.0.2.{}",
    "ipv6": "2001:db8::{}",
}
_WEIGHTS = {"null": 0, "string": 1, "number": 1, "integer": 1, "boolean": 1, "array": 2}


def example(schema: Any, root: JSONObject | None = None, name: str = "text", number: int = 1, depth: int = 0) -> Any:
    """Return the least value that satisfies a schema; what `not`, `if` and `oneOf` exclude is not looked at.

    Args:
        schema: The schema.
        root: The schema that references lead into; None means `schema` itself.
        name: What a string says that may say anything: the property's name.
        number: Which one of several different values is wanted, from 1.
        depth: How deep in the value this is.
    """
    root = schema if root is None else root
    schema = _flat(schema, root)
    kind = _kind(schema)
    if depth > _DEEPEST:
        return None
    for key in ("anyOf", "oneOf"):
        if key in schema:
            rest = {other: value for other, value in schema.items() if other != key}
            merged = [_merged(rest, _flat(one, root)) for one in schema[key]]
            return example(min(merged, key=lambda one: _weight(one, depth)), root, name, number, depth + 1)
    if "const" in schema or ("default" in schema and number == 1):
        return schema.get("const", schema.get("default"))
    if values := schema.get("enum") or schema.get("examples"):
        return values[(number - 1) % len(values)]
    if kind == "object":
        return _object(schema, root, number, depth + 1)
    if kind == "array":
        return _array(schema, root, name, depth + 1)
    if kind in ("integer", "number"):
        return _number(schema, number, whole=kind == "integer")
    if kind == "string":
        return _string(schema, name, number)
    return number % 2 == 0 if kind == "boolean" else None


def _flat(schema: Any, root: JSONObject) -> JSONObject:
    """Return a schema with its references and `allOf` merged in; `true` becomes the empty schema."""
    for _ in range(_DEEPEST):
        if not isinstance(schema, dict) or not schema.keys() & {"$ref", "allOf"}:
            break
        parts = [_flat(part, root) for part in schema.get("allOf", ())]
        if "$ref" in schema:
            parts.append(pointed_at(schema["$ref"], root))
        schema = {key: value for key, value in schema.items() if key not in ("$ref", "allOf")}
        for part in parts:
            schema = _merged(part, schema) if isinstance(part, dict) else schema
    return schema if isinstance(schema, dict) else {}


def _merged(left: JSONObject, right: JSONObject) -> JSONObject:
    """Return one schema that demands what both demand, as far as that can be said in one."""
    merged = {**left, **right}
    for key in left.keys() & right.keys():
        one, other = left[key], right[key]
        if key == "properties":
            both = {name: {"allOf": [one[name], other[name]]} for name in one.keys() & other.keys()}
            merged[key] = {**one, **other, **both}
        elif key in ("required", "allOf"):
            merged[key] = [*one, *other]
        elif key.startswith(("min", "exclusiveMin")):
            merged[key] = max(one, other)
        elif key.startswith(("max", "exclusiveMax")):
            merged[key] = min(one, other)
        elif key == "enum":
            merged[key] = [value for value in one if value in other] or other
    return merged


def _kind(schema: JSONObject) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        return str(min(kind, key=lambda kind: kind == "null"))
    marks = {"properties": "object", "required": "object", "items": "array", "minimum": "number", "maximum": "number"}
    return str(kind or next((kind for mark, kind in marks.items() if mark in schema), "string"))


def _weight(schema: JSONObject, depth: int) -> int:
    """Return how much an alternative drags along."""
    kind = _kind(schema)
    return int(kind == "null") if depth < _SHALLOW else _WEIGHTS.get(kind, 3 + len(schema.get("required", ())))


def _object(schema: JSONObject, root: JSONObject, number: int, depth: int) -> JSONObject:
    properties, more = schema.get("properties", {}), schema.get("additionalProperties", True)
    needed = dict.fromkeys(schema.get("required", ()))
    spare = itertools.chain(properties, map("key_{}".format, itertools.count(1)))
    while len(needed) < schema.get("minProperties", 0):
        needed[next(spare)] = None
    names = sorted(needed, key=[*properties, *needed].index)
    return {name: example(properties.get(name, more), root, name, number, depth) for name in names}


def _array(schema: JSONObject, root: JSONObject, name: str, depth: int) -> list[Any]:
    values = [example(part, root, name, 1, depth) for part in schema.get("prefixItems", ())]
    if "contains" in schema:
        values += [example(schema["contains"], root, name, 1, depth)] * schema.get("minContains", 1)
    least = schema.get("minItems", 0)
    for number in range(1, 2 * least + 1):
        value = example(schema.get("items", True), root, name, number, depth)
        if len(values) < least and not (schema.get("uniqueItems") and value in values):
            values.append(value)
    return values


def _number(schema: JSONObject, number: int, *, whole: bool) -> int | float:
    """Return the lowest number, or one near 1 where there is none, and further ones from there."""
    low = max(schema.get("minimum", -math.inf), schema.get("exclusiveMinimum", -math.inf))
    high = min(schema.get("maximum", math.inf), schema.get("exclusiveMaximum", math.inf))
    step = schema.get("multipleOf") or 1
    if "multipleOf" not in schema and not whole and high - low < 2 * number:
        return float(low + (high - low) * number / (number + 1))
    if low > -math.inf:
        count = math.ceil(low / step) + number - 1
        count += count * step <= schema.get("exclusiveMinimum", -math.inf)
    else:
        count = number if high >= number * step else math.floor(high / step) - number + 1
        count -= count * step >= schema.get("exclusiveMaximum", math.inf)
    while whole and count * step % 1:  # a fractional step meets a whole number now and then
        count += 1
    return int(count * step) if whole else count * step


def _string(schema: JSONObject, name: str, number: int) -> str:
    least, most = int(schema.get("minLength", 0)), int(schema.get("maxLength", sys.maxsize))
    if "pattern" in schema:
        texts = (_matching(schema["pattern"], extra) for extra in (number - 1, number - 1 + least))
        if fitting := next((text for text in texts if text is not None and least <= len(text) <= most), None):
            return fitting
    template = _FORMATS.get(schema.get("format", ""))
    text = template.format(number) if template else f"{name} {number}" if number > 1 else name
    return text.ljust(least, "x")[:most]


def _matching(pattern: str, extra: int) -> str | None:
    """Return a string that a pattern is found in, None when that is too hard; `extra` are repetitions beyond need."""
    try:
        texts = [_built(parser.parse(pattern), {}, filler, extra) for filler in "~aA1 -"]
    except (re.error, RecursionError, LookupError, ValueError, OverflowError):
        return None
    return next((text for text in texts if re.search(pattern, text)), None)


def _built(nodes: Iterable[Any], groups: dict[int | None, str], filler: str, extra: int) -> str:
    """Build a text from Python's own parse of a pattern; the filler stands for any character."""
    text = ""
    for kind, value in nodes:
        if kind is constants.LITERAL:
            text += chr(value)
        elif kind is constants.RANGE:
            text += chr(value[0])
        elif kind is constants.CATEGORY:
            text += {constants.CATEGORY_DIGIT: "1", constants.CATEGORY_WORD: "a", constants.CATEGORY_SPACE: " "}.get(
                value, filler
            )
        elif kind is constants.IN and value[0][0] is not constants.NEGATE:
            text += _built(value[:1], groups, filler, extra)
        elif kind in (constants.MAX_REPEAT, constants.MIN_REPEAT):
            times = min(value[0] + extra, int(value[1]), value[0] + 200)
            text += "".join(_built(value[2], groups, filler, 0) for _ in range(times))
        elif kind is constants.BRANCH:
            text += _built(value[1][0], groups, filler, extra)
        elif kind is constants.SUBPATTERN:
            groups[value[0]] = _built(value[3], groups, filler, extra)
            text += groups[value[0]]
        elif kind is constants.GROUPREF:
            text += groups[value]
        elif kind is not constants.AT:
            text += filler
    return text
