"""Values of every kind where another belongs, and documents in which something is not what it should be.

Objects that are no JSON stand as marks in a document while it is spoiled, since some of them can be neither copied nor
printed; :func:`real` puts them in.
"""

from __future__ import annotations

import copy
import datetime
import decimal
import pathlib
from collections.abc import Callable
from typing import Any

from tests.fuzz.deal import Deal


def deep(levels: int) -> Any:
    """An object in an object, and so on."""
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


def deep_list(levels: int) -> Any:
    """The same with lists."""
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


ONE_OF_EACH: list[Any] = [None, True, 5, 0.5, "", "text", [], {}, [None], [5], [[]], ["a"], [{}], {"a": 1}]
NUMBERS: list[Any] = [0, 1, -1, 2, 7, 402, 429, 500, 10**30, -(10**30), -0.0, 1e308, 2**53 + 1, False]
NOT_FINITE = [float("nan"), float("inf"), float("-inf")]
# fmt: off
TEXTS = [
    "stop", "error", "tool_calls", "length", "a", "{", "}", "text", "image_url", "reasoning.text", "user", "402",
    "0", "null", "[DONE]", "{}", "NaN", "data:,", "http://[", "http://]/", "https://example.org/a",
    "data:image/png;base64,AA==", "data:image/png;base64,?", '{"a":1}', '"a"', "ftp://", "file",
]
TEXTS += [" ", "\n", "\x00", "\ud800", "data: [DONE]\n\n", "x" * 20_000, "é", "\u2028"]
LARGE: list[Callable[[], Any]] = [lambda: deep(60), lambda: deep(150), lambda: [1] * 3000, lambda: {"a": [deep(3)] * 9}]
FIELDS = [
    "id", "object", "created", "model", "choices", "usage", "error", "index", "delta", "message", "finish_reason",
    "logprobs", "role", "content", "reasoning", "reasoning_content", "reasoning_details", "tool_calls", "images",
    "refusal", "gumloop_extensions", "tool_results", "annotations", "audio", "type", "text", "signature", "data",
    "summary", "format", "function", "name", "arguments", "image_url", "url", "prompt_tokens", "total_tokens",
    "cost", "prompt_tokens_details", "cached_tokens", "code", "param", "metadata", "raw", "transcript", "provider",
    "function_call", "thinking", "detail", "status", "errors", "success", "obfuscation", "token_id",
    "content_filter_results", "url_citation", "title", "start_index", "a", "b", "args", "input", "kind", "extras",
    "value", "base64", "mime_type", "source", "file", "file_data", "filename", "cache_control", "blocks",
    "additional_kwargs", "$ref", "anyOf", "items", "properties", "required", "enum", "strict", "parameters",
]


def json_value(deal: Deal, levels: int = 2) -> Any:
    """A value of any JSON type, numbers that are not finite among them."""
    kind = deal.number(9)
    if kind < 4:
        return copy.deepcopy(deal.one(ONE_OF_EACH))
    if kind == 4:
        return deal.one(NUMBERS)
    if kind == 5:
        return deal.one(NOT_FINITE)
    if kind == 6:
        return deal.one(LARGE)()
    if kind == 7 or not levels:
        return deal.one(TEXTS)
    if kind == 8:
        return [json_value(deal, levels - 1) for _ in range(deal.number(2))]
    return {deal.one(FIELDS): json_value(deal, levels - 1) for _ in range(deal.number(3))}


class _Awkward:
    """An object that nothing can be done with."""

    def __bool__(self) -> bool:
        raise RuntimeError("no truth")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no equality")

    __hash__ = None  # type: ignore[assignment]


def _cyclic() -> Any:
    circle: dict[str, Any] = {"a": 1}
    circle["circle"] = circle
    return circle


_MADE: dict[str, Callable[[], Any]] = {
    "@object": object,
    "@awkward": _Awkward,
    "@bytes": lambda: b"\xff\x00",
    "@set": lambda: {1},
    "@tuple": lambda: (1, "a"),
    "@date": lambda: datetime.date(2026, 1, 1),
    "@decimal": lambda: decimal.Decimal("1.5"),
    "@path": lambda: pathlib.Path("nowhere"),
    "@class": lambda: int,
    "@function": lambda: len,
    "@deep": lambda: deep(3000),
    "@deep list": lambda: deep_list(3000),
    "@cyclic": _cyclic,
    "@keys": lambda: {1: "a", None: "b", (1, 2): "c"},
    "@iterator": lambda: iter([{"type": "text", "text": "a"}]),
}


def anything(deal: Deal) -> Any:
    """What a caller may pass where something else belongs: JSON, or the mark of an object that is none."""
    return deal.one(list(_MADE)) if deal.chance(3) else json_value(deal)


def real(document: Any) -> Any:
    """A document with the objects in place of their marks."""
    if isinstance(document, str):
        make = _MADE.get(document)
        return document if make is None else make()
    if isinstance(document, dict):
        return {key: real(value) for key, value in document.items()}
    return [real(value) for value in document] if isinstance(document, list) else document


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Everything inside a document, each as what holds it and its key there."""
    found: list[tuple[Any, Any]] = []
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        found.append((value, key))
        found += _places(inner)
    return found


DEEDS = ["replace", "replace", "replace", "leave out", "add", "double", "wrap", "swap"]


def spoiled(deal: Deal, document: Any, *, values: Callable[[Deal], Any] = json_value, most: int = 3) -> Any:
    """A document with some of its parts replaced, left out, doubled, swapped, or added to."""
    document = copy.deepcopy(document)
    for _ in range(1 + deal.number(most - 1)):
        places = _places(document)
        if not places:
            break
        holder, key = deal.one(places)
        inner, deed = holder[key], deal.one(DEEDS)
        if deed == "leave out":
            del holder[key]
        elif deed == "wrap":
            holder[key] = deal.one([[inner], {"text": inner}, str(inner)])
        elif deed == "add":
            target = inner if isinstance(inner, (dict, list)) else holder
            if isinstance(target, dict):
                target[deal.one(FIELDS)] = values(deal)
            else:
                target.insert(deal.number(len(target)), values(deal))
        elif deed == "double" and isinstance(holder, list):
            holder.insert(key, copy.deepcopy(inner))
        elif deed == "swap" and isinstance(holder, list):
            holder.reverse()
        else:
            holder[key] = values(deal)
    return document
