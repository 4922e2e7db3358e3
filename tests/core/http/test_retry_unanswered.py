"""Requests that may have run: each attempt is counted, and with ``retry_unanswered=False`` there is only one."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from gumloop_core.errors import APIConnectionError, APITimeoutError, GumloopError, ServerError, StreamError
from gumloop_core.observation import CallRecord
from tests.core.conftest import Connect
from tests.support.byte_server import CLOSE, RESET, SILENCE, ByteServer, Pause, unused_port
from tests.support.core_driver import CoreDriver, body, streamed_text
from tests.support.http_bytes import (
    TEXT,
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

MODES = pytest.mark.parametrize("mode", ["unary", "stream"])
ANSWERS = {"unary": whole(completion()), "stream": streamed()}
LIMIT = 0.25
SLOW = {"timeout": LIMIT, "stream_idle_timeout": LIMIT}


class Told:
    """Keeps what is told of calls."""

    def __init__(self) -> None:
        self.records: list[CallRecord] = []

    def before_call(self, model: str) -> None:
        pass

    def after_call(self, record: CallRecord) -> None:
        self.records.append(record)


def ask(client: CoreDriver, mode: str, prompt: str = "Hi") -> tuple[GumloopError | None, CallRecord]:
    """Ask for the answer: the error, if there was one, and what was told of the call."""
    told = Told()
    failure = None
    try:
        if mode == "unary":
            assert client.complete(body(prompt), observers=(told,)).text == TEXT
        else:
            assert streamed_text(client.stream(body(prompt, stream=True), observers=(told,))) == TEXT
    except GumloopError as error:
        failure = error
    [record] = told.records
    return failure, record


@MODES
@pytest.mark.parametrize("how", [CLOSE, RESET], ids=["closed", "reset"])
@pytest.mark.parametrize("retries", [True, False], ids=["repeated", "not repeated"])
def test_a_kept_connection_that_closes_as_it_is_used_again(
    connect: Connect, mode: str, how: Any, retries: bool
) -> None:
    with ByteServer(ANSWERS[mode], [how], ANSWERS[mode]) as server:
        client = connect(server, retry_unanswered=retries)
        assert ask(client, mode, "first")[1].attempts == 1
        failure, record = ask(client, mode, "second")
        asked = [request.user_text for request in server.requests]
        assert asked == ["first", *["second"] * record.attempts]
        assert record.attempts == (2 if retries else 1)
        assert server.connections == record.attempts  # the first attempt used the connection again
    if retries:
        assert failure is None
    else:
        assert isinstance(failure, APIConnectionError)
        assert failure.withheld


@MODES
@pytest.mark.parametrize("retries", [True, False], ids=["repeated", "not repeated"])
def test_a_kept_connection_that_closes_at_any_moment(connect: Connect, mode: str, retries: bool) -> None:
    """Whatever comes first, the close or the next request: no request reaches the server without an attempt."""
    chance = random.Random(5)

    def closing(_request: Any) -> list[Any]:
        return [ANSWERS[mode], Pause(chance.choice([0.0, 0.0002, 0.0005, 0.001, 0.002])), CLOSE]

    with ByteServer(closing) as server:
        client = connect(server, retry_unanswered=retries, max_retries=9)
        calls = {f"call {number}": ask(client, mode, f"call {number}") for number in range(40)}
        asked = [request.user_text for request in server.requests]
    for prompt, (failure, record) in calls.items():
        assert asked.count(prompt) <= record.attempts
        assert retries or record.attempts == 1
        assert failure is None or (not retries and failure.withheld)


UNANSWERED: dict[str, tuple[Callable[[str], Any], type[GumloopError]]] = {
    "closed before the head": (lambda _mode: [CLOSE], APIConnectionError),
    "reset before the head": (lambda _mode: [RESET], APIConnectionError),
    "closed within the head": (lambda _mode: [b"HTTP/1.1 200 OK\r\nContent-", CLOSE], APIConnectionError),
    "not HTTP": (lambda _mode: [b"SSH-2.0-OpenSSH_9.6\r\n\r\n", CLOSE], APIConnectionError),
    "no first byte in time": (lambda _mode: [SILENCE], APITimeoutError),
    "half a head in time": (lambda _mode: [b"HTTP/1.1 200 OK\r\n", SILENCE], APITimeoutError),
    "closed behind the head": (
        lambda mode: [head(content_length="9") if mode == "unary" else stream_head(), CLOSE],
        APIConnectionError,
    ),
    "reset within the body, before a piece of the answer": (
        lambda mode: [ANSWERS[mode][:-30] if mode == "unary" else stream_head() + http_chunk(b": hi\n\n"), RESET],
        APIConnectionError,
    ),
    "silent behind the head": (
        lambda mode: [head(content_length="9") if mode == "unary" else stream_head(), SILENCE],
        APITimeoutError,
    ),
    "a gateway's timeout": (lambda _mode: whole({"error": {"message": "no answer"}}, 504), ServerError),
    "a gateway that reads no sense": (lambda _mode: whole(b"error code: 520", 520, "text/plain"), ServerError),
    "a gateway's other timeout": (lambda _mode: whole(b"error code: 524", 524, "text/plain"), ServerError),
}


@MODES
@pytest.mark.parametrize("name", UNANSWERED)
def test_what_may_have_run_is_sent_once(connect: Connect, mode: str, name: str) -> None:
    script, kind = UNANSWERED[name]
    with ByteServer(script(mode)) as server:
        failure, record = ask(connect(server, retry_unanswered=False, **SLOW), mode)
        assert (len(server.requests), record.attempts) == (1, 1)
    assert type(failure) is kind
    assert failure.withheld
    said = str(failure)
    assert "may have run and been billed, so it was not sent again (retry_unanswered=False)" in said
    assert "before you repeat it" in said
    assert "can be sent again" not in said


@MODES
@pytest.mark.parametrize("name", UNANSWERED)
def test_by_default_it_is_sent_again(connect: Connect, mode: str, name: str) -> None:
    script, kind = UNANSWERED[name]
    with ByteServer(script(mode)) as server:
        failure, record = ask(connect(server, max_retries=1, **SLOW), mode)
        assert (len(server.requests), record.attempts) == (2, 2)
    assert type(failure) is kind
    assert not failure.withheld
    assert "retry_unanswered" not in str(failure)


def test_an_answer_that_takes_too_long_in_all_is_not_asked_for_again(connect: Connect) -> None:
    script = [head(content_length="9999"), *[Pause(LIMIT / 10), b" "] * 30, SILENCE]
    with ByteServer(script) as server:
        failure, record = ask(connect(server, retry_unanswered=False, timeout=LIMIT), "unary")
        assert (len(server.requests), record.attempts) == (1, 1)
    assert isinstance(failure, APITimeoutError)
    assert failure.withheld


FAILED = event(chunk({"content": ""}, finish_reason="error"))
ANSWERED: dict[str, Callable[[str], Any]] = {
    "no room": lambda _mode: whole({"error": {"message": "slow down"}}, 429, retry_after="0"),
    "the provider failed": lambda _mode: whole({"error": {"message": "x"}}, 502),
    "the server failed": lambda _mode: whole({"error": {"message": "x"}}, 500),
    "the server failed, and broke its words off": lambda _mode: [head(503, content_length="99") + b'{"err', CLOSE],
    "the server was not reached": lambda _mode: whole(b"error code: 522", 522, "text/plain"),
    "an error inside the answer": lambda mode: (
        whole({"error": {"message": "x"}}) if mode == "unary" else streamed([event({"error": {"message": "x"}})])
    ),
    "the finish reason error": lambda mode: (
        whole(completion(None, finish_reason="error")) if mode == "unary" else streamed([FAILED])
    ),
}


@MODES
@pytest.mark.parametrize("name", ANSWERED)
def test_what_was_answered_is_sent_again(connect: Connect, mode: str, name: str) -> None:
    with ByteServer(ANSWERED[name](mode), ANSWERS[mode]) as server:
        failure, record = ask(connect(server, retry_unanswered=False), mode)
        assert failure is None
        assert (len(server.requests), record.attempts) == (2, 2)


@MODES
def test_what_cannot_have_been_sent_is_sent_again(connect: Connect, mode: str) -> None:
    client = connect(f"http://127.0.0.1:{unused_port()}", retry_unanswered=False, max_retries=3)
    failure, record = ask(client, mode)
    assert isinstance(failure, APIConnectionError)
    assert "Could not connect" in str(failure)
    assert not failure.withheld
    assert record.attempts == 4


def test_a_certificate_of_nobody_is_no_reason_either(connect: Connect) -> None:
    with ByteServer(ANSWERS["unary"], tls=True) as server:
        failure, record = ask(connect(server, retry_unanswered=False, max_retries=1), "unary")
        assert server.requests == []
    assert isinstance(failure, APIConnectionError)
    assert not failure.withheld
    assert record.attempts == 2


def test_a_stream_that_breaks_later_says_so_too(connect: Connect) -> None:
    with ByteServer([stream_head() + http_chunk(text_events()[0]), CLOSE]) as server:
        failure, record = ask(connect(server, retry_unanswered=False), "stream")
        assert (len(server.requests), record.attempts) == (1, 1)
    assert isinstance(failure, StreamError)
    assert failure.withheld
    assert failure.partial is not None
    assert "What had arrived is in .partial. The call may have run" in str(failure)


def test_a_question_that_costs_nothing_is_asked_again(connect: Connect) -> None:
    models = whole({"model_groups": []})
    with ByteServer([RESET], models) as server:
        connect(server, retry_unanswered=False).models()
        assert len(server.requests) == 2


def test_the_router_is_not_asked_again(connect: Connect) -> None:
    with ByteServer([RESET], whole({})) as server:
        with pytest.raises(APIConnectionError) as caught:
            connect(server, retry_unanswered=False).route("Which?")
        assert len(server.requests) == 1
    assert caught.value.withheld
