"""One choice of an answer: its text, reasoning, pictures and calls in every spelling, and what stands beside them."""

from __future__ import annotations

from typing import Any

import pytest

from gumloop_core.answer import ToolCall
from tests.support.http_bytes import chunk, completion
from tests.support.read_answers import answered, failure, read


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


def test_annotations_are_a_list() -> None:
    for notes, expected in (({"url": "u"}, [{"url": "u"}]), ("odd", ["odd"]), ([1, 2], [1, 2]), (None, None)):
        assert answered(completion("x", annotations=notes)).extra.get("annotations") == expected


def test_calls_without_ids_get_theirs_at_once() -> None:
    piece = {"index": 0, "function": {"name": "f", "arguments": '{"a"'}}
    rest = {"index": 0, "id": "late", "function": {"arguments": ": 1}"}}
    deltas, whole = read(
        chunk({"tool_calls": [piece]}), chunk({"tool_calls": [rest]}), chunk({}, finish_reason="tool_calls")
    )
    assert [piece.id for delta in deltas for piece in delta.tool_calls] == ["call_0_gen-1", None]
    assert whole.tool_calls == [ToolCall("call_0_gen-1", "f", '{"a": 1}')]
