"""``close()`` ends the calls that wait, at once, and only those of the one who closes."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from gumloop_core import AsyncGumloopClient, GumloopClient
from gumloop_core.errors import APIConnectionError, GumloopError, StreamError
from gumloop_core.http import environment, sync_pool
from tests.support.byte_server import SILENCE, ByteServer
from tests.support.certificates import trusting_context
from tests.support.core_driver import AsyncCore, body, settings_for
from tests.support.http_bytes import (
    FIRST,
    TEXT,
    completion,
    head,
    stream_head,
    streamed,
    text_events,
    whole,
)

PLACES: dict[str, tuple[str, Any]] = {
    "before the head": ("complete", [SILENCE]),
    "within a unary body": ("complete", [head(content_length="99") + b"{", SILENCE]),
    "within a body that ends with its connection": ("complete", [head() + b"{", SILENCE]),
    "before a stream's head": ("stream", [SILENCE]),
    "before a stream's first event": ("stream", [stream_head(), SILENCE]),
    "within a stream": ("stream", [FIRST, SILENCE]),
    "within a stream that ends with its connection": ("stream", [head() + text_events()[0], SILENCE]),
}


@pytest.fixture(autouse=True)
def trust(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "tls_context", trusting_context)
    monkeypatch.setattr(sync_pool, "_pool", None)  # not one that clients of earlier tests keep open


def in_thread(work: Callable[[], Any]) -> tuple[threading.Thread, list[BaseException]]:
    """Do some work in a thread, and keep its error."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, errors


def wait_until_waiting(server: ByteServer, count: int = 1) -> None:
    assert server.wait_until(lambda: len(server.requests) >= count)
    threading.Event().wait(0.1)


def check(error: BaseException, place: str) -> None:
    assert isinstance(error, GumloopError)
    assert "closed by close()" in str(error)
    has_text = place.startswith("within a stream")
    assert type(error) is (StreamError if has_text else APIConnectionError)
    assert (error.partial is not None) is has_text


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("place", PLACES)
def test_closing_from_another_thread(place: str, tls: bool) -> None:
    way, script = PLACES[place]
    with ByteServer(script, tls=tls) as server:
        settings = settings_for(server.base_url, timeout=60.0, stream_idle_timeout=60.0)
        client, other = GumloopClient(settings), GumloopClient(settings)
        thread, errors = in_thread(
            (lambda: client.complete(body())) if way == "complete" else (lambda: list(client.stream(body(stream=True))))
        )
        wait_until_waiting(server)
        waiting, none = in_thread(lambda: other.complete(body()))  # that of another client goes on
        wait_until_waiting(server, 2)
        client.close()
        thread.join(10)
        assert not thread.is_alive()
        check(errors[0], place)
        assert len(server.requests) == 2, "the call was tried again"
        assert waiting.is_alive()
        assert not none
        other.close()
        waiting.join(10)
        assert not waiting.is_alive()
        assert server.wait_until(lambda: server.open_connections == 0)


@pytest.mark.parametrize("transport", ["httptools", "httpx"])
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("place", PLACES)
def test_closing_from_another_task(place: str, tls: bool, transport: Any) -> None:
    way, script = PLACES[place]

    async def main(server: ByteServer) -> None:
        settings = settings_for(server.base_url, timeout=60.0, stream_idle_timeout=60.0, transport=transport)
        client, other = AsyncGumloopClient(settings), AsyncGumloopClient(settings)

        async def consume() -> None:
            async for _ in client.stream(body(stream=True)):
                pass

        task = asyncio.ensure_future(client.complete(body()) if way == "complete" else consume())
        await asyncio.to_thread(wait_until_waiting, server)
        waiting = asyncio.ensure_future(other.complete(body()))
        await asyncio.to_thread(wait_until_waiting, server, 2)
        await client.aclose()
        with pytest.raises(GumloopError) as caught:
            await asyncio.wait_for(task, 10)
        check(caught.value, place)
        assert len(server.requests) == 2
        assert not waiting.done()
        await other.aclose()
        with pytest.raises(GumloopError, match="closed by close"):
            await asyncio.wait_for(waiting, 10)
        assert await asyncio.to_thread(server.wait_until, lambda: server.open_connections == 0)

    with ByteServer(script, tls=tls) as server:
        asyncio.run(main(server))


def closed_in_thread(client: GumloopClient, wait: Callable[[], None], *, stream: bool) -> BaseException:
    """The error of a call that is closed after a wait."""
    thread, errors = in_thread(
        (lambda: list(client.stream(body(stream=True)))) if stream else (lambda: client.complete(body()))
    )
    wait()
    client.close()
    thread.join(10)
    assert not thread.is_alive()
    return errors[0]


async def closed_in_task(client: AsyncGumloopClient, wait: Callable[[], None], *, stream: bool) -> BaseException:
    async def consume() -> None:
        async for _ in client.stream(body(stream=True)):
            pass

    task = asyncio.ensure_future(consume() if stream else client.complete(body()))
    await asyncio.to_thread(wait)
    await client.aclose()
    with pytest.raises(GumloopError) as caught:
        await asyncio.wait_for(task, 10)
    return caught.value


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("transport", ["httptools", "httpx"])
@pytest.mark.parametrize("kind", ["sync", "async"])
class TestClosingACallThatHasNoConnection:
    def test_while_it_pauses_between_attempts(self, kind: str, transport: Any, stream: bool) -> None:
        with ByteServer(whole({}, 429, retry_after="50"), whole(completion())) as server:
            self.check(
                settings_for(server.base_url, transport=transport), lambda: wait_until_waiting(server), kind, stream
            )
            assert len(server.requests) == 1
            assert server.wait_until(lambda: server.open_connections == 0)

    def test_while_it_shakes_hands(self, kind: str, transport: Any, stream: bool) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            accepted: list[socket.socket] = []

            def wait() -> None:
                connection, _ = listener.accept()
                connection.settimeout(10)
                accepted.append(connection)
                connection.recv(10)

            settings = settings_for(f"https://127.0.0.1:{listener.getsockname()[1]}", timeout=60, transport=transport)
            self.check(settings, wait, kind, stream)
            with accepted[0]:
                while accepted[0].recv(4096):  # until the connection is closed
                    pass

    def test_while_it_connects(self, kind: str, transport: Any, stream: bool) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            address = listener.getsockname()
            others = [socket.socket() for _ in range(3)]  # a queue that is full keeps the next one waiting
            for other in others:
                other.setblocking(False)
                other.connect_ex(address)

            def wait() -> None:
                threading.Event().wait(0.3)

            def accept() -> None:
                with suppress(OSError):
                    listener.settimeout(1)
                    while True:
                        accepted.append(listener.accept()[0])

            accepted: list[socket.socket] = []
            settings = settings_for(f"http://127.0.0.1:{address[1]}", timeout=60, transport=transport)
            timer = threading.Timer(0.6, accept)
            timer.start()
            self.check(settings, wait, kind, stream)
            listener.close()
            timer.join(10)
            for other in [*others, *accepted]:
                other.close()

    def check(self, settings: Any, wait: Callable[[], None], kind: str, stream: bool) -> None:
        if kind == "sync":
            error = closed_in_thread(GumloopClient(settings), wait, stream=stream)
        else:
            error = asyncio.run(closed_in_task(AsyncGumloopClient(settings), wait, stream=stream))
        check(error, "before anything")


def test_an_answer_that_was_whole_is_not_lost_to_closing() -> None:
    with ByteServer(streamed()) as server:
        driver = AsyncCore(settings_for(server.base_url))
        for delta in driver.stream():
            if delta.completion is not None:
                driver.close()
                assert delta.completion.text == TEXT
        driver.stop()
