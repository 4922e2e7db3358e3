"""Any JSON value in any field: an answer or one of our errors, and the same answer on both roads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from gumloop_core.answer import Completion, Delta
from gumloop_core.errors import GumloopError
from gumloop_core.reading.reader import AnswerReader
from tests.support import strategies
from tests.support.sums import check_sum

MORE = settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])

VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    2,
    10**30,
    1.5,
    float("nan"),
    float("inf"),
    "",
    "x",
    "\ud800",
    [],
    {},
    [1],
    [None],
    [[]],
    [{}],
    ["x"],
    {"a": 1},
    {"": None},
    {"message": "m"},
    {"type": "thinking", "thinking": 5},
]

MESSAGE: dict[str, Any] = {
    "role": "assistant",
    "content": [
        {"type": "text", "text": "a"},
        {"type": "thinking", "thinking": [{"type": "text", "text": "t"}], "signature": "s"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
        {"type": "new", "x": 1},
    ],
    "reasoning": "r",
    "reasoning_content": "r",
    "reasoning_details": [{"type": "reasoning.text", "text": "r", "signature": "s", "id": "i", "index": 0}],
    "tool_calls": [
        {
            "index": 0,
            "id": "c",
            "type": "function",
            "function": {"name": "f", "arguments": '{"x": 1}'},
            "extra_content": 1,
        },
        {"index": 1, "id": "", "type": "function", "function": {"name": "g", "arguments": "{}"}},
    ],
    "function_call": {"name": "h", "arguments": "{}"},
    "refusal": "no",
    "images": [{"type": "image_url", "index": 0, "image_url": {"url": "https://x.example/a.png"}}],
    "annotations": [{"type": "url_citation", "url_citation": {"url": "u", "title": "t", "start_index": 0}}],
    "audio": {"id": "a", "data": "AA", "transcript": "t"},
    "gumloop_extensions": {"tool_results": [{"a": 1}]},
    "token_id": 5,
}
USAGE: dict[str, Any] = {
    "prompt_tokens": 1,
    "completion_tokens": 2,
    "total_tokens": 3,
    "prompt_tokens_details": {"cached_tokens": 1},
    "completion_tokens_details": {"reasoning_tokens": 1},
    "cost": 0.1,
    "cost_details": {"a": 1},
    "is_byok": False,
}


def answer(name: str, reason: str | None) -> dict[str, Any]:
    return {
        "id": "gen-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "provider": "P",
        "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {"hate": {"filtered": False}}}],
        "x_groq": {"id": "x", "usage": USAGE},
        "choices": [
            {
                "index": 0,
                name: MESSAGE,
                "finish_reason": reason,
                "native_finish_reason": "STOP",
                "logprobs": {"content": [{"token": "a"}]},
                "usage": USAGE,
            }
        ],
        "usage": USAGE,
    }


ERRORS: list[dict[str, Any]] = [
    {"error": {"code": 402, "type": "t", "message": "m", "param": "messages[0]", "metadata": {"raw": "r"}}},
    {"error": "some_code", "message": "m", "metadata": {}},
    {"error": "some_code", "error_description": "m"},
    {"code": 402, "message": "m"},
    {"detail": [{"loc": ["body", 1], "msg": "m"}]},
    {"base_resp": {"status_code": 1, "status_msg": "m"}, "choices": []},
    {"choices": [{"index": 0, "error": {"code": 502, "message": "m"}}]},
]


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths to all values of a document."""
    yield path
    steps = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for step, value in steps:
        yield from places(value, (*path, step))


_GONE = object()


def changed(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy with another value in one place, or without it."""
    if not path:
        return value
    holder = dict(document) if isinstance(document, dict) else list(document)
    if len(path) == 1 and value is _GONE:
        del holder[path[0]]
    else:
        holder[path[0]] = changed(document[path[0]], path[1:], value)
    return holder


def variants(document: Any) -> Iterator[Any]:
    for path in places(document):
        for value in VALUES:
            yield changed(document, path, value)
        if path:
            yield changed(document, path, _GONE)


def streamed(documents: list[Any]) -> list[Delta]:
    reader = AnswerReader()
    deltas = [reader.read_event(json.dumps(document).encode()) for document in documents]
    deltas.append(reader.read_event(b"[DONE]"))
    return [*(delta for delta in deltas if delta is not None), reader.last_delta()]


def outcome(read: Callable[[Any], Completion], document: Any) -> Completion | None:
    """An answer, or ``None`` for one of our errors; any other is raised."""
    try:
        return read(document)
    except GumloopError as error:
        return None if str(error) else pytest.fail("the error says nothing")


PLAIN = {"id": "gen-1", "model": "m", "choices": [{"index": 0, "delta": {"content": "b"}}]}


def of_stream(documents: list[Any]) -> Completion:
    return check_sum(streamed(documents))


def unary(document: Any) -> Completion:
    return AnswerReader().read_answer(document)


def in_streams(document: Any) -> list[Completion | None]:
    """A chunk alone, and among chunks of plain text."""
    return [outcome(of_stream, documents) for documents in ([document], [PLAIN, document, PLAIN])]


@pytest.mark.parametrize("reason", [None, "stop"])
def test_in_a_chunk(reason: str | None) -> None:
    read = [one for document in variants(answer("delta", reason)) for one in in_streams(document)]
    assert sum(one is not None for one in read) > 0.8 * len(read)


@pytest.mark.parametrize("reason", [None, "stop"])
def test_in_a_unary_answer(reason: str | None) -> None:
    read = [outcome(unary, document) for document in variants(answer("message", reason))]
    assert sum(one is not None for one in read) > 0.8 * len(read)


@pytest.mark.parametrize("document", ERRORS, ids=str)
def test_in_an_error(document: Any) -> None:
    for variant in variants(document):
        in_streams(variant)
        outcome(unary, variant)


@MORE
@given(strategies.both_forms())
def test_an_answer_is_the_same_on_both_roads(forms: tuple[dict[str, Any], list[dict[str, Any]]]) -> None:
    document, chunks = forms
    whole = unary(document)
    whole.raw = {}
    assert of_stream(chunks) == whole
