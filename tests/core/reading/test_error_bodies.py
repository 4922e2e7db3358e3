"""Errors inside answers that are none by their status: in a stream, in a unary body, in every shape."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gumloop_core import errors
from gumloop_core.answer import Completion
from gumloop_core.errors import APIStatusError, GumloopError, InvalidResponseError, ProviderError, StreamError
from gumloop_core.http.response_body import StreamBody
from gumloop_core.http.retry import is_retryable
from gumloop_core.json_text import decode
from gumloop_core.reading.reader import AnswerReader
from gumloop_core.reading.status_errors import status_error
from tests.support.http_bytes import chunk, completion

SHAPES: dict[str, tuple[Any, type[APIStatusError], int]] = {
    "object": ({"error": {"code": 402, "message": "no money"}}, errors.InsufficientCreditsError, 402),
    "code beside message": ({"error": "rate_limit_exceeded", "message": "m"}, errors.RateLimitError, 429),
    "oauth": ({"error": "invalid_api_key", "error_description": "m"}, errors.AuthenticationError, 401),
    "plan": ({"error": "permission_denied", "minimum_tier": "pro"}, errors.PermissionDeniedError, 403),
    "a sentence": ({"error": "the model has gone away"}, ProviderError, 200),
    "true": ({"error": True, "message": "gone"}, ProviderError, 200),
    "bare code": ({"code": 402, "message": "budget exceeded"}, errors.InsufficientCreditsError, 402),
    "bare code as text": ({"code": "429", "message": "slow down"}, errors.RateLimitError, 429),
    "bare message": ({"message": "overloaded"}, ProviderError, 200),
    "bare detail": ({"detail": "Model is loading"}, ProviderError, 200),
    "status": ({"status": 503, "title": "Unavailable"}, errors.ServerError, 503),
    "FastAPI": ({"detail": [{"loc": ["body", "messages"], "msg": "required", "type": "missing"}]}, ProviderError, 200),
    "vLLM": ({"object": "error", "message": "m", "type": "BadRequestError", "code": 400}, errors.BadRequestError, 400),
    "Anthropic": (
        {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
        errors.ServerError,
        529,
    ),
    "Google": (
        [{"error": {"code": 429, "message": "m", "status": "RESOURCE_EXHAUSTED"}}],
        errors.RateLimitError,
        429,
    ),
    "Amazon": ({"__type": "ThrottlingException", "message": "m"}, errors.RateLimitError, 429),
    "Groq": (
        {"error": {"message": "m", "type": "invalid_request_error", "code": "tool_use_failed", "status_code": 400}},
        errors.BadRequestError,
        400,
    ),
    "MiniMax": ({"choices": None, "base_resp": {"status_code": 1004, "status_msg": "login fail"}}, ProviderError, 200),
    "nested": ({"error": {"error": {"type": "overloaded_error", "message": "m"}}}, errors.ServerError, 529),
    "in data": ({"data": {"error": {"code": 401, "message": "m"}}}, errors.AuthenticationError, 401),
    "in detail": ({"detail": {"error": {"code": 402, "message": "m"}}}, errors.InsufficientCreditsError, 402),
    "list of errors": ({"success": False, "errors": [{"code": 429, "message": "m"}]}, errors.RateLimitError, 429),
    "in the choice": (
        {"choices": [{"index": 0, "error": {"code": 502, "message": "m"}, "finish_reason": "stop"}]},
        ProviderError,
        502,
    ),
    "numeric code and type": (
        {"error": {"code": 5000, "type": "too_many_prompt_tokens", "message": "m"}},
        errors.ContextOverflowError,
        400,
    ),
}


def streamed(*events: str, done: bool = False) -> list[Any]:
    reader = AnswerReader()

    def fail() -> GumloopError:
        return StreamError("holds no event")

    body = StreamBody(reader, max_bytes=10**9, too_long=fail, read_document=decode, nothing_read=lambda content: fail())
    deltas = list(body.feed("".join([*events, "data: [DONE]\n\n" if done else ""]).encode()))
    return [*deltas, *body.finish()]


def event(document: Any, name: str | None = None) -> str:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {document if isinstance(document, str) else json.dumps(document)}\n\n"


TEXT = event(chunk({"content": "half"}))
MORE = event(chunk({"content": " more"}))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("before", ["", TEXT], ids=["alone", "after text"])
@pytest.mark.parametrize("name", [None, "error"])
def test_in_a_stream(shape: str, before: str, name: str | None) -> None:
    document, kind, status = SHAPES[shape]
    with pytest.raises(APIStatusError) as caught:
        streamed(before, event(document, name), MORE, done=True)
    assert (type(caught.value), caught.value.status_code) == (kind, status)
    partial = caught.value.partial
    assert (partial.text if partial else "") == ("half" if before else "")


@pytest.mark.parametrize("shape", SHAPES)
def test_in_a_unary_answer(shape: str) -> None:
    document, kind, status = SHAPES[shape]
    with pytest.raises(APIStatusError) as caught:
        AnswerReader().read_answer(document)
    assert (type(caught.value), caught.value.status_code) == (kind, status)


@pytest.mark.parametrize("data", ["Overloaded", "", "null", "[]", '"Overloaded"', "{}", '{"new": 1}'])
def test_an_event_named_error_is_one_whatever_its_data(data: str) -> None:
    with pytest.raises(ProviderError) as caught:
        streamed(TEXT, event(data, "error"), done=True)
    assert caught.value.partial is not None
    assert caught.value.partial.text == "half"
    if "Overloaded" in data:
        assert "Overloaded" in str(caught.value)


@pytest.mark.parametrize(
    "document",
    [
        {"type": "ping"},
        {"code": 0, "message": "success"},
        {"code": 200, "message": "ok", "usage": {"prompt_tokens": 1}},
        {"success": True, "message": "done"},
        {"error": {"code": None, "message": ""}},
        {"error": {}},
        {"object": "chat.completion.chunk", "choices": [], "message": "warm"},
        {"choices": [], "base_resp": {"status_code": 0, "status_msg": ""}},
        {"choices": [{"index": 0, "error": None, "delta": {"error": None}}]},
        {"choices": [{"index": 0, "delta": {}}], "code": 7, "message": "beside a choice"},
    ],
)
@pytest.mark.parametrize("name", [None, "message", "ping"])
def test_what_is_no_error(document: Any, name: str | None) -> None:
    deltas = streamed(TEXT, event(document, name), MORE, done=True)
    assert deltas[-1].completion.text == "half more"


def test_errors_that_name_no_status_are_the_providers_and_worth_another_try() -> None:
    """As a finish reason of ``error`` is [langgraph#6574]."""
    for document in ({"message": "x"}, {"error": {"message": "x"}}, {"error": {"code": "new_code", "message": "x"}}):
        with pytest.raises(ProviderError) as caught:
            AnswerReader().read_answer(document)
        assert is_retryable(caught.value)
    with pytest.raises(errors.BadRequestError) as refused:
        AnswerReader().read_answer({"error": {"code": "content_policy_violation", "message": "x"}})
    assert not is_retryable(refused.value)


@pytest.mark.parametrize(
    ("reason", "native"),
    [
        ("error", None),
        ("ERROR", None),
        ("error", "MALFORMED_FUNCTION_CALL"),
        ("function_call_filter: MALFORMED_FUNCTION_CALL", None),
    ],
)
def test_a_finish_reason_that_says_error(reason: str, native: str | None) -> None:
    document = completion("x", finish_reason=reason)
    document["choices"][0]["native_finish_reason"] = native
    with pytest.raises(ProviderError, match=native or reason) as caught:
        AnswerReader().read_answer(document)
    assert is_retryable(caught.value)
    assert caught.value.partial is not None
    assert caught.value.partial.text == "x"


@pytest.mark.parametrize("document", [[], [{}], [[]], [1, 2], [{"error": {"message": "a"}}] * 2])
def test_lists_that_are_no_error(document: Any) -> None:
    with pytest.raises(InvalidResponseError):
        AnswerReader().read_answer(document)


def test_a_list_of_one_answer_is_the_answer() -> None:
    got = AnswerReader().read_answer([completion("x")])
    assert isinstance(got, Completion)
    assert (got.text, got.raw["id"]) == ("x", "gen-1")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"error": {"code": 400, "type": "too_many_prompt_tokens"}}, "too_many_prompt_tokens"),
        ({"error": {"code": "400", "type": "t"}}, "t"),
        ({"error": {"code": 400}}, "400"),
        ({"error": {"code": 40303, "type": "t"}}, "40303"),
        ({"error": {"code": None, "status": "UNAVAILABLE"}}, "UNAVAILABLE"),
        ({"error": "some_code", "type": "t"}, "some_code"),
        ({"type": "error", "error": {"type": "api_error"}}, "api_error"),
    ],
)
def test_the_code_that_says_most(body: Any, code: str) -> None:
    assert status_error(400, body).code == code
