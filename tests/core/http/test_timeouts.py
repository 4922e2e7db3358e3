"""How long an answer may take to begin, to go on, and to end."""

from __future__ import annotations

import math
from typing import Any

import httpx
import pytest

from gumloop_core.errors import APITimeoutError
from gumloop_core.http.settings import UNSET
from gumloop_emulator.script import Pause
from tests.core.conftest import Connect
from tests.support.byte_server import SILENCE, ByteServer, drip
from tests.support.core_driver import streamed_text
from tests.support.http_bytes import (
    EVENTS,
    FIRST,
    LAST_HTTP_CHUNK,
    TEXT,
    completion,
    head,
    http_chunk,
    stream_head,
    streamed,
    whole,
)


def test_no_answer_in_time(connect: Connect) -> None:
    with ByteServer([SILENCE]) as server:
        driver = connect(server, timeout=0.3, max_retries=1)
        with pytest.raises(APITimeoutError, match=r"127\.0\.0\.1 did not answer within 0\.3 s"):
            driver.complete()
        assert len(server.requests) == 2
        with pytest.raises(APITimeoutError, match=r"did not answer within 0\.3 s"):
            list(driver.stream())
        assert len(server.requests) == 4
        assert server.wait_until_gone(4)


@pytest.mark.parametrize("begun", [stream_head(), stream_head() + http_chunk(b": hi\n\n")], ids=["head", "comment"])
def test_a_stream_that_is_silent_before_its_first_delta(connect: Connect, begun: bytes) -> None:
    with ByteServer([begun, SILENCE], streamed()) as server:
        driver = connect(server, timeout=9, stream_idle_timeout=0.1)
        assert streamed_text(driver.stream()) == TEXT
        assert len(server.requests) == 2
    silent = ByteServer([begun, SILENCE])
    with silent as server, pytest.raises(APITimeoutError, match=r"silent for 0\.1 s.*stream_idle_timeout"):
        list(connect(server, timeout=9, stream_idle_timeout=0.1, max_retries=0).stream())


def test_a_stream_that_goes_silent(connect: Connect) -> None:
    with ByteServer([FIRST, SILENCE]) as server:
        with pytest.raises(APITimeoutError, match=r"silent for 0\.1 s.*stream_idle_timeout") as caught:
            list(connect(server, timeout=9, stream_idle_timeout=0.1).stream())
        assert caught.value.partial is not None
        assert caught.value.partial.text == "Grüße"
        assert len(server.requests) == 1
        assert server.wait_until_gone()


def test_a_stream_may_be_silent_for_longer_than_an_answer_may_take_to_begin(connect: Connect) -> None:
    with ByteServer([FIRST, Pause(0.8), EVENTS, LAST_HTTP_CHUNK]) as server:
        assert streamed_text(connect(server, timeout=0.6, stream_idle_timeout=9).stream()) == "Grüße" + TEXT


@pytest.mark.parametrize(
    ("settings", "call"),
    [
        ({"timeout": 0.2}, {}),
        ({"timeout": httpx.Timeout(9, read=0.2)}, {}),
        ({"timeout": 9}, {"timeout": 0.2}),
        ({"timeout": 9, "stream_idle_timeout": 0.2}, {}),
        ({"timeout": 9, "stream_idle_timeout": 0.2}, {"timeout": 9}),
    ],
)
def test_the_shorter_time_bounds_the_silence_of_a_stream(connect: Connect, settings: Any, call: Any) -> None:
    with ByteServer([FIRST, SILENCE]) as server:
        options = {"stream_idle_timeout": UNSET, **settings}
        with pytest.raises(APITimeoutError, match=r"silent for 0\.2 s") as caught:
            list(connect(server, **options).stream(**call))
        assert caught.value.partial is not None


@pytest.mark.parametrize("seconds", [math.inf, 1e12, 10**400, 1e300, 2_147_484.0])
def test_a_time_that_never_passes_is_no_limit(connect: Connect, seconds: Any) -> None:
    with ByteServer(whole(completion()), streamed()) as server:
        for options in ({"timeout": seconds, "stream_idle_timeout": seconds}, {"timeout": httpx.Timeout(seconds)}):
            driver = connect(server, **options)
            assert driver.complete().text == TEXT
            assert streamed_text(driver.stream(timeout=seconds)) == TEXT


def test_comments_keep_a_stream_alive(connect: Connect) -> None:
    comments: list[Any] = [Pause(0.15), http_chunk(b": processing\n\n")] * 5
    with ByteServer([stream_head(), *comments, EVENTS, LAST_HTTP_CHUNK]) as server:
        assert streamed_text(connect(server, stream_idle_timeout=0.6, max_retries=0).stream()) == TEXT


def test_a_unary_answer_must_be_whole_in_time(connect: Connect) -> None:
    slow = ByteServer([head(content_length="9999"), *drip(b" " * 9999, 1, 0.01)])
    with slow as server, pytest.raises(APITimeoutError, match=r"did not finish its answer within 0\.3 s"):
        connect(server, timeout=0.3, max_retries=0).complete()


def test_a_timeout_of_one_call(connect: Connect) -> None:
    with ByteServer([SILENCE]) as server:
        driver = connect(server, timeout=9, max_retries=0)
        with pytest.raises(APITimeoutError):
            driver.complete(timeout=0.05)
        with pytest.raises(APITimeoutError):
            list(driver.stream(timeout=0.05))


def test_a_call_s_own_timeout_counts_on_a_connection_that_had_another(connect: Connect) -> None:
    with ByteServer(whole(completion()), [SILENCE]) as server:
        driver = connect(server, timeout=9, max_retries=0)
        assert driver.complete().text == TEXT
        with pytest.raises(APITimeoutError, match=r"did not answer within 0\.2 s"):
            driver.complete(timeout=0.2)
        assert server.connections == 1
