"""Connections: used again, given back at once, shared by threads and event loops."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any

import pytest

from gumloop_core import AsyncGumloopClient
from gumloop_core.errors import UnexpectedError
from gumloop_core.http import loop_pools, sync_pool
from gumloop_emulator.script import Pause
from tests.core.conftest import THE_POOLS, Connect
from tests.support.byte_server import SILENCE, ByteServer, drip
from tests.support.core_driver import AsyncCore, SyncCore, body, settings_for, streamed_text
from tests.support.http_bytes import (
    DONE,
    EVENTS,
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

# -- used again ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "script",
    [
        pytest.param([streamed()], id="the end in the same segment"),
        pytest.param([stream_head() + EVENTS, Pause(0.02), LAST_HTTP_CHUNK], id="the end a little later"),
        pytest.param(drip(streamed()), id="byte by byte"),
        pytest.param(
            [stream_head() + EVENTS + http_chunk(b": bye\n\n" * 50) + LAST_HTTP_CHUNK], id="more after [DONE]"
        ),
        pytest.param(
            [head(content_length=str(len(b"".join(answer_events())))) + b"".join(answer_events())], id="with a length"
        ),
    ],
)
def test_ten_streams_use_one_connection(connect: Connect, script: Any) -> None:
    with ByteServer(script) as server:
        driver = connect(server)
        for _ in range(10):
            assert streamed_text(driver.stream()) == TEXT
        assert (server.connections, len(server.requests)) == (1, 10)


def test_ten_unary_calls_use_one_connection_errors_included(connect: Connect) -> None:
    with ByteServer(whole(completion()), whole({"error": "x"}, 500), whole(completion())) as server:
        driver = connect(server)
        for _ in range(10):
            driver.complete()
        assert (server.connections, len(server.requests)) == (1, 11)


@pytest.mark.parametrize("ending", [b"", DONE], ids=["at the end", "at [DONE]"])
def test_the_connection_is_given_back_before_the_last_delta(connect: Connect, ending: bytes) -> None:
    """A consumer that never asks again, as LangChain's v3 events do, holds nothing."""
    events = [*answer_events()[:-1], *([ending] if ending else [])]
    with ByteServer(streamed(events)) as server:
        driver = connect(server)
        suspended = []
        for _ in range(10):
            deltas = driver.stream()
            last = next(delta for delta in deltas if delta.completion is not None)
            assert last.completion is not None
            assert last.completion.text == TEXT
            suspended.append(deltas)
        assert (server.connections, len(server.requests)) == (1, 10)


def test_a_stream_that_nobody_has_begun_holds_nothing(connect: Connect) -> None:
    with ByteServer(streamed()) as server:
        driver = connect(server)
        unbegun = [driver.client.stream(body(stream=True)) for _ in range(5)]  # type: ignore[attr-defined]
        assert server.connections == 0
        assert len(unbegun) == 5


# -- given back ------------------------------------------------------------------------------------------------------


def test_closing_a_stream_closes_the_connection_at_once(connect: Connect) -> None:
    with ByteServer([FIRST, SILENCE]) as server:
        deltas = connect(server).stream()
        next(deltas)
        deltas.close()  # type: ignore[attr-defined]
        assert server.wait_until_gone()


def test_dropping_a_stream_closes_the_connection() -> None:
    with ByteServer([FIRST, SILENCE]) as server:
        deltas = SyncCore(settings_for(server.base_url)).stream()
        next(deltas)
        del deltas
        gc.collect()
        assert server.wait_until_gone()


def test_dropping_an_async_stream_closes_the_connection() -> None:
    async def main(server: ByteServer) -> bool:
        deltas = AsyncGumloopClient(settings_for(server.base_url)).stream(body(stream=True))
        await anext(deltas)
        del deltas
        gc.collect()
        for _ in range(200):
            if server.clients_gone:
                return True
            await asyncio.sleep(0.01)
        return False

    with ByteServer([FIRST, SILENCE]) as server:
        assert asyncio.run(main(server))


@pytest.mark.parametrize(
    "script", [[SILENCE], [FIRST, SILENCE], [head(content_length="99") + b"{", SILENCE]], ids=["head", "mid", "unary"]
)
def test_cancelling_closes_the_connection_and_passes_at_once(script: Any) -> None:
    async def stream(client: AsyncGumloopClient) -> None:
        async for _ in client.stream(body(stream=True)):
            pass

    async def main(server: ByteServer) -> None:
        client = AsyncGumloopClient(settings_for(server.base_url))
        for work in (stream(client), client.complete(body())):
            task = asyncio.create_task(work)  # type: ignore[arg-type]
            while not server.open_connections or len(server.requests) < server.connections:
                await asyncio.sleep(0.005)
            await asyncio.sleep(0.02)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            while server.open_connections:
                await asyncio.sleep(0.005)
        assert len(server.requests) == 2

    with ByteServer(script) as server:
        asyncio.run(asyncio.wait_for(main(server), 20))


def test_a_connection_that_could_not_be_tried_is_given_back() -> None:
    """An error of the event loop must not cost a place in the pool."""

    async def main(server: ByteServer) -> None:
        loop = asyncio.get_running_loop()
        await loop.shutdown_default_executor()  # names can no longer be looked up
        client = AsyncGumloopClient(settings_for(server.base_url.replace("127.0.0.1", "localhost")))
        for _ in range(3):
            with pytest.raises(UnexpectedError, match=r"RuntimeError: .*shutdown"):
                await client.complete(body())
        pool = loop_pools.pools[loop]
        assert len(pool.connections) <= 1
        assert not pool.leases

    with ByteServer([SILENCE]) as server:
        asyncio.run(main(server))


def test_an_error_in_the_consumer_closes_the_connection(connect: Connect) -> None:
    with ByteServer([FIRST, SILENCE]) as server:
        driver = connect(server)

        def consume() -> None:
            for _ in driver.stream():
                raise LookupError

        with pytest.raises(LookupError):
            consume()
        gc.collect()
        assert server.wait_until_gone()


# -- many at once ----------------------------------------------------------------------------------------------------


def test_fifty_threads_share_a_client() -> None:
    with ByteServer(lambda request: streamed(text_answer(request.json["messages"][0]["content"]))) as server:
        driver = SyncCore(settings_for(server.base_url))
        failures: list[Any] = []

        def work(number: int) -> None:
            for turn in range(4):
                text = f"{number}-{turn}"
                got = "".join(delta.text for delta in driver.stream(body(text, stream=True)))
                if got != text:
                    failures.append((text, got))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert not failures
        assert len(server.requests) == 200
        assert server.connections <= 50
        driver.stop()


def text_answer(text: str) -> list[bytes]:
    return [*text_events(list(text)), *answer_events()[-3:]]


def test_closing_while_other_threads_call() -> None:
    """A model that is done must not take the pool from under the others."""
    with ByteServer(whole(completion())) as server:
        failures: list[BaseException] = []
        done = threading.Event()

        def call() -> None:
            driver = SyncCore(settings_for(server.base_url, max_retries=0))
            try:
                while not done.is_set():
                    driver.complete()
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=call) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(50):
            brief = SyncCore(settings_for(server.base_url, max_retries=0))
            brief.complete()
            brief.close()
        done.set()
        for thread in threads:
            thread.join(10)
        assert not failures


def test_a_client_serves_successive_event_loops() -> None:
    with ByteServer(whole(completion())) as server:
        client = AsyncGumloopClient(settings_for(server.base_url))
        for _ in range(5):
            assert asyncio.run(client.complete(body())).text == TEXT
            assert server.wait_until(lambda: server.open_connections == 0), "the loop's pool stayed open"
        assert server.connections == 5


def test_a_client_serves_several_event_loops_at_once() -> None:
    with ByteServer(whole(completion())) as server:
        client = AsyncGumloopClient(settings_for(server.base_url))
        texts: list[str] = []

        async def work() -> None:
            texts.extend([(await client.complete(body())).text for _ in range(5)])

        threads = [threading.Thread(target=asyncio.run, args=(work(),)) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert texts == [TEXT] * 25
        assert server.connections == 5


@pytest.fixture
def own_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pool that no client of another test uses."""
    monkeypatch.setattr(sync_pool, "_pool", None)


@pytest.mark.usefixtures("own_pool")
@THE_POOLS
def test_after_close_the_next_call_connects_again(connect: Connect) -> None:
    with ByteServer(whole(completion())) as server:
        driver = connect(server)
        driver.complete()
        driver.close()
        assert server.wait_until(lambda: server.open_connections == 0)
        driver.close()
        assert driver.complete().text == TEXT
        assert server.connections == 2


@pytest.mark.usefixtures("own_pool")
def test_clients_share_a_pool_and_the_last_closes_it() -> None:
    with ByteServer(whole(completion())) as server:
        for kind in (SyncCore, AsyncCore):
            before = server.connections
            first = kind(settings_for(server.base_url))
            second = kind(settings_for(server.base_url))
            if isinstance(first, AsyncCore) and isinstance(second, AsyncCore):
                second.loop.close()
                second.loop = first.loop
            first.complete()
            second.complete()
            assert server.connections == before + 1
            first.close()
            second.complete()
            assert server.connections == before + 1
            second.close()
            assert server.wait_until(lambda: server.open_connections == 0)
