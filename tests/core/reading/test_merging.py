"""Fields that arrive in pieces, merged."""

from __future__ import annotations

import sys
from typing import Any

from gumloop_core.reading.merging import MergedFields
from tests.support.counting import calls_made


def merged(*pieces: dict[str, Any]) -> dict[str, Any]:
    fields = MergedFields(frozenset({"data"}))
    for piece in pieces:
        fields.merge(piece)
    return fields.finished()


def test_merging() -> None:
    assert merged(
        {"a": [1], "b": {"c": [2], "data": "x"}, "n": 1}, {"a": [3], "b": {"c": [4], "data": "y"}, "n": 2}
    ) == {
        "a": [1, 3],
        "b": {"c": [2, 4], "data": "xy"},
        "n": 2,
    }
    assert merged({"a": "x"}, {"a": None}) == {"a": "x"}
    assert merged({"a": [1]}, {"a": {"b": 1}}, {"a": "x"}) == {"a": "x"}
    assert merged({"data": "x"}, {"data": [1]}, {"data": "y"}) == {"data": "y"}


def test_what_was_received_is_not_changed_by_merging() -> None:
    piece = {"a": [1], "b": {"c": [2]}}
    assert merged(piece, piece) == {"a": [1, 1], "b": {"c": [2, 2]}}
    assert piece == {"a": [1], "b": {"c": [2]}}


def test_deep_objects_take_no_deep_stack() -> None:
    deep: dict[str, Any] = {}
    for _ in range(190):
        deep = {"a": deep}
    before = sys.getrecursionlimit()
    frame, depth = sys._getframe(), 0
    while frame is not None:
        frame, depth = frame.f_back, depth + 1  # type: ignore[assignment]
    sys.setrecursionlimit(depth + 60)
    try:
        got = merged(deep, deep)
    finally:
        sys.setrecursionlimit(before)
    assert got == deep


def test_merging_is_linear() -> None:
    def feed(count: int) -> Any:
        def work() -> None:
            fields = MergedFields(frozenset({"data"}))
            for place in range(count):
                fields.merge({"a": [place], "b": {"data": "x", "c": place}})
            fields.finished()

        return work

    assert calls_made(feed(400)) <= 2.05 * calls_made(feed(200))
