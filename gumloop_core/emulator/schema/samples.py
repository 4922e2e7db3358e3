"""Plausible values for what no text tells: they keep the schema's limits, and are the same every time."""

from __future__ import annotations

import math
from collections.abc import Mapping

from gumloop_core.emulator.schema.patterns import string_for
from gumloop_core.emulator.shapes import JsonObject

_BY_FORMAT: Mapping[str, str] = {
    "date": "2026-01-{n:02d}",
    "date-time": "2026-01-{n:02d}T09:00:00Z",
    "time": "09:{n:02d}:00Z",
    "duration": "P{n}D",
    "email": "person{n}@example.com",
    "uuid": "00000000-0000-4000-8000-{n:012d}",
    "uri": "https://example.com/{n}",
    "hostname": "host{n}.example.com",
    "ipv4": "192.0.2.{n}",
    "ipv6": "2001:db8::{n}",
}

JOKE: Mapping[str, str] = {
    "setup": "Why did the cat sit on the laptop?",
    "punchline": "It wanted to keep an eye on the mouse.",
}

# The last word of a property's name tells what a reader expects there.
_BY_NAME: Mapping[str, str] = {
    **JOKE,
    "email": "person{n}@example.com",
    "url": "https://example.com/{n}",
    "date": "2026-01-{n:02d}",
    "name": "Sample Name",
    "city": "Sample City",
    "title": "Sample Title",
}


def sample_number(schema: JsonObject, salt: int) -> int | float:
    """Return a number within the schema's limits, another one for another salt."""
    whole = schema.get("type") == "integer"
    low = _limit(schema, "minimum", "exclusiveMinimum", highest=True)
    high = _limit(schema, "maximum", "exclusiveMaximum", highest=False)
    step = schema.get("multipleOf")
    if step:
        return _multiple(schema, step, low, salt, whole=whole)
    if whole:
        least = math.ceil(low) if low is not None else None
        most = math.floor(high) if high is not None else None
        if least is not None and least == schema.get("exclusiveMinimum"):
            least += 1
        if most is not None and most == schema.get("exclusiveMaximum"):
            most -= 1
        start = 1 if (least is None or least <= 1) and (most is None or most >= 1) else None
        if start is None:
            start = least if least is not None else most
        value = int(start or 0) + salt
        if most is not None and value > most:
            span = most - (least if least is not None else most - 100) + 1
            value = most - (salt % max(span, 1))
        return value
    if low is not None and high is not None:
        return low + (high - low) / (2 + salt)
    if low is not None:
        return low + 1 + salt
    if high is not None:
        return high - 1 - salt
    return 1.0 + salt


def _limit(schema: JsonObject, closed: str, opened: str, *, highest: bool) -> float | None:
    given = [schema.get(key) for key in (closed, opened)]
    limits = [float(limit) for limit in given if isinstance(limit, (int, float)) and limit is not True]
    if not limits:
        return None
    return max(limits) if highest else min(limits)


def _multiple(schema: JsonObject, step: float, low: float | None, salt: int, *, whole: bool) -> int | float:
    high = _limit(schema, "maximum", "exclusiveMaximum", highest=False)
    if low is None and high is not None and high < step:
        count = math.floor(high / step) - salt
        if count * step == schema.get("exclusiveMaximum"):
            count -= 1
    else:
        count = math.ceil((low if low is not None else step) / step) + salt
        if count * step == schema.get("exclusiveMinimum"):
            count += 1
    value = count * step
    if whole:
        while value != int(value) and count < 10_000:  # a fractional step meets a whole number now and then
            count += 1
            value = count * step
        return int(value)
    return value


def has_sample(name: str, schema: JsonObject) -> bool:
    """Return whether there is a sample made for a property's name, pattern or format."""
    words = name.lower().replace("-", "_").split("_")
    return "pattern" in schema or "format" in schema or words[-1] in _BY_NAME


def sample_string(schema: JsonObject, name: str, salt: int) -> str:
    """Return a string for the schema's format, pattern and lengths, another one for another salt."""
    if "pattern" in schema:
        for extra in (salt, salt + schema.get("minLength", 0), 0):
            built = string_for(schema["pattern"], extra)
            if built is not None and _length_fits(built, schema):
                return built
    number = salt % 28 + 1
    template = _BY_FORMAT.get(str(schema.get("format")))
    if template is None:
        words = name.lower().replace("-", "_").split("_")
        template = _BY_NAME.get(words[-1]) or f"sample {' '.join(word for word in words if word)}".strip()
    text = template.format(n=number)
    if salt and "{n" not in template:
        text = f"{text} {salt + 1}"
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    text = text.ljust(int(least), "x")
    if most is None or len(text) <= most:
        return text
    # The end is kept: it is what tells one sample from another.
    return text[len(text) - int(most) :] if salt else text[: int(most)]


def _length_fits(text: str, schema: JsonObject) -> bool:
    return bool(schema.get("minLength", 0) <= len(text) <= schema.get("maxLength", len(text)))
