"""Chunks and answers in, clean deltas and completions out: the wire's oddities."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gumloop_core import Completion, Delta
from gumloop_core.answer import ToolCall
from gumloop_core.errors import APIStatusError, GumloopError, InvalidResponseError, ProviderError, StreamError
from gumloop_core.reading.reader import AnswerReader
from tests.support.counting import calls_made
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


DETAIL = {"type": "reasoning.text", "index": 0}


def thought(plain: str | None = None, detail: str | None = None, spelling: str = "reasoning") -> dict[str, Any]:
    delta: dict[str, Any] = {} if plain is None else {spelling: plain}
    return chunk(delta if detail is None else {**delta, "reasoning_details": [{**DETAIL, "text": detail}]})


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param([thought("ab"), thought(detail="ab"), thought("cd"), thought(detail="cd")], id="plain first"),
        pytest.param([thought(detail="ab"), thought("ab"), thought(detail="cd"), thought("cd")], id="details first"),
        pytest.param([thought(detail="ab"), thought(detail="cd"), thought("abcd")], id="all details, then all plain"),
        pytest.param([thought(detail="ab"), thought(detail="cd"), thought("a"), thought("bcd")], id="in other pieces"),
        pytest.param([thought(detail="ab"), thought("a"), thought("b"), thought("cd")], id="plain goes on"),
        pytest.param([thought("ab", "ab"), thought("cd", "cd")], id="side by side"),
        pytest.param([thought(detail="ab"), thought("cd", "cd")], id="details alone, then side by side"),
        pytest.param([thought("ab"), thought("cd", "cd"), thought(detail="xy")], id="more in details than plain"),
        pytest.param([thought(detail="ab"), thought(detail="cd")], id="details alone"),
        pytest.param([thought("", "ab"), thought("", "cd")], id="empty plain text beside details"),
        pytest.param([thought("abcd", None, "reasoning_content")], id="the other spelling"),
        pytest.param([chunk({"reasoning": "", "reasoning_content": "abcd"})], id="an empty one beside a full one"),
        pytest.param([chunk({"reasoning": None, "reasoning_content": "abcd"})], id="null beside a full one"),
        pytest.param([chunk({"reasoning": "abcd", "reasoning_content": "abcd"})], id="both spellings"),
        pytest.param([chunk({"content": [{"type": "thinking", "thinking": "abcd"}]})], id="a part of the content"),
        pytest.param(
            [
                chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": t}]}]})
                for t in ("ab", "cd")
            ],
            id="Mistral's parts",
        ),
        pytest.param([chunk({"content": [{"type": "reasoning", "text": "abcd"}]})], id="a reasoning part with text"),
        pytest.param(
            [chunk({"content": [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "abcd"}]}]})],
            id="a reasoning part with a summary",
        ),
        pytest.param([chunk({"content": {"type": "thinking", "thinking": "abcd"}})], id="one part without a list"),
    ],
)
def test_reasoning_is_told_once(chunks: list[dict[str, Any]]) -> None:
    deltas, whole = read(*chunks, chunk({"content": "x"}, finish_reason="stop"))
    assert "".join(delta.reasoning for delta in deltas) == whole.reasoning == "abcd"
    assert (whole.text, whole.extra) == ("x", {})


def test_reasoning_parts_that_are_signed_go_back_as_details() -> None:
    parts = [
        {"type": "thinking", "thinking": "a"},
        {"type": "thinking", "thinking": "b", "signature": "s"},
        {"type": "redacted_thinking", "data": "AA"},
    ]
    expected = [
        {"type": "reasoning.text", "text": "ab", "signature": "s"},
        {"type": "reasoning.encrypted", "data": "AA"},
    ]
    whole = read(*(chunk({"content": [part]}) for part in parts), chunk({}, finish_reason="stop"))[1]
    assert (whole.reasoning, whole.reasoning_details) == ("ab", expected)
    unsigned = read(chunk({"content": parts[:1]}, finish_reason="stop"))[1]
    assert (unsigned.reasoning, unsigned.reasoning_details) == ("a", [])


def test_the_older_form_of_a_call_is_a_call() -> None:
    pieces = [{"name": "add", "arguments": ""}, {"arguments": '{"a"'}, {"arguments": ": 1}"}]
    _, whole = read(*(chunk({"function_call": piece}) for piece in pieces), chunk({}, finish_reason="function_call"))
    unary = answered(
        completion(None, finish_reason="function_call", function_call={"name": "add", "arguments": '{"a": 1}'})
    )
    for answer in (whole, unary):
        assert answer.tool_calls == [ToolCall("call_0_gen-1", "add", '{"a": 1}')]
        assert answer.finish_reason == "function_call"
        assert answer.extra == {}


def test_a_call_in_both_forms_is_one_call() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "add", "arguments": "{}"}}
    got = answered(completion(None, tool_calls=[call], function_call=call["function"]))
    assert [(made.id, made.name) for made in got.tool_calls] == [("c", "add")]
    empty = answered(completion("x", tool_calls=None, function_call={"name": "", "arguments": ""}))  # Snowflake
    assert (empty.tool_calls, empty.extra) == ([], {})


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


def test_usage_in_places_of_a_providers_own() -> None:
    """Moonshot's stands in the choice, Groq's in ``x_groq``."""
    last = chunk({}, finish_reason="stop")
    last["choices"][0]["usage"] = USAGE
    for documents in ([last], [chunk({}, finish_reason="stop", x_groq={"id": "r", "usage": USAGE})]):
        usage = read(chunk({"content": "a"}), *documents)[1].usage
        assert usage is not None
        assert usage.raw == USAGE


def test_annotations_are_a_list() -> None:
    for notes, expected in (({"url": "u"}, [{"url": "u"}]), ("odd", ["odd"]), ([1, 2], [1, 2]), (None, None)):
        assert answered(completion("x", annotations=notes)).extra.get("annotations") == expected


def test_numbers_as_ids() -> None:
    call = {"id": 5, "function": {"name": "f", "arguments": "{}"}}
    got = answered({**completion(None, tool_calls=[call]), "id": 7})
    assert (got.id, got.tool_calls[0].id) == ("7", "5")


def test_usage_is_the_latest_and_can_come_anywhere() -> None:
    _, whole = read(chunk({"content": "a"}, usage={"prompt_tokens": 1}), chunk({}, finish_reason="stop", usage=USAGE))
    assert whole.usage is not None
    assert whole.usage.raw == USAGE


def test_calls_without_ids_get_theirs_at_once() -> None:
    piece = {"index": 0, "function": {"name": "f", "arguments": '{"a"'}}
    rest = {"index": 0, "id": "late", "function": {"arguments": ": 1}"}}
    deltas, whole = read(
        chunk({"tool_calls": [piece]}), chunk({"tool_calls": [rest]}), chunk({}, finish_reason="tool_calls")
    )
    assert [piece.id for delta in deltas for piece in delta.tool_calls] == ["call_0_gen-1", None]
    assert whole.tool_calls == [ToolCall("call_0_gen-1", "f", '{"a": 1}')]


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
