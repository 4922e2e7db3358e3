"""Queued answers: served in order, exactly as given, after the checks and before the rules."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import httpx
import pytest
from gumloop.spec import ChatResult, ChatStreamChunk

from gumloop_core.emulator import (
    Answer,
    Chunks,
    Drop,
    Emulator,
    Failure,
    Json,
    Pause,
    RawStream,
    ToolCall,
)
from tests.emulator.support import MODEL, body, deltas, events, headers, http, post, text_of


def test_in_order_then_the_rules(gumloop_emulator: Emulator) -> None:
    gumloop_emulator.queue(Answer(text="one"), Answer(text="two"))
    assert gumloop_emulator.queued == 2
    texts = [
        post(gumloop_emulator, body("Capital of Canada?")).json()["choices"][0]["message"]["content"] for _ in range(3)
    ]
    assert texts == ["one", "two", "Ottawa."]
    assert gumloop_emulator.queued == 0


def test_an_answer_unary_and_streamed_says_the_same(gumloop_emulator: Emulator) -> None:
    answer = Answer(
        text="Let me look.",
        reasoning="They want weather.",
        tool_calls=[ToolCall("get_weather", {"city": "Łódź"}, id="c1"), ToolCall("now", "{}")],
        images=[b"\x89PNG", "data:image/png;base64,AAAA"],
        extensions={"tool_results": [{"a": 1}]},
        model="served-model",
    )
    gumloop_emulator.queue(answer, answer)
    unary = post(gumloop_emulator, body()).json()
    chunks = events(post(gumloop_emulator, body(stream=True)))
    ChatResult.model_validate(unary)
    for chunk in chunks:
        ChatStreamChunk.model_validate(chunk)
    message = unary["choices"][0]["message"]
    assert unary["model"] == chunks[0]["model"] == "served-model"
    assert unary["choices"][0]["finish_reason"] == "tool_calls"
    assert message["content"] == text_of(chunks) == "Let me look."
    assert message["reasoning"] == "".join(deltas(chunks, "reasoning"))
    assert message["images"] == [image for images in deltas(chunks, "images") for image in images]
    assert message["gumloop_extensions"] == next(deltas(chunks, "gumloop_extensions"))
    assert message["tool_calls"][0]["id"] == "c1"
    assert message["tool_calls"][0]["function"] == {"name": "get_weather", "arguments": '{"city": "Łódź"}'}
    pieces = [piece for calls in deltas(chunks, "tool_calls") for piece in calls]
    joined = "".join(piece["function"].get("arguments", "") for piece in pieces if piece["index"] == 0)
    assert joined == '{"city": "Łódź"}'
    signature = [d for details in deltas(chunks, "reasoning_details") for d in details if "signature" in d]
    assert signature[0]["signature"] == message["reasoning_details"][0]["signature"]


def test_null_content_refusal_finish_reason_and_usage(gumloop_emulator: Emulator) -> None:
    gumloop_emulator.queue(
        Answer(refusal="no", finish_reason="content_filter", usage={"prompt_tokens": 1}), Answer(usage={})
    )
    first = post(gumloop_emulator, body()).json()
    assert first["choices"][0]["message"] == {"role": "assistant", "content": None, "refusal": "no"}
    assert (first["choices"][0]["finish_reason"], first["usage"]) == ("content_filter", {"prompt_tokens": 1})
    assert "usage" not in post(gumloop_emulator, body()).json()


def test_exact_json(gumloop_emulator: Emulator) -> None:
    gumloop_emulator.queue(Json({"error": {"code": 500, "message": "x"}}, headers={"X-Own": "1"}), Json([], status=202))
    first, second = post(gumloop_emulator, body()), post(gumloop_emulator, body(stream=True))
    assert (first.status_code, first.json()["error"]["code"], first.headers["x-own"]) == (200, 500, "1")
    assert (second.status_code, second.json()) == (202, [])


def test_exact_chunks(gumloop_emulator: Emulator) -> None:
    gumloop_emulator.queue(Chunks([{"a": 1}, "not json", Pause(0.01), {"b": 2}], done=False))
    response = post(gumloop_emulator, body(stream=True))
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.text == 'data: {"a":1}\n\ndata: not json\n\ndata: {"b":2}\n\n'


def test_exact_bytes(gumloop_emulator: Emulator) -> None:
    gumloop_emulator.queue(RawStream([b"data: [DO", "NE]\r", b"\n\r\n"], content_type="text/plain", status=207))
    response = post(gumloop_emulator, body(stream=True))
    assert (response.status_code, response.headers["content-type"]) == (207, "text/plain")
    assert response.content == b"data: [DONE]\r\n\r\n"


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("nested", {"error": {"code": "c", "message": "m", "type": "t", "param": "p"}}),
        ("flat", {"error": "c", "message": "m", "metadata": {"param": "p", "status": 418}}),
        ("oauth", {"error": "c", "error_description": "m"}),
        ("tier", {"error": "tier_required_pro", "minimum_tier": "pro", "current_tier": "free"}),
        ("text", "418 m"),
        ("html", "<p>m</p>"),
        ("empty", ""),
    ],
)
def test_failures(gumloop_emulator: Emulator, shape: str, expected: object) -> None:
    gumloop_emulator.queue(Failure(418, "m", "c", "t", "p", shape=shape, headers={"Retry-After": "2"}))
    response = post(gumloop_emulator, body())
    assert (response.status_code, response.headers["retry-after"]) == (418, "2")
    if isinstance(expected, dict):
        assert response.json() == expected
    else:
        assert expected in response.text
        assert bool(response.text) == bool(expected)


def test_failure_with_an_exact_body(gumloop_emulator: Emulator) -> None:
    gumloop_emulator.queue(Failure(500, body={"error": None}), Failure(502, body="<oops>", shape="html"))
    assert post(gumloop_emulator, body()).json() == {"error": None}
    second = post(gumloop_emulator, body())
    assert (second.text, second.headers["content-type"]) == ("<oops>", "text/html; charset=utf-8")


@pytest.mark.parametrize("shape", ["nested", "flat", "oauth", "tier", "text", "html", "empty"])
def test_failures_by_slug(gumloop_emulator: Emulator, shape: str) -> None:
    gumloop_emulator.queue(Failure(429, shape=shape))
    scripted = post(gumloop_emulator, body())
    by_slug = post(gumloop_emulator, {**body(), "model": f"emulator/error-429-{shape}"})
    assert (scripted.status_code, scripted.content) == (by_slug.status_code, by_slug.content)


def test_the_checks_come_first(gumloop_emulator: Emulator) -> None:
    gumloop_emulator.queue(Answer(text="one"))
    assert post(gumloop_emulator, {**body(), "model": "gpt-99"}).status_code == 400
    assert post(gumloop_emulator, body(), headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert gumloop_emulator.queued == 1


def test_unchecked_answers_do_not_care(gumloop_emulator: Emulator) -> None:
    gumloop_emulator.queue(Answer(text="one"), unchecked=True)
    response = post(gumloop_emulator, b"no json", headers={"Authorization": "x"})
    assert response.json()["choices"][0]["message"]["content"] == "one"


def test_unchecked_answers_do_not_overtake(gumloop_emulator: Emulator) -> None:
    gumloop_emulator.queue(Answer(text="one"))
    gumloop_emulator.queue(Answer(text="two"), unchecked=True)
    texts = [post(gumloop_emulator, body()).json()["choices"][0]["message"]["content"] for _ in range(2)]
    assert texts == ["one", "two"]


def test_by_predicate(gumloop_emulator: Emulator) -> None:
    gumloop_emulator.queue(Answer(text="for Ada"), when=lambda request: b"Ada" in request.body)
    assert post(gumloop_emulator, body("Capital of Canada?")).json()["choices"][0]["message"]["content"] == "Ottawa."
    assert post(gumloop_emulator, body("Ada")).json()["choices"][0]["message"]["content"] == "for Ada"


def test_delays(gumloop_emulator: Emulator) -> None:
    gumloop_emulator.queue(Answer(text="a b c", delay=0.2, chunk_delay=0.05), Failure(500, delay=0.2))
    start = time.monotonic()
    assert text_of(events(post(gumloop_emulator, body(stream=True)))) == "a b c"
    assert time.monotonic() - start >= 0.4  # the head, and four pauses between five chunks at least
    start = time.monotonic()
    assert post(gumloop_emulator, body()).status_code == 500
    assert time.monotonic() - start >= 0.2


def test_silence_before_the_head(gumloop_emulator: Emulator) -> None:
    gumloop_emulator.queue(Answer(text="late", delay=float("inf")))
    with pytest.raises(httpx.ReadTimeout):
        post(gumloop_emulator, body(), timeout=0.5)
    assert gumloop_emulator.wait_for(lambda server: server.active_requests == 0 and server.disconnects == 1)


def read_stream(server: Emulator, **options: float) -> Iterator[str]:
    url, sent = f"{server.base_url}/chat/completions", headers(server)
    with http().stream("POST", url, json=body(stream=True), headers=sent, **options) as response:
        yield from response.iter_lines()


def test_silence_in_the_stream(gumloop_emulator: Emulator) -> None:
    gumloop_emulator.queue(Chunks([{"a": 1}, Pause()]))
    lines = read_stream(gumloop_emulator, timeout=1)
    assert next(lines) == 'data: {"a":1}'
    with pytest.raises(httpx.ReadTimeout):
        list(lines)
    assert gumloop_emulator.wait_for(lambda server: server.active_streams == 0)


def test_no_answer_at_all(gumloop_emulator: Emulator) -> None:
    gumloop_emulator.queue(Drop(), Drop(reset=True), Drop(delay=0.05))
    with pytest.raises(httpx.RemoteProtocolError):
        post(gumloop_emulator, body())
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        post(gumloop_emulator, body())
    with pytest.raises(httpx.RemoteProtocolError):
        post(gumloop_emulator, body())
    assert post(gumloop_emulator, body()).status_code == 200


@pytest.mark.parametrize("reset", [False, True])
def test_broken_in_the_middle_of_a_stream(gumloop_emulator: Emulator, reset: bool) -> None:
    gumloop_emulator.queue(Chunks([{"a": 1}, Pause(0.05), Drop(reset=reset), {"b": 2}]))
    lines = read_stream(gumloop_emulator)
    assert next(lines) == 'data: {"a":1}'
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        list(lines)


def test_broken_in_the_middle_of_a_unary_body(gumloop_emulator: Emulator) -> None:
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        post(gumloop_emulator, {**body(), "model": "emulator/stream-drop"})
    with pytest.raises(httpx.RemoteProtocolError):
        post(gumloop_emulator, {**body(stream=True), "model": "emulator/stream-drop"})


def test_truncated_stream(gumloop_emulator: Emulator) -> None:
    response = post(gumloop_emulator, {**body(stream=True), "model": "emulator/stream-truncated"})
    assert "[DONE]" not in response.text
    assert '"finish_reason":"stop"' not in response.text


def test_requests_are_recorded(gumloop_emulator: Emulator) -> None:
    post(gumloop_emulator, body("Hi", seed=7), headers={"X-Own": "1"}, params={"team_id": "t"})
    request = gumloop_emulator.requests[0]
    assert (request.method, request.path) == ("POST", "/api/v1/chat/completions")
    assert (request.query, request.headers["x-own"]) == ({"team_id": "t"}, "1")
    assert request.json == json.loads(request.body) == gumloop_emulator.last_body == body("Hi", seed=7)
    assert request.is_chat
    gumloop_emulator.clear()
    assert gumloop_emulator.requests == []
    with pytest.raises(LookupError):
        gumloop_emulator.last_body  # noqa: B018


def test_only_the_newest_requests_are_kept() -> None:
    with Emulator(keep_requests=2) as server:
        for seed in range(4):
            post(server, body(seed=seed))
        assert [request.json["seed"] for request in server.requests] == [2, 3]


def test_model_is_echoed(gumloop_emulator: Emulator) -> None:
    assert post(gumloop_emulator, body()).json()["model"] == MODEL
