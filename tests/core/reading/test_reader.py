"""Chunks and answers in, clean deltas and completions out: the wire's oddities."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gumloop_core.errors import APIStatusError, InvalidResponseError, ProviderError, StreamError
from gumloop_core.reading.reader import AnswerReader
from tests.support.counting import calls_made
from tests.support.http_bytes import USAGE, chunk, completion
from tests.support.read_answers import answered, failure, read


def test_a_stream_by_the_book() -> None:
    deltas, whole = read(
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": "Hel"}),
        chunk({"content": "lo"}),
        chunk({}, finish_reason="stop"),
        chunk(usage=USAGE),
    )
    assert [delta.text for delta in deltas] == ["Hel", "lo", ""]
    assert (whole.text, whole.finish_reason, whole.id, whole.model) == ("Hello", "stop", "gen-1", "m-served")
    assert whole.usage is not None
    assert (whole.usage.prompt_tokens, whole.usage.completion_tokens, whole.usage.total_tokens) == (7, 5, 12)
    assert deltas[0].raw["choices"][0]["delta"] == {"content": "Hel"}
    assert whole.metadata == {"created": 1}


def test_of_ids_that_change_in_a_stream_the_first_is_kept() -> None:
    chunks = [chunk({"content": letter}, id=f"gen-{letter}") for letter in "abc"]
    whole = read(*chunks, chunk({}, finish_reason="stop", id="gen-last"))[1]
    assert (whole.text, whole.id) == ("abc", "gen-a")


@pytest.mark.parametrize(
    "odd",
    [
        {"choices": None},
        {"choices": []},
        {"choices": {}},
        {"choices": [None]},
        {"choices": [{}]},
        {"choices": [{"index": 0}]},
        {"choices": [{"index": 0, "delta": None}]},
        {"choices": [{"index": 0, "delta": []}]},
        {"choices": [{"index": 0, "delta": {"content": None, "tool_calls": None, "images": None}}]},
        {"choices": [{"index": 0, "delta": {"content": 5, "tool_calls": {}, "images": "x", "reasoning": []}}]},
        {"choices": [{"index": 1, "delta": {"content": "of another choice"}}]},
        {"id": None, "model": 7, "usage": None, "error": None},
        {"id": [], "usage": 5, "error": ""},
        {},
    ],
)
def test_chunks_without_anything_new_are_read_past(odd: dict[str, Any]) -> None:
    _, whole = read(chunk({"content": "a"}), odd, chunk({"content": "b"}, finish_reason="stop"))
    assert (whole.text, whole.finish_reason, whole.id) == ("ab", "stop", "gen-1")


def test_fields_that_plain_chunks_change_are_not_lost() -> None:
    """The branch for plain text must see what the long way sees."""
    plain = chunk({"content": "a"}, service_tier=None, provider="P")
    for change in (
        {"service_tier": "flex"},
        {"provider": "Q"},
        {"model": "m2"},
        {"created": 2},
    ):
        _, whole = read(plain, plain, {**plain, **change}, plain)
        expected = {**{"created": 1, "provider": "P"}, **change}
        if "model" in change or "provider" in change or "created" in change:
            expected = {"created": 1, "provider": "P"}  # the next chunk takes it back
        expected.pop("model", None)
        assert whole.metadata == expected
        _, whole = read(plain, plain, {**plain, **change})
        assert (whole.model, {**whole.metadata}) == (
            change.get("model", "m-served"),
            {"created": 1, "provider": "P", **{k: v for k, v in change.items() if k != "model"}},
        )


def test_an_id_that_comes_late_or_changes() -> None:
    plain = chunk({"content": "a"})
    _, whole = read({**plain, "id": None}, {**plain, "id": None}, {**plain, "id": "late"}, {**plain, "id": "other"})
    assert (whole.id, whole.text) == ("late", "aaaa")


def test_usage_in_places_of_a_providers_own() -> None:
    """Moonshot's stands in the choice, Groq's in ``x_groq``."""
    last = chunk({}, finish_reason="stop")
    last["choices"][0]["usage"] = USAGE
    for documents in ([last], [chunk({}, finish_reason="stop", x_groq={"id": "r", "usage": USAGE})]):
        usage = read(chunk({"content": "a"}), *documents)[1].usage
        assert usage is not None
        assert usage.raw == USAGE


def test_usage_is_the_latest_and_can_come_anywhere() -> None:
    _, whole = read(chunk({"content": "a"}, usage={"prompt_tokens": 1}), chunk({}, finish_reason="stop", usage=USAGE))
    assert whole.usage is not None
    assert whole.usage.raw == USAGE


@pytest.mark.parametrize("event", ["", " ", "\n"])
def test_empty_events_are_read_past(event: str) -> None:
    reader = AnswerReader()
    assert reader.read_event(event.encode()) is None
    assert reader.read_event(b" [DONE] ") is None
    assert reader.done


@pytest.mark.parametrize("event", ["nope", "{", "[1]", "null", "true", "5", '"text"', "[DONE", "\x00", "[" * 5000])
def test_events_that_are_no_chunks(event: str) -> None:
    reader = AnswerReader()
    reader.read_event(json.dumps(chunk({"content": "a"})).encode())
    with pytest.raises(StreamError, match="made no sense") as caught:
        reader.read_event(event.encode())
    assert caught.value.partial is not None
    assert caught.value.partial.text == "a"
    assert len(str(caught.value)) < 1500


def test_the_ends_of_a_stream() -> None:
    text = chunk({"content": "a"})
    error = failure(text, done=False)
    assert isinstance(error, StreamError)
    assert "ended early" in str(error)
    assert error.partial is not None
    assert error.partial.text == "a"
    assert failure(done=False).partial is None
    assert read(text, done=True)[1].finish_reason is None
    assert read(chunk({}, finish_reason="stop"))[1].text == ""
    assert read(text, chunk({}, finish_reason="length"), done=False)[1].finish_reason == "length"


@pytest.mark.parametrize(
    "documents",
    [
        [],
        [chunk({"role": "assistant"})],
        [chunk({"role": "assistant", "content": ""})],
        [chunk({"content": None, "token_id": 5})],
        [chunk(usage=USAGE)],
        [chunk({"reasoning": "", "tool_calls": [], "images": [], "channel": "final"})],
    ],
)
def test_without_content_and_finish_reason_done_is_no_answer(documents: list[dict[str, Any]]) -> None:
    error = failure(*documents)
    assert isinstance(error, StreamError)
    assert error.partial is None


@pytest.mark.parametrize("arguments", ['{"path": "/home/me/old', "{", '{"a": [1, 2]', "nul"])
def test_a_stream_that_ends_within_a_call_is_broken(arguments: str) -> None:
    call = {"index": 0, "id": "c", "function": {"name": "f", "arguments": arguments}}
    error = failure(chunk({"tool_calls": [call]}))
    assert isinstance(error, StreamError)
    assert error.partial is not None
    assert error.partial.tool_calls[0].arguments == arguments
    call["function"]["arguments"] = '{"a": 1}'  # type: ignore[index]
    assert read(chunk({"tool_calls": [call]}))[1].tool_calls[0].arguments == '{"a": 1}'


@pytest.mark.parametrize(
    "document",
    [
        {"error": {"code": 402, "message": "budget exceeded"}},
        {**chunk({}, finish_reason="error"), "error": {"code": "402", "message": "budget exceeded"}},
        {**chunk({"content": "b"}), "error": {"code": "insufficient_credits", "message": "budget exceeded"}},
        {"error": "insufficient_credits", "message": "budget exceeded"},
    ],
)
def test_error_chunks(document: dict[str, Any]) -> None:
    error = failure(chunk({"content": "a"}), document)
    assert isinstance(error, APIStatusError)
    assert error.status_code == 402
    assert "budget exceeded" in str(error)
    assert error.partial is not None
    assert error.partial.text.startswith("a")


@pytest.mark.parametrize("error", [True, ["x"], 5, "just words", {"message": ["odd"]}, {"code": {}}])
def test_error_fields_of_any_kind_are_errors(error: Any) -> None:
    assert isinstance(failure({"error": error}), APIStatusError)


def test_a_finish_reason_of_error_is_an_error() -> None:
    error = failure(chunk({"content": "a"}), chunk({}, finish_reason="error"))
    assert isinstance(error, ProviderError)


# -- unary -----------------------------------------------------------------------------------------------------------


def test_a_unary_answer() -> None:
    calls = [{"id": "a", "index": 5, "function": {"name": "f", "arguments": "{}"}}] * 2
    got = answered(completion("x", tool_calls=calls, reasoning="r", refusal=None, new={"a": 1}))
    assert (got.text, got.reasoning, got.finish_reason) == ("x", "r", "stop")
    assert [(call.name, call.arguments) for call in got.tool_calls] == [("f", "{}"), ("f", "{}")]
    assert got.extra == {"new": {"a": 1}}
    assert got.raw["id"] == "gen-1"


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "x",
        5,
        True,
        {},
        {"choices": []},
        {"choices": [{}]},
        {"choices": [{"message": None}]},
        {"x": [], "y": 1},
    ],
)
def test_what_is_no_completion(document: Any) -> None:
    with pytest.raises(InvalidResponseError, match="made no sense"):
        answered(document)


@pytest.mark.parametrize("message", [{}, {"message": None}, {"delta": {}}, {"message": 5}])
def test_a_finish_reason_without_a_message_is_an_empty_answer(message: dict[str, Any]) -> None:
    """Azure's form of an answer that its filter has taken."""
    results = {"violence": {"filtered": True, "severity": "high"}}
    choice = {"index": 0, "finish_reason": "content_filter", "content_filter_results": results, **message}
    got = answered({"id": "a", "choices": [choice], "usage": USAGE})
    assert (got.text, got.finish_reason, got.metadata) == (
        "",
        "content_filter",
        {"content_filter_results": results},
    )
    assert got.usage is not None


def test_a_unary_answer_in_a_streams_form_or_the_older_one() -> None:
    assert answered({"choices": [{"delta": {"content": "x"}}]}).text == "x"
    assert answered({"choices": [{"text": "x", "finish_reason": "stop"}]}).text == "x"
    assert answered({"choices": {"message": {"content": "x"}}}).text == "x"


def test_an_empty_answer_is_an_answer() -> None:
    got = answered({"choices": [{"message": {"content": None}}]})
    assert (got.text, got.finish_reason, got.usage, got.tool_calls) == ("", None, None, [])


# -- cost ------------------------------------------------------------------------------------------------------------


def test_work_per_chunk_does_not_grow() -> None:
    text = json.dumps(chunk({"content": "word "})).encode()
    call = json.dumps(
        chunk({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "x"}}]})
    ).encode()
    thought = json.dumps(chunk({"reasoning_details": [{"type": "reasoning.text", "text": "x", "index": 0}]})).encode()

    def feed(count: int) -> Any:
        def work() -> None:
            reader = AnswerReader()
            for _ in range(count):
                reader.read_event(text)
                reader.read_event(call)
                reader.read_event(thought)

        return work

    assert calls_made(feed(400)) <= 2.05 * calls_made(feed(200))
