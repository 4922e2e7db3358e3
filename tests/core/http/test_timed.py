"""The promised times hold with any ``http_async_client``, also where its transport knows no timeouts."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import httpx2
import pytest

from gumloop_core.errors import APITimeoutError, BadRequestError
from gumloop_core.http import exchange, rest_of_body
from gumloop_emulator.script import Pause
from tests.support.byte_server import SILENCE, ByteServer
from tests.support.core_driver import ALL_CLIENTS, AsyncCore, settings_for, streamed_text
from tests.support.http_bytes import (
    FIRST,
    LAST_HTTP_CHUNK,
    TEXT,
    answer_events,
    completion,
    head,
    http_chunk,
    stream_head,
    streamed,
    text_events,
    whole,
)

Connect = Callable[..., AsyncCore]


def without_timeouts(library: Any) -> Any:
    """A transport that sends over a real socket, and waits for ever."""

    class WithoutTimeouts(library.AsyncHTTPTransport):  # type: ignore[misc]
        async def handle_async_request(self, request: Any) -> Any:
            bare = library.Request(request.method, request.url, headers=request.headers, stream=request.stream)
            return await super().handle_async_request(bare)

    return WithoutTimeouts()


@pytest.fixture(params=[httpx, httpx2] if ALL_CLIENTS else [httpx], ids=lambda library: library.__name__)
def library(request: pytest.FixtureRequest) -> Any:
    """Whose client is passed."""
    return request.param


BOTH_LIBRARIES = pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"], indirect=True)


@pytest.fixture
def connect(library: Any) -> Iterator[Connect]:
    made: list[tuple[AsyncCore, Any]] = []

    def connect(server: ByteServer | None, transport: Any = None, **options: Any) -> AsyncCore:
        client = library.AsyncClient(transport=transport or without_timeouts(library), timeout=None)
        base_url = "https://answers.invalid" if server is None else server.base_url
        driver = AsyncCore(settings_for(base_url, **{"max_retries": 0, **options}), client)
        made.append((driver, client))
        return driver

    yield connect
    for driver, client in made:
        driver.run(client.aclose())
        driver.stop()


def short_phases(seconds: float) -> httpx.Timeout:
    return httpx.Timeout(seconds / 4)


def test_answers_are_those_of_any_client(connect: Connect) -> None:
    with ByteServer(whole(completion()), streamed()) as server:
        driver = connect(server)
        assert driver.complete().text == TEXT
        for _ in range(3):
            assert streamed_text(driver.stream()) == TEXT
        assert server.connections == 1


@BOTH_LIBRARIES
def test_an_answer_that_does_not_begin(connect: Connect) -> None:
    with ByteServer([SILENCE]) as server:
        driver = connect(server, timeout=short_phases(0.2), max_retries=1)
        with pytest.raises(APITimeoutError, match="did not answer within"):
            driver.complete()
        with pytest.raises(APITimeoutError, match="did not answer within"):
            list(driver.stream())
        assert len(server.requests) == 4
        assert server.wait_until_gone(4)


def test_no_time_limit_is_none(connect: Connect) -> None:
    with ByteServer([Pause(0.2), streamed()]) as server:
        driver = connect(server, timeout=None, stream_idle_timeout=None)
        assert streamed_text(driver.stream()) == TEXT


def test_a_unary_answer_that_stops_in_the_middle(connect: Connect) -> None:
    with ByteServer([head(content_length="99") + b"{", SILENCE]) as server:
        with pytest.raises(APITimeoutError):
            connect(server, timeout=0.2).complete()
        assert server.wait_until_gone()


@pytest.mark.parametrize("begun", [stream_head(), stream_head() + http_chunk(b": hi\n\n")], ids=["head", "comment"])
def test_a_stream_that_is_silent_before_its_first_delta(connect: Connect, begun: bytes) -> None:
    with ByteServer([begun, SILENCE]) as server:
        with pytest.raises(APITimeoutError, match=r"silent for 0\.1 s.*stream_idle_timeout"):
            list(connect(server, stream_idle_timeout=0.1).stream())
        assert server.wait_until_gone()


@BOTH_LIBRARIES
def test_a_stream_that_goes_silent(connect: Connect) -> None:
    with ByteServer([FIRST, SILENCE]) as server:
        with pytest.raises(APITimeoutError, match=r"silent for 0\.1 s.*stream_idle_timeout") as caught:
            list(connect(server, stream_idle_timeout=0.1).stream())
        assert caught.value.partial is not None
        assert caught.value.partial.text == "Grüße"
        assert server.wait_until_gone()


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_bytes_that_say_nothing_keep_a_stream_alive(connect: Connect, packed: bool) -> None:
    """Also those within a compressed stream that unpack to nothing yet."""
    events = b"".join(answer_events())
    content = gzip.compress(events) if packed else b":" * 8 + b"\n\n" + events
    head_bytes = stream_head(content_encoding="gzip") if packed else stream_head()
    pieces: list[Any] = []
    for start in range(8):
        pieces += [http_chunk(content[start : start + 1]), Pause(0.2)]
    with ByteServer([head_bytes, *pieces, http_chunk(content[8:]), LAST_HTTP_CHUNK]) as server:
        assert streamed_text(connect(server, stream_idle_timeout=1).stream()) == TEXT


def test_an_errors_body_that_does_not_end(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "LONGEST_ERROR_SECONDS", 0.2)
    with ByteServer([head(400, content_length="99") + b"too many tokens", SILENCE]) as server:
        for work in (lambda driver: driver.complete(), lambda driver: list(driver.stream())):
            with pytest.raises(BadRequestError, match="too many tokens"):
                work(connect(server))
        assert server.wait_until_gone(2)


def test_an_end_that_does_not_come_is_not_waited_for(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest_of_body, "LONGEST_SECONDS", 0.05)
    with ByteServer([stream_head() + b"".join(map(http_chunk, answer_events())), SILENCE]) as server:
        assert streamed_text(connect(server).stream()) == TEXT
        assert server.wait_until_gone()


def test_cancelling_passes_at_once(connect: Connect) -> None:
    async def cancelled(driver: AsyncCore) -> None:
        task = asyncio.ensure_future(driver.client.complete({"model": "m", "messages": []}))
        while not server.requests:
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with ByteServer([SILENCE]) as server:
        driver = connect(server)
        driver.run(cancelled(driver))
        assert server.wait_until_gone()


async def _silent_after(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
    await asyncio.sleep(60)


@BOTH_LIBRARIES
def test_a_transport_without_a_network(connect: Connect, library: Any) -> None:
    """As in tests with a mock, or an application that is called in the same process."""

    async def answer(_request: Any) -> Any:
        return library.Response(200, content=_silent_after(text_events()[0]))

    with pytest.raises(APITimeoutError, match=r"silent for 0\.1 s") as caught:
        list(connect(None, library.MockTransport(answer), stream_idle_timeout=0.1).stream())
    assert caught.value.partial is not None
    assert caught.value.partial.text == "Grüße"
    whole_answer = library.MockTransport(lambda _request: library.Response(200, json=completion()))
    assert connect(None, whole_answer).complete().text == TEXT
