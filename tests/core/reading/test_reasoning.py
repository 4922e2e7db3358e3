"""Structured reasoning: pieces joined into the parts that must be sent back unchanged."""

from __future__ import annotations

from typing import Any

import pytest

from gumloop_core.reading.reasoning import ReasoningDetails, text_of
from tests.support.counting import calls_made


def joined(*deltas: list[Any]) -> list[dict[str, Any]]:
    details = ReasoningDetails()
    for delta in deltas:
        details.add(delta, whole=False)
    return details.finished()


def text(value: str, index: int | None = 0, **more: Any) -> dict[str, Any]:
    out: dict[str, Any] = {"type": "reasoning.text", "text": value, **more}
    if index is not None:
        out["index"] = index
    return out


def test_text_is_joined_and_the_signature_kept_once() -> None:
    got = joined([text("Let ", format="v1")], [text("me", format="v1")], [text("", signature="sig", format="v1")])
    assert got == [
        {"type": "reasoning.text", "text": "Let me", "index": 0, "format": "v1", "signature": "sig"},
    ]


def test_a_signature_without_text_belongs_to_the_part_before() -> None:
    got = joined([text("a")], [{"type": "reasoning.text", "index": 0, "signature": "sig"}])
    assert got == [{"type": "reasoning.text", "text": "a", "index": 0, "signature": "sig"}]


def test_text_after_a_signature_is_a_part_of_its_own() -> None:
    got = joined([text("a", signature="s1")], [text("b", signature="s2")], [text("c")])
    assert [(part["text"], part.get("signature")) for part in got] == [("a", "s1"), ("b", "s2"), ("c", None)]


def test_types_with_one_index_stay_apart() -> None:
    got = joined(
        [text("a"), {"type": "reasoning.encrypted", "data": "AA", "index": 0}],
        [text("b"), {"type": "reasoning.encrypted", "data": "BB", "index": 0}],
    )
    assert [part.get("text", part.get("data")) for part in got] == ["ab", "AABB"]


def test_interleaved_indices_are_told_apart() -> None:
    got = joined([text("a", 0), text("x", 1)], [text("b", 0), text("y", 1)])
    assert [part["text"] for part in got] == ["ab", "xy"]


def test_without_an_index_only_neighbours_are_joined() -> None:
    encrypted = {"type": "reasoning.encrypted", "data": "AA"}
    got = joined([text("a", None)], [text("b", None)], [encrypted], [text("c", None)])
    assert [part.get("text", part.get("data")) for part in got] == ["ab", "AA", "c"]


def test_another_id_is_another_part() -> None:
    got = joined([text("a", id="1")], [text("b", id="2")], [text("c", id=None)])
    assert [part["text"] for part in got] == ["a", "bc"]


def test_the_entries_of_a_unary_answer_are_kept_as_they_are() -> None:
    details = ReasoningDetails()
    entries = [text("a"), text("b"), {"type": "reasoning.text", "text": None, "index": 0}, {"new": [1, None]}]
    details.add(entries, whole=True)
    assert details.finished() == entries


@pytest.mark.parametrize("odd", [None, 7, "x", [], {"type": []}, {"type": {}, "index": []}, {"text": 5}, {}])
def test_odd_entries_do_no_harm(odd: Any) -> None:
    assert joined([text("a"), odd, odd], [text("b")])[0]["text"] == "ab"


def test_work_is_linear_in_parts_and_pieces() -> None:
    def feed(count: int) -> Any:
        def work() -> None:
            details = ReasoningDetails()
            for place in range(count):
                details.add([text("a", place), text("b", place // 2)], whole=False)
            details.finished()

        return work

    assert calls_made(feed(400)) <= 2.1 * calls_made(feed(200))


def test_the_readable_text_of_details() -> None:
    details = [text("a"), {"type": "reasoning.summary", "summary": "b"}, {"type": "reasoning.encrypted", "data": "x"}]
    assert text_of([*details, None, {"type": "reasoning.text", "text": 5}]) == "ab"
