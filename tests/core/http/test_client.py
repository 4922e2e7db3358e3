"""Both clients over a real socket: answers, retries counted by the server, redirects, headers."""

from __future__ import annotations

import gzip
import json
import math
import time
import zlib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import repeat
from typing import Any

import httpx
import httpx2
import pytest

from gumloop_core import AsyncGumloopClient, Credentials, GumloopClient
from gumloop_core.concurrency import memory_limiter
from gumloop_core.errors import (
    APIConnectionError,
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    InvalidRequestError,
    InvalidResponseError,
    MissingCredentialsError,
    ProviderError,
    RateLimitError,
    StreamError,
    UnexpectedError,
)
from gumloop_core.http import async_client, client
from tests.core.conftest import Connect
from tests.support.byte_server import CLOSE, RESET, SILENCE, ByteServer, drip, unused_port
from tests.support.certificates import trusting_context
from tests.support.core_driver import KEY, AsyncCore, SyncCore, body, settings_for, streamed_text
from tests.support.http_bytes import (
    DONE,
    LAST_HTTP_CHUNK,
    TEXT,
    answer_events,
    chunk,
    completion,
    event,
    head,
    http_chunk,
    stream_head,
    streamed,
    text_events,
    whole,
)

ANSWER = whole(completion())

LIBRARIES = pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"])


@pytest.mark.parametrize("script", [ANSWER, streamed()], ids=["unary", "stream"])
def test_a_unary_call_reads_both_kinds_of_answer(connect: Connect, script: bytes) -> None:
    with ByteServer(script) as server:
        answer = connect(server).complete()
    assert (answer.text, answer.finish_reason, answer.id, answer.model) == (TEXT, "stop", "gen-1", "m-served")
    assert answer.usage is not None
    assert answer.usage.total_tokens == 12


@pytest.mark.parametrize("script", [ANSWER, streamed()], ids=["unary", "stream"])
def test_a_streamed_call_reads_both_kinds_of_answer(connect: Connect, script: bytes) -> None:
    with ByteServer(script) as server:
        deltas = list(connect(server).stream())
    assert "".join(delta.text for delta in deltas) == TEXT
    assert deltas[-1].completion is not None
    assert deltas[-1].completion.text == TEXT
    assert deltas[-1].completion.usage is not None


def test_a_unary_answer_to_a_streamed_request_gives_its_calls_their_ids(connect: Connect) -> None:
    calls = [{"type": "function", "function": {"name": "f", "arguments": "{}"}}] * 2
    with ByteServer(whole(completion(None, tool_calls=calls))) as server:
        deltas = list(connect(server).stream())
    ids = [piece.id for delta in deltas for piece in delta.tool_calls if piece.id]
    completion_ = deltas[-1].completion
    assert completion_ is not None
    assert ids == [call.id for call in completion_.tool_calls]
    assert len(set(ids)) == 2


@pytest.mark.parametrize("size", [1, 7])
def test_one_byte_a_write_changes_nothing(connect: Connect, size: int) -> None:
    for script in (streamed(), ANSWER):
        with ByteServer(drip(script, size)) as server:
            assert streamed_text(connect(server).stream()) == TEXT
            assert connect(server).complete().text == TEXT


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", lambda b: zlib.compress(b)[2:-4])],
)
def test_compressed_answers(connect: Connect, encoding: str, compress: Any) -> None:
    unary = compress(json.dumps(completion()).encode())
    stream = compress(b"".join(answer_events()))
    with ByteServer(
        whole(unary, content_encoding=encoding),
        stream_head(content_encoding=encoding) + http_chunk(stream[:20]) + http_chunk(stream[20:]) + LAST_HTTP_CHUNK,
    ) as server:
        driver = connect(server)
        assert driver.complete().text == TEXT
        assert streamed_text(driver.stream()) == TEXT
        assert server.requests[0].headers["accept-encoding"] == "gzip, deflate"


# -- requests ----------------------------------------------------------------------------------------------------------


def test_the_request(connect: Connect) -> None:
    with ByteServer(ANSWER, streamed()) as server:
        driver = connect(server)
        driver.complete()
        list(driver.stream())
        unary, stream = server.requests
    assert (unary.method, unary.target) == ("POST", "/api/v1/chat/completions")
    for request in (unary, stream):
        assert request.headers["authorization"] == f"Bearer {KEY}"
        assert request.headers["x-auth-key"] == "user-1"
        assert request.headers["content-type"] == "application/json"
        assert request.headers["user-agent"].startswith("gumloop-llms/")
        assert "cookie" not in request.headers
    assert unary.headers["accept"] == "application/json"
    assert stream.headers["accept"] == "text/event-stream"
    assert unary.json == {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    assert stream.json["stream"] is True


def test_headers_of_the_settings_and_of_the_call(connect: Connect) -> None:
    headers = {"X-Both": "settings", "user-agent": "mine", "AUTHORIZATION": "Bearer other", "X-Auth-Key": "other"}
    with ByteServer(ANSWER) as server:
        connect(server, default_headers=headers).complete(headers={"x-both": "call", "Authorization": "no"})
        got = server.requests[0]
    names = [name.lower() for name, _ in got.raw_headers]
    assert names.count(b"authorization") == 1
    assert names.count(b"x-auth-key") == 1
    assert got.headers["authorization"] == f"Bearer {KEY}"
    assert got.headers["x-auth-key"] == "user-1"
    assert got.headers["user-agent"] == "mine"


def test_a_header_of_the_call_wins_over_the_settings_in_any_case(connect: Connect) -> None:
    with ByteServer(ANSWER) as server:
        connect(server, default_headers={"X-Both": "settings"}).complete(headers={"x-both": "call"})
        headers = server.requests[0].raw_headers
    assert [value for name, value in headers if name.lower() == b"x-both"] == [b"call"]


def test_trace_context_comes_from_the_environment_at_each_request(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ByteServer(ANSWER) as server:
        driver = connect(server)
        for value in ("00-aa-bb-01", "00-cc-dd-01"):
            monkeypatch.setenv("TRACEPARENT", value)
            monkeypatch.setenv("TRACESTATE", "x=y")
            driver.complete()
            assert server.requests[-1].headers["traceparent"] == value
            assert server.requests[-1].headers["tracestate"] == "x=y"
        driver.complete(headers={"Traceparent": "mine"})
        assert server.requests[-1].headers["traceparent"] == "mine"
        monkeypatch.setenv("TRACEPARENT", "broken\nvalue")
        driver.complete()
        assert "traceparent" not in server.requests[-1].headers


@pytest.mark.parametrize("headers", [{"x-a": "é"}, {"x-a": "b\r\nx-evil: 1"}, {"x a": "b"}, {"": "b"}, {"x-a": 1}])
def test_headers_that_cannot_be_sent_are_named(connect: Connect, headers: Any) -> None:
    with ByteServer(ANSWER) as server:
        with pytest.raises(ConfigurationError, match="header"):
            connect(server, default_headers=headers).complete()
        with pytest.raises(ConfigurationError, match="header"):
            list(connect(server).stream(headers=headers))
        assert not server.requests


def test_credentials_are_asked_for_at_each_request(connect: Connect) -> None:
    tokens = iter(["one", "two"])
    with ByteServer(ANSWER) as server:
        driver = connect(server, credentials=Credentials(access_token=lambda: next(tokens)))
        driver.complete()
        driver.complete()
        assert [request.headers["authorization"] for request in server.requests] == ["Bearer one", "Bearer two"]
        assert "x-auth-key" not in server.requests[0].headers
        with pytest.raises(MissingCredentialsError):
            connect(server, credentials=Credentials()).complete()
        with pytest.raises(MissingCredentialsError):
            list(connect(server, credentials=Credentials()).stream())
        assert len(server.requests) == 2


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
def test_credentials_are_asked_for_at_each_attempt(connect: Connect, stream: bool) -> None:
    """A token that runs out between two attempts is not sent again, and none of them shows."""
    tokens = [f"gl-token-of-attempt-{number}" for number in range(3)]
    given = iter(tokens)
    failure = lambda request: whole({"error": {"message": f"busy, {request.headers['authorization']}"}}, 503)  # noqa: E731
    with ByteServer(failure) as server:
        driver = connect(server, credentials=Credentials(access_token=lambda: next(given)))
        with pytest.raises(APIStatusError) as caught:
            list(driver.stream()) if stream else driver.complete()
        assert [request.headers["authorization"] for request in server.requests] == [f"Bearer {one}" for one in tokens]
        assert "gl-token" not in str(caught.value) + str(caught.value.body)


@pytest.mark.parametrize("kind", [LookupError, TypeError, httpx.ConnectError, RecursionError])
def test_a_token_source_that_fails(connect: Connect, kind: Any) -> None:
    def fail() -> str:
        try:
            raise OSError("first")
        except OSError:
            raise kind("no token today") from None

    with ByteServer(ANSWER) as server:
        driver = connect(server, credentials=Credentials(access_token=fail))
        for call in (driver.complete, lambda: list(driver.stream()), driver.models):
            with pytest.raises(ConfigurationError, match=f"callable .* failed: {kind.__name__}") as caught:
                call()
            cause = caught.value.__cause__
            assert isinstance(cause, kind)
            assert cause.__traceback__ is None
            assert cause.__context__ is not None
            assert cause.__context__.__traceback__ is None
        assert not server.requests


def test_what_json_cannot_say_is_refused_before_sending(connect: Connect) -> None:
    with ByteServer(ANSWER) as server:
        for value in (object(), lambda: None, math.nan, {"deep": [-math.inf]}):
            with pytest.raises(InvalidRequestError, match="JSON"):
                connect(server).complete({**body(), "seed": value})
        assert not server.requests
        connect(server).complete(body("Is NaN a number, or -Infinity? \ud800"))
        assert json.loads(server.requests[0].body)["messages"][0]["content"].startswith("Is NaN a number")


# -- retries -----------------------------------------------------------------------------------------------------------

FAILURE = {"error": {"code": "x", "message": "no"}}


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 520, 529, 599])
def test_statuses_that_are_tried_again(connect: Connect, status: int, stream: bool) -> None:
    failure = whole(FAILURE, status)
    with ByteServer(failure, failure, streamed() if stream else ANSWER) as server:
        driver = connect(server)
        assert (streamed_text(driver.stream()) if stream else driver.complete().text) == TEXT
        assert len(server.requests) == 3
        assert len({request.body for request in server.requests}) == 1
    with ByteServer(failure) as server:
        driver = connect(server)
        with pytest.raises(APIStatusError) as caught:
            list(driver.stream()) if stream else driver.complete()
        assert caught.value.status_code == status
        assert len(server.requests) == 3


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422, 501])
def test_statuses_that_are_not(connect: Connect, status: int, stream: bool) -> None:
    with ByteServer(whole(FAILURE, status)) as server:
        driver = connect(server)
        with pytest.raises(APIStatusError) as caught:
            list(driver.stream()) if stream else driver.complete()
        assert caught.value.status_code == status
        assert len(server.requests) == 1


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("max_retries", [0, 1, 4])
def test_how_often_is_the_callers_choice(connect: Connect, max_retries: int, stream: bool) -> None:
    with ByteServer([RESET]) as server:
        driver = connect(server, max_retries=max_retries)
        with pytest.raises(APIConnectionError):
            list(driver.stream()) if stream else driver.complete()
        assert len(server.requests) == max_retries + 1


@pytest.mark.parametrize("how", [CLOSE, RESET], ids=["closed", "reset"])
def test_a_stream_that_broke_before_anything_was_handed_out_is_tried_again(connect: Connect, how: Any) -> None:
    nothing = stream_head() + http_chunk(b": keep-alive\n\n") + http_chunk(event(chunk({"role": "assistant"})))
    with ByteServer([stream_head(), how], [nothing, how], streamed()) as server:
        assert streamed_text(connect(server).stream()) == TEXT
        assert len(server.requests) == 3


def test_an_error_chunk_before_anything_was_handed_out_is_tried_again_if_its_code_says_so(connect: Connect) -> None:
    def failing(code: Any) -> bytes:
        return streamed([event({"error": {"code": code, "message": "busy"}, "choices": []})])

    with ByteServer(failing(429), failing("502"), streamed()) as server:
        assert streamed_text(connect(server).stream()) == TEXT
        assert len(server.requests) == 3
    with ByteServer(failing(402)) as server:
        with pytest.raises(APIStatusError, match="busy"):
            list(connect(server).stream())
        assert len(server.requests) == 1


def test_a_finish_reason_of_error_before_anything_was_handed_out_is_tried_again(connect: Connect) -> None:
    failing = streamed([event(chunk({"role": "assistant"})), event(chunk({}, finish_reason="error")), DONE])
    with ByteServer(
        failing, streamed([event({"error": {"message": "Provider returned error"}})]), streamed()
    ) as server:
        assert streamed_text(connect(server).stream()) == TEXT
        assert len(server.requests) == 3
    with ByteServer(whole(completion("half", finish_reason="error")), ANSWER) as server:
        assert connect(server).complete().text == TEXT
        assert len(server.requests) == 2


@pytest.mark.parametrize("how", [CLOSE, RESET], ids=["closed", "reset"])
def test_nothing_is_tried_again_after_the_first_delta(connect: Connect, how: Any) -> None:
    with ByteServer([stream_head() + http_chunk(text_events()[0]), how]) as server:
        deltas = connect(server).stream()
        first = next(deltas)
        with pytest.raises(StreamError) as caught:
            list(deltas)
        assert first.text == "Grüße"
        assert caught.value.partial is not None
        assert caught.value.partial.text == "Grüße"
        assert len(server.requests) == 1


class Clock:
    """Records pauses instead of making them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pauses: list[float] = []

        async def pause(_exchange: Any, seconds: float) -> None:
            self.pauses.append(seconds)

        monkeypatch.setattr(client, "_pause", lambda _exchange, seconds: self.pauses.append(seconds))
        monkeypatch.setattr(async_client, "_pause", pause)
        monkeypatch.setattr(memory_limiter, "time", self)

    def monotonic(self) -> float:
        """Seconds, with the pauses that were not made."""
        return time.monotonic() + sum(self.pauses)


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [
        ("2", 2, 2.001),
        ("0.25", 0.25, 0.251),
        ("0", 0.0005, 0.002),
        ("-1", 0.0005, 0.002),
        ("86400", 60, 60.001),
        ("1e999", 60, 60.001),
        ("soon", 0.0005, 0.001),
    ],
)
def test_retry_after_in_seconds(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, header: str, low: float, high: float
) -> None:
    clock = Clock(monkeypatch)
    with ByteServer(whole(FAILURE, 429, retry_after=header), ANSWER) as server:
        connect(server).complete()
        assert len(server.requests) == 2
    assert len(clock.pauses) == 1
    assert low <= clock.pauses[0] <= high


def test_retry_after_as_a_date(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    with ByteServer(whole(FAILURE, 429, retry_after=moment), streamed()) as server:
        list(connect(server).stream())
    assert 20 < clock.pauses[0] <= 30.001


def test_retry_after_is_told(connect: Connect) -> None:
    with ByteServer(whole(FAILURE, 429, retry_after="7")) as server, pytest.raises(RateLimitError) as caught:
        connect(server, max_retries=0).complete()
    assert caught.value.retry_after == 7.0


# -- redirects, other statuses, error bodies ---------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(connect: Connect, status: int, stream: bool) -> None:
    with ByteServer(ANSWER) as other, ByteServer(whole(b"", status, location=other.base_url)) as server:
        driver = connect(server)
        with pytest.raises(APIStatusError, match=r"redirects to .*not followed"):
            list(driver.stream()) if stream else driver.complete()
        assert len(server.requests) == 1
        assert other.connections == 0


def test_a_redirect_is_not_followed_by_a_client_that_follows(connect: Connect) -> None:
    with ByteServer(ANSWER) as other, ByteServer(whole(b"", 302, location=other.base_url)) as server:
        with httpx.Client(follow_redirects=True) as http_client, pytest.raises(APIStatusError):
            SyncCore(settings_for(server.base_url), http_client).complete()
        assert other.connections == 0


@pytest.mark.parametrize("ending", [RESET, CLOSE, SILENCE], ids=["reset", "closed", "silence"])
def test_a_broken_error_body_does_not_hide_the_status(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, ending: Any
) -> None:
    from gumloop_core.http import exchange

    monkeypatch.setattr(exchange, "LONGEST_ERROR_SECONDS", 0.2)
    with ByteServer([head(401, content_length="999") + b'{"error": "who are', ending]) as server:
        for call in (connect(server).complete, lambda: list(connect(server).stream())):
            with pytest.raises(AuthenticationError, match="who are"):
                call()
        assert len(server.requests) == 2


def test_an_error_body_that_does_not_end_is_cut(connect: Connect) -> None:
    with ByteServer([head(400), repeat(b"no " * 10_000)]) as server:
        with pytest.raises(BadRequestError) as caught:
            connect(server).complete()
        assert len(caught.value.body) == 64 * 1024
        assert len(str(caught.value)) < 1000


def test_a_broken_compression_of_an_error_does_not_hide_the_status(connect: Connect) -> None:
    with ByteServer(whole(b"not gzip", 402, content_encoding="gzip")) as server:
        with pytest.raises(APIStatusError) as caught:
            connect(server).complete()
        assert caught.value.status_code == 402


def test_messages_at_fault_are_counted_as_the_caller_counts(connect: Connect) -> None:
    failure = {"error": {"code": "invalid_request", "message": "no call", "param": "messages[2].tool_call_id"}}
    messages = [
        {"role": "system", "content": "s"},
        {"role": "user", "content": "u"},
        {"role": "tool", "content": "t", "tool_call_id": "c7"},
    ]
    with ByteServer(whole(failure, 400)) as server:
        with pytest.raises(BadRequestError, match=r"messages\[2\] is message 1 of the ones you passed.*'c7'") as caught:
            connect(server).complete({"model": "m", "messages": messages}, caller_indices=[-1, 0, 1])
        assert (caught.value.param, caught.value.message_index) == ("messages[2].tool_call_id", 1)
        with pytest.raises(BadRequestError, match="adapter put in front") as caught:
            list(connect(server).stream({"model": "m", "messages": messages}, caller_indices=[0, 0, -1]))
        assert caught.value.message_index is None


def test_an_error_body_under_200(connect: Connect) -> None:
    with ByteServer(whole({"error": {"code": 402, "message": "budget exceeded"}})) as server:
        for call in (connect(server).complete, lambda: list(connect(server).stream())):
            with pytest.raises(APIStatusError, match="budget exceeded") as caught:
                call()
            assert caught.value.status_code == 402


def test_a_finish_reason_of_error(connect: Connect) -> None:
    with ByteServer(
        whole(completion("half", finish_reason="error")),
        streamed([event(chunk({"content": "half"}, finish_reason="error")), DONE]),
    ) as server:
        with pytest.raises(ProviderError) as caught:
            connect(server).complete()
        assert caught.value.partial is not None
        assert caught.value.partial.text == "half"
        with pytest.raises(ProviderError) as caught:
            list(connect(server).stream())
        assert caught.value.partial is not None


# -- where the endpoint is not -----------------------------------------------------------------------------------------


def test_a_refused_connection(connect: Connect) -> None:
    url = f"http://127.0.0.1:{unused_port()}"
    for call in (connect(url).complete, lambda: list(connect(url).stream())):
        with pytest.raises(APIConnectionError, match=r"Could not connect to 127\.0\.0\.1"):
            call()


def test_a_host_that_does_not_exist(connect: Connect) -> None:
    with pytest.raises(APIConnectionError, match=r"Could not connect to nowhere\.invalid"):
        connect("https://nowhere.invalid", max_retries=0).complete()


def test_tls_with_a_certificate_that_nobody_vouches_for(connect: Connect) -> None:
    with ByteServer(ANSWER, tls=True) as server:
        with pytest.raises(APIConnectionError, match="certificate"):
            connect(server, max_retries=0).complete()
        assert not server.requests


def test_tls_to_a_server_that_speaks_none(connect: Connect) -> None:
    with ByteServer(ANSWER, on_connect=[b"HTTP/1.1 400 no\r\n\r\n"]) as server, pytest.raises(APIConnectionError):
        connect(server.base_url.replace("http:", "https:"), max_retries=0).complete()


def test_plain_http_to_a_server_that_speaks_tls(connect: Connect) -> None:
    with ByteServer(ANSWER, tls=True) as server, pytest.raises(APIConnectionError):
        connect(server.base_url.replace("https:", "http:"), max_retries=0).complete()


def test_a_page_from_a_proxy(connect: Connect) -> None:
    page = whole(b"<html><head><title>Sign in</title></head></html>", content_type="text/html")
    with ByteServer(page) as server:
        for call in (connect(server).complete, lambda: list(connect(server).stream())):
            with pytest.raises(InvalidResponseError, match="proxy or a sign-in page"):
                call()
        assert len(server.requests) == 2


# -- http clients of the caller's --------------------------------------------------------------------------------------


def _http_client(connect: Connect, library: Any, **options: Any) -> Any:
    probe = connect("http://127.0.0.1:1")
    return (library.AsyncClient if isinstance(probe, AsyncCore) else library.Client)(**options)


def _close(driver: Any, http_client: Any) -> None:
    driver.run(http_client.aclose()) if isinstance(driver, AsyncCore) else http_client.close()


@LIBRARIES
def test_a_client_of_the_callers_keeps_its_settings_and_stays_open(connect: Connect, library: Any) -> None:
    http_client = _http_client(
        connect,
        library,
        headers={"x-theirs": "1", "user-agent": "theirs"},
        cookies={"a": "b"},
        params={"q": "1"},
        auth=("user", "password"),
        verify=trusting_context(),
    )
    with ByteServer(ANSWER, streamed(), tls=True) as server:
        driver = connect(server, http_client=http_client)
        assert driver.complete().text == TEXT
        assert streamed_text(driver.stream()) == TEXT
        driver.close()
        assert not http_client.is_closed
        for request in server.requests:
            assert request.headers["x-theirs"] == "1"
            assert request.headers["cookie"] == "a=b"
            assert request.target.endswith("?q=1")
            assert request.headers["authorization"] == f"Bearer {KEY}"
        assert server.connections == 1
    _close(driver, http_client)
    with pytest.raises(ConfigurationError, match="closed"):
        driver.complete()
    with pytest.raises(ConfigurationError, match="closed"):
        list(driver.stream())


@LIBRARIES
def test_a_client_of_the_callers_gets_its_connection_back_from_a_stream_that_is_left(
    connect: Connect, library: Any
) -> None:
    http_client = _http_client(connect, library, limits=library.Limits(max_connections=1))
    with ByteServer([stream_head() + http_chunk(text_events()[0]), SILENCE], streamed()) as server:
        driver = connect(server, http_client=http_client, timeout=library.Timeout(5), max_retries=0)
        deltas = driver.stream()
        assert next(deltas).text == "Grüße"
        deltas.close()  # type: ignore[attr-defined]
        assert server.wait_until_gone()
        assert streamed_text(driver.stream()) == TEXT
        assert streamed_text(driver.stream()) == TEXT
        assert server.connections == 2
    _close(driver, http_client)


@pytest.mark.parametrize("given", [httpx.AsyncClient, httpx.Client, httpx2.Client, httpx2.AsyncClient, object])
def test_a_client_of_the_wrong_kind_is_named(given: Any) -> None:
    settings = settings_for("http://127.0.0.1:1")
    for kind, right, argument in (
        (GumloopClient, "Client", "http_client must be an httpx.Client or httpx2.Client"),
        (AsyncGumloopClient, "AsyncClient", "http_async_client must be an httpx.AsyncClient or httpx2.AsyncClient"),
    ):
        if given.__name__ == right:
            kind(settings, given())
        else:
            shown = "object" if given is object else f"{given.__module__}.{given.__name__}"
            with pytest.raises(ConfigurationError, match=f"{argument}, not {shown}"):
                kind(settings, given())


@LIBRARIES
def test_an_error_of_the_callers_own_hook_is_the_cause_of_ours(connect: Connect, library: Any) -> None:
    http_client = _http_client(connect, library)

    def hook(_response: httpx.Response) -> None:
        raise LookupError(f"mine, about {KEY}")

    async def ahook(response: httpx.Response) -> None:
        hook(response)

    http_client.event_hooks = {"response": [ahook if isinstance(http_client, library.AsyncClient) else hook]}
    with ByteServer(ANSWER) as server:
        driver = connect(server, http_client=http_client)
        for call in (driver.complete, lambda: list(driver.stream()), driver.models):
            with pytest.raises(UnexpectedError, match="LookupError: mine, about") as caught:
                call()
            assert isinstance(caught.value.__cause__, LookupError)
            assert caught.value.__cause__.__traceback__ is None
            assert KEY not in str(caught.value) + str(caught.value.__cause__)
        assert len(server.requests) == 3
    _close(driver, http_client)


@LIBRARIES
def test_a_hook_that_raises_for_status_raises_our_error(connect: Connect, library: Any) -> None:
    http_client = _http_client(connect, library)

    def hook(response: httpx.Response) -> None:
        response.raise_for_status()

    async def ahook(response: httpx.Response) -> None:
        response.raise_for_status()

    http_client.event_hooks = {"response": [ahook if isinstance(http_client, library.AsyncClient) else hook]}
    with ByteServer(whole(FAILURE, 401)) as server:
        driver = connect(server, http_client=http_client)
        with pytest.raises(AuthenticationError):
            driver.complete()
        with pytest.raises(AuthenticationError):
            list(driver.stream())
        assert len(server.requests) == 2
    _close(driver, http_client)


# -- the API host ------------------------------------------------------------------------------------------------------


def test_the_model_list_and_the_router(connect: Connect) -> None:
    groups = {"model_groups": [{"groupLabel": "A", "options": [{"value": "m", "label": "M"}]}]}
    decision = {"router": "gumloop-chew", "route": {"model": "m", "fallback_models": ["n"]}, "candidates": []}
    with ByteServer(whole(groups), whole(decision), whole(FAILURE, 500), whole(groups)) as server:
        driver = connect(server, credentials=Credentials(api_key=KEY, team_id="t 1"))
        assert driver.models()[0].options[0].value == "m"
        assert driver.route("hi", models=["m", "n"], history=[]).model == "m"
        assert driver.models()[0].label == "A"
        get, post, *again = server.requests
    assert (get.method, get.target) == ("GET", "/api/v1/models?team_id=t+1")
    assert get.body == b""
    assert "content-type" not in get.headers
    assert (post.method, post.target) == ("POST", "/api/v1/models/route?team_id=t+1")
    assert post.json == {"input": "hi", "models": ["m", "n"], "history": [], "team_id": "t 1"}
    assert len(again) == 2
