"""What a caller may pass where something else belongs: JSON of every type, and what is no JSON at all.

The odd objects stand as marks in a document while it is spoiled, since some of them can be neither copied nor printed.
"""

from __future__ import annotations

import datetime
import decimal
import pathlib
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.json_values import ODD, deep


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


_MADE: dict[str, Any] = {
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
    "@deep list": lambda: _deep_list(3000),
    "@cyclic": _cyclic,
    "@keys": lambda: {1: "a", None: "b", (1, 2): "c"},
    "@nan": lambda: float("nan"),
    "@iterator": lambda: iter([{"type": "text", "text": "a"}]),
}


def _deep_list(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


PASSED: st.SearchStrategy[Any] = st.one_of(ODD, st.sampled_from(sorted(_MADE)))
"""Anything, odd objects as marks."""


def real(document: Any) -> Any:
    """A document with the objects in place of their marks."""
    if isinstance(document, str):
        make = _MADE.get(document)
        return document if make is None else make()
    if isinstance(document, dict):
        return {key: real(value) for key, value in document.items()}
    return [real(value) for value in document] if isinstance(document, list) else document
