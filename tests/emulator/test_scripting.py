"""Queued answers: served in order, exactly as given, after the checks and before everything else."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator

import httpx
import pytest
from gumloop.spec import ChatResult, ChatStreamChunk

from gumloop_emulator import (
    Answer,
    Chunks,
    Drop,
    Emulator,
    Failure,
    Json,
    Pause,
    RawResponse,
    RawStream,
    ToolCall,
)
from tests.emulator.support import MODEL, body, deltas, events, headers, http, post, text_of
from tests.support.certificates import certificates, trusting_context


def test_in_order_then_the_stand_in(server: Emulator) -> None:
    server.queue(Answer(text="one"), Answer(text="two"))
    assert server.queued == 2
    texts = [post(server, body("Capital of Canada?")).json()["choices"][0]["message"]["content"] for _ in range(3)]
    assert texts == ["one", "two", "Capital of Canada?"]
    assert server.queued == 0


def test_an_answer_unary_and_streamed_says_the_same(server: Emulator) -> None:
    answer = Answer(
        text="Let me look.",
        reasoning="They want weather.",
        tool_calls=[ToolCall("get_weather", {"city": "Łódź"}, id="c1"), ToolCall("now", "{}")],
        images=[b"\x89PNG", "data:image/png;base64,AAAA"],
        extensions={"tool_results": [{"a": 1}]},
        model="served-model",
    )
    server.queue(answer, answer)
    unary = post(server, body()).json()
    chunks = events(post(server, body(stream=True)))
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


def test_null_content_refusal_finish_reason_and_usage(server: Emulator) -> None:
    server.queue(Answer(refusal="no", finish_reason="content_filter", usage={"prompt_tokens": 1}), Answer(usage={}))
    first = post(server, body()).json()
    assert first["choices"][0]["message"] == {"role": "assistant", "content": None, "refusal": "no"}
    assert (first["choices"][0]["finish_reason"], first["usage"]) == ("content_filter", {"prompt_tokens": 1})
    assert "usage" not in post(server, body()).json()


def test_exact_json(server: Emulator) -> None:
    server.queue(Json({"error": {"code": 500, "message": "x"}}, headers={"X-Own": "1"}), Json([], status=202))
    first, second = post(server, body()), post(server, body(stream=True))
    assert (first.status_code, first.json()["error"]["code"], first.headers["x-own"]) == (200, 500, "1")
    assert (second.status_code, second.json()) == (202, [])


def test_exact_chunks(server: Emulator) -> None:
    server.queue(Chunks([{"a": 1}, "not json", Pause(0.01), {"b": 2}], done=False))
    response = post(server, body(stream=True))
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.text == 'data: {"a":1}\n\ndata: not json\n\ndata: {"b":2}\n\n'


def test_exact_bytes(server: Emulator) -> None:
    server.queue(RawStream([b"data: [DO", "NE]\r", b"\n\r\n"], content_type="text/plain", status=207))
    response = post(server, body(stream=True))
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
def test_failures(server: Emulator, shape: str, expected: object) -> None:
    server.queue(Failure(418, "m", "c", "t", "p", shape=shape, headers={"Retry-After": "2"}))
    response = post(server, body())
    assert (response.status_code, response.headers["retry-after"]) == (418, "2")
    if isinstance(expected, dict):
        assert response.json() == expected
    else:
        assert expected in response.text
        assert bool(response.text) == bool(expected)


def test_failure_with_an_exact_body(server: Emulator) -> None:
    server.queue(Failure(500, body={"error": None}), Failure(502, body="<oops>", shape="html"))
    assert post(server, body()).json() == {"error": None}
    second = post(server, body())
    assert (second.text, second.headers["content-type"]) == ("<oops>", "text/html; charset=utf-8")


@pytest.mark.parametrize("shape", ["nested", "flat", "oauth", "tier", "text", "html", "empty"])
def test_failures_by_slug(server: Emulator, shape: str) -> None:
    server.queue(Failure(429, shape=shape))
    scripted = post(server, body())
    by_slug = post(server, {**body(), "model": f"emulator/error-429-{shape}"})
    assert (scripted.status_code, scripted.content) == (by_slug.status_code, by_slug.content)


def test_the_checks_come_first(server: Emulator) -> None:
    server.queue(Answer(text="one"))
    assert post(server, {**body(), "model": "gpt-99"}).status_code == 400
    assert post(server, body(), headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert server.queued == 1


def test_unchecked_answers_do_not_care(server: Emulator) -> None:
    server.queue(Answer(text="one"), unchecked=True)
    response = post(server, b"no json", headers={"Authorization": "x"})
    assert response.json()["choices"][0]["message"]["content"] == "one"


def test_unchecked_answers_do_not_overtake(server: Emulator) -> None:
    server.queue(Answer(text="one"))
    server.queue(Answer(text="two"), unchecked=True)
    texts = [post(server, body()).json()["choices"][0]["message"]["content"] for _ in range(2)]
    assert texts == ["one", "two"]


def test_by_predicate(server: Emulator) -> None:
    server.queue(Answer(text="for Ada"), when=lambda request: b"Ada" in request.body)
    assert post(server, body("Capital of Canada?")).json()["choices"][0]["message"]["content"] == "Capital of Canada?"
    assert post(server, body("Ada")).json()["choices"][0]["message"]["content"] == "for Ada"


def test_delays(server: Emulator) -> None:
    server.queue(Answer(text="a b c", delay=0.2, chunk_delay=0.05), Failure(500, delay=0.2))
    start = time.monotonic()
    assert text_of(events(post(server, body(stream=True)))) == "a b c"
    assert time.monotonic() - start >= 0.4  # the head, and four pauses between five chunks at least
    start = time.monotonic()
    assert post(server, body()).status_code == 500
    assert time.monotonic() - start >= 0.2


def test_silence_before_the_head(server: Emulator) -> None:
    server.queue(Answer(text="late", delay=float("inf")))
    with pytest.raises(httpx.ReadTimeout):
        post(server, body(), timeout=0.5)
    assert server.wait_for(lambda server: server.active_requests == 0 and server.disconnects == 1)


def read_stream(server: Emulator, **options: float) -> Iterator[str]:
    url, sent = f"{server.base_url}/chat/completions", headers(server)
    with http().stream("POST", url, json=body(stream=True), headers=sent, **options) as response:
        yield from response.iter_lines()


def test_silence_in_the_stream(server: Emulator) -> None:
    server.queue(Chunks([{"a": 1}, Pause()]))
    lines = read_stream(server, timeout=1)
    assert next(lines) == 'data: {"a":1}'
    with pytest.raises(httpx.ReadTimeout):
        list(lines)
    assert server.wait_for(lambda server: server.active_streams == 0)


def test_no_answer_at_all(server: Emulator) -> None:
    server.queue(Drop(), Drop(reset=True), Drop(delay=0.05))
    with pytest.raises(httpx.RemoteProtocolError):
        post(server, body())
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        post(server, body())
    with pytest.raises(httpx.RemoteProtocolError):
        post(server, body())
    assert post(server, body()).status_code == 200


@pytest.mark.parametrize("reset", [False, True])
def test_broken_in_the_middle_of_a_stream(server: Emulator, reset: bool) -> None:
    server.queue(Chunks([{"a": 1}, Pause(0.05), Drop(reset=reset), {"b": 2}]))
    lines = read_stream(server)
    assert next(lines) == 'data: {"a":1}'
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        list(lines)


def test_broken_in_the_middle_of_a_unary_body(server: Emulator) -> None:
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        post(server, {**body(), "model": "emulator/stream-drop"})
    with pytest.raises(httpx.RemoteProtocolError):
        post(server, {**body(stream=True), "model": "emulator/stream-drop"})


def test_truncated_stream(server: Emulator) -> None:
    response = post(server, {**body(stream=True), "model": "emulator/stream-truncated"})
    assert "[DONE]" not in response.text
    assert '"finish_reason":"stop"' not in response.text


def test_requests_are_recorded(server: Emulator) -> None:
    post(server, body("Hi", seed=7), headers={"X-Own": "1"}, params={"team_id": "t"})
    request = server.requests[0]
    assert (request.method, request.path) == ("POST", "/api/v1/chat/completions")
    assert (request.query, request.headers["x-own"]) == ({"team_id": "t"}, "1")
    assert request.json == json.loads(request.body) == server.last_body == body("Hi", seed=7)
    assert request.is_chat
    server.clear()
    assert server.requests == []
    with pytest.raises(LookupError):
        server.last_body  # noqa: B018


def test_only_the_newest_requests_are_kept() -> None:
    with Emulator(keep_requests=2) as server:
        for seed in range(4):
            post(server, body(seed=seed))
        assert [request.json["seed"] for request in server.requests] == [2, 3]


def test_model_is_echoed(server: Emulator) -> None:
    assert post(server, body()).json()["model"] == MODEL


def test_exact_bytes_below_http(server: Emulator) -> None:
    whole = b"HTTP/1.1 299 Fine\r\nContent-Length: 2\r\nX-Odd: \xff\r\n\r\nOK"
    in_pieces = RawResponse([whole[:9], Pause(0.05), whole[9:]])
    server.queue(RawResponse([whole]), in_pieces, RawResponse([whole, Pause(0.1), Drop()]))
    before, others = server.connections, server.open_connections
    with httpx.Client(trust_env=False, headers=headers(server)) as client:
        for _ in range(3):
            response = client.post(f"{server.base_url}/chat/completions", json=body())
            assert (response.status_code, response.text) == (299, "OK")
        assert server.connections == before + 1
        assert server.wait_for(lambda server: server.open_connections <= others)
        (connection,) = client._transport._pool.connections
        assert server.wait_for(lambda _: connection.has_expired())  # the reset has come: its socket closes a bit later
        assert client.post(f"{server.base_url}/chat/completions", json=body()).status_code == 200
    assert server.connections == before + 2


def test_half_a_head(server: Emulator) -> None:
    server.queue(RawResponse([b"HTTP/1.1 200 OK\r\nContent-", Drop()]))
    with pytest.raises(httpx.RemoteProtocolError):
        post(server, body())


def test_bytes_without_end(server: Emulator) -> None:
    server.queue(RawStream(itertools.repeat(b": more\n\n")))
    lines = read_stream(server)
    assert next(lines) == ": more"
    lines.close()
    assert server.wait_for(lambda server: server.active_streams == 0 and server.disconnects == 1)


def test_functions_answer(server: Emulator) -> None:
    server.queue(lambda request: request.user_text.upper(), lambda request: None, lambda request: Failure(503))
    answers = [post(server, body("Hello")) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 503]
    texts = [answer.json()["choices"][0]["message"]["content"] for answer in answers[:2]]
    assert texts == ["HELLO", "Hello"]


def test_streams_at_a_set_pace() -> None:
    with Emulator(chunk_delay=0.05) as paced:
        start = time.monotonic()
        assert text_of(events(post(paced, body("a b c", stream=True)))) == "a b c"
        assert time.monotonic() - start >= 0.2


def test_sent_before_anything_is_read() -> None:
    with Emulator(on_connect=[Drop(reset=True)]) as server, pytest.raises(httpx.TransportError):
        post(server, body())
    with Emulator(on_connect=[b"SSH-2.0\r\n"]) as server, pytest.raises(httpx.RemoteProtocolError):
        post(server, body())


def test_over_tls() -> None:
    with Emulator(tls=certificates()[1]) as server:
        assert server.base_url.startswith("https://")
        with httpx.Client(verify=trusting_context(), trust_env=False, headers=headers(server)) as client:
            assert client.get(f"{server.base_url}/models").status_code == 200
        with pytest.raises(httpx.ConnectError):
            post(server, body())
