"""Which of the choices is the answer."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.http_bytes import chunk, completion
from tests.support.read_answers import answered, read


@pytest.mark.parametrize("index", [1, 7, "0", "1", None, 0.0, [], {}, -1, True])
def test_the_only_choice_is_the_answer_whatever_its_index(index: Any) -> None:
    def moved(document: dict[str, Any]) -> dict[str, Any]:
        document["choices"][0]["index"] = index
        return document

    deltas, whole = read(
        moved(chunk({"content": "a"})), moved(chunk({"content": "b"})), moved(chunk({}, finish_reason="stop"))
    )
    assert (whole.text, whole.finish_reason, len(deltas)) == ("ab", "stop", 3)
    assert answered(moved(completion("x"))).text == "x"


def test_choices_that_nobody_asked_for_are_kept_apart() -> None:
    call = {"index": 0, "function": {"name": "f", "arguments": "{}"}}

    def choice(index: int, delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
        return {"index": index, "delta": delta, "finish_reason": reason}

    _, whole = read(
        {**chunk(), "choices": [choice(1, {"role": "assistant"})]},
        {**chunk(), "choices": [choice(1, {"content": "o"}), choice(0, {"content": "a"})]},
        {**chunk(), "choices": [choice(0, {"content": "b"}, "stop")]},
        {**chunk(), "choices": [choice(1, {"content": "p", "tool_calls": [call]}, "tool_calls")]},
    )
    assert (whole.text, whole.finish_reason, whole.tool_calls) == ("ab", "stop", [])
    other = {
        "index": 1,
        "finish_reason": "tool_calls",
        "message": {
            "role": "assistant",
            "content": "op",
            "tool_calls": [{"id": "call_0_gen-1_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
    }
    assert whole.metadata["other_choices"] == [other]
    unary = completion("ab")
    unary["choices"].insert(
        0, {"index": 1, "finish_reason": "tool_calls", "message": {"content": "op", "tool_calls": [call]}}
    )
    assert answered(unary).metadata["other_choices"] == [other]
    assert answered(unary).text == "ab"


def test_whole_messages_in_chunks() -> None:
    document = {**chunk(), "choices": [{"index": 0, "message": {"content": "a"}, "finish_reason": "stop"}]}
    assert read(document)[1].text == "a"
