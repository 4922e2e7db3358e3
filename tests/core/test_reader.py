"""Chunks and answers in, clean deltas and completions out: the wire's oddities."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gumloop_core import Completion, Delta
from gumloop_core.errors import APIStatusError, GumloopError, InvalidResponseError, ProviderError, StreamError
from gumloop_core.reader import AnswerReader
from tests.core.counting import calls_made
from tests.support.http_bytes import USAGE, chunk, completion


def read(*documents: Any, done: bool = True, **options: Any) -> tuple[list[Delta], Completion]:
    reader = AnswerReader(**options)
    deltas = [reader.read_event(json.dumps(document).encode()) for document in documents]
    if done:
        assert reader.read_event(b"[DONE]") is None
    deltas.append(reader.last_delta())
    handed_out = [delta for delta in deltas if delta is not None]
    assert handed_out[-1].completion is not None
    return handed_out, handed_out[-1].completion


def failure(*documents: Any, **options: Any) -> GumloopError:
    with pytest.raises(GumloopError) as caught:
        read(*documents, **options)
    return caught.value


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


def test_reasoning_in_its_spellings() -> None:
    details = [{"type": "reasoning.text", "text": "c", "index": 0}]
    deltas, whole = read(
        chunk({"reasoning": "a"}),
        chunk({"reasoning_content": "b"}),
        chunk({"reasoning_details": details}),
        chunk({"reasoning": "d", "reasoning_details": [{**details[0], "text": "d"}]}),
        chunk({"reasoning_details": [{"type": "reasoning.text", "index": 0, "signature": "s"}]}),
        chunk({"content": "x"}, finish_reason="stop"),
    )
    assert [delta.reasoning for delta in deltas] == ["a", "b", "d", "", ""]
    assert whole.reasoning == "abd"
    assert whole.reasoning_details == [{"type": "reasoning.text", "text": "cd", "index": 0, "signature": "s"}]


def test_content_as_parts() -> None:
    parts = [
        "a",
        {"type": "text", "text": "b"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
    ]
    deltas, whole = read(chunk({"content": [*parts, 5, None, {"type": "new"}]}, finish_reason="stop"))
    assert deltas[0].text == whole.text == "ab"
    assert [image.data for image in whole.images] == [b"\x00"]
    assert whole.extra == {"content_parts": [5, {"type": "new"}]}


def test_images_in_their_spellings() -> None:
    url = "data:image/png;base64,AA"
    entries = [{"type": "image_url", "image_url": {"url": url}}, {"image_url": url}, {"url": url}, url]
    junk = [None, 5, {}, {"b64_json": "AA"}, {"image_url": {"url": ""}}, ""]
    deltas, whole = read(chunk({"images": entries + junk}, finish_reason="stop"))
    assert [image.url for image in deltas[0].images] == [url] * 4
    assert len(whole.images) == 4
    assert whole.extra == {"images": [5, {"b64_json": "AA"}, {"image_url": {"url": ""}}]}


def test_the_last_frame_becomes_the_picture() -> None:
    def frame(data: str, index: Any = None) -> dict[str, Any]:
        entry = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
        return chunk({"images": [entry if index is None else {**entry, "index": index}]})

    deltas, whole = read(frame("AA"), frame("BB"), frame("CC"), partial_images=True)
    assert [image.base64 for delta in deltas for image in delta.partial_images] == ["AA", "BB", "CC"]
    assert [image.base64 for delta in deltas for image in delta.images] == ["CC"]
    assert [image.base64 for image in whole.images] == ["CC"]
    _, whole = read(frame("AA", 0), frame("XX", 1), frame("BB", 0), frame("QQ", []), partial_images=True)
    assert [image.base64 for image in whole.images] == ["BB", "XX", "QQ"]
    broken = failure(frame("AA"), {"error": {"message": "no"}}, partial_images=True)
    assert broken.partial is not None
    assert [image.base64 for image in broken.partial.images] == ["AA"]


def test_other_fields_are_kept() -> None:
    deltas, whole = read(
        chunk({"content": "a", "annotations": [{"url": "u1"}], "audio": {"id": "x", "data": "AA", "transcript": "h"}}),
        chunk({"annotations": [{"url": "u2"}], "audio": {"data": "BB", "transcript": "i"}}),
        chunk({"refusal": "I can"}),
        chunk({"refusal": "not"}),
        chunk({"gumloop_extensions": {"tool_results": [1], "a": {"b": 1}}}),
        chunk({"gumloop_extensions": {"tool_results": [2], "a": {"c": 2}}}),
        {**chunk(), "choices": [{"index": 0, "delta": {}, "logprobs": {"content": [{"token": "a"}]}}]},
        {**chunk(), "choices": [{"index": 0, "delta": {}, "logprobs": {"content": [{"token": "b"}]}}]},
        {
            **chunk(system_fingerprint="fp"),
            "choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "native_finish_reason": "STOP"}],
        },
    )
    assert whole.extra == {
        "annotations": [{"url": "u1"}, {"url": "u2"}],
        "audio": {"id": "x", "data": "AABB", "transcript": "hi"},
    }
    assert whole.refusal == "I cannot"
    assert whole.extensions == {"tool_results": [1, 2], "a": {"b": 1, "c": 2}}
    assert [delta.extensions for delta in deltas if delta.extensions] == [
        {"tool_results": [1], "a": {"b": 1}},
        {"tool_results": [2], "a": {"c": 2}},
    ]
    assert whole.logprobs == {"content": [{"token": "a"}, {"token": "b"}]}
    assert whole.metadata == {"created": 1, "system_fingerprint": "fp", "native_finish_reason": "STOP"}


def test_usage_is_the_latest_and_can_come_anywhere() -> None:
    _, whole = read(chunk({"content": "a"}, usage={"prompt_tokens": 1}), chunk({}, finish_reason="stop", usage=USAGE))
    assert whole.usage is not None
    assert whole.usage.raw == USAGE


def test_calls_without_ids_get_theirs_at_the_end() -> None:
    piece = {"index": 0, "function": {"name": "f", "arguments": "{}"}}
    deltas, whole = read(chunk({"tool_calls": [piece]}), chunk({}, finish_reason="tool_calls"))
    assert deltas[-1].tool_calls[0].id == whole.tool_calls[0].id == "call_0_gen-1"


def test_whole_messages_in_chunks() -> None:
    document = {**chunk(), "choices": [{"index": 0, "message": {"content": "a"}, "finish_reason": "stop"}]}
    assert read(document)[1].text == "a"


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
    assert read(text, chunk({}, finish_reason="length"), done=False)[1].finish_reason == "length"


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


def answered(document: Any) -> Completion:
    return AnswerReader().read_answer(document)


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
