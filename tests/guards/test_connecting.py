"""What requests share, counted: TLS contexts, clients, connections, encodings."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from pathlib import Path

import httpcore
import httpx
import pytest

from gumloop_core import AsyncGumloopClient, GumloopClient
from gumloop_core.http import environment, httpx_connection, pool, retry, settings, sync_pool
from gumloop_emulator.script import Pause
from tests.guards.counting import counter_of
from tests.support.byte_server import SILENCE, ByteServer
from tests.support.certificates import certificates
from tests.support.core_driver import body, settings_for
from tests.support.counting import calls_made
from tests.support.http_bytes import (
    LAST_HTTP_CHUNK,
    answer_events,
    completion,
    http_chunk,
    stream_head,
    streamed,
    whole,
)


@pytest.fixture
def own_pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A pool that no other test has used."""
    monkeypatch.setattr(sync_pool, "_pool", None)
    yield
    used = sync_pool._pool
    if used is not None:
        used.close()


@pytest.mark.parametrize("tls", [False, True])
def test_twenty_models_share_one_tls_context_and_one_client(
    own_pool: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tls: bool
) -> None:
    certificates()[0].cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    environment.tls_context.cache_clear()
    counts, watch = counter_of(monkeypatch)
    watch(httpx, "create_ssl_context")
    watch(httpx_connection, "Cookieless")
    with ByteServer(whole(completion()), tls=tls) as server:
        for _ in range(20):
            GumloopClient(settings_for(server.base_url, transport="httpx")).complete(body())
        assert server.connections == 1
    environment.tls_context.cache_clear()
    assert counts["create_ssl_context"] == int(tls)  # for plain http, nobody reads certificates
    assert counts["Cookieless"] == 1


def test_a_body_is_encoded_once_however_often_it_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_PAUSE", 0.001)
    counts, watch = counter_of(monkeypatch)
    watch(settings, "encode")
    with ByteServer(whole({"error": "x"}, 500), whole({"error": "x"}, 500), whole(completion())) as server:
        GumloopClient(settings_for(server.base_url)).complete(body())
        assert len(server.requests) == 3
    assert counts["encode"] == 1


def test_idle_connections_cost_a_call_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """httpx looks at every connection of a client for each request: a call must not meet those of other calls."""
    script = [stream_head(), Pause(1), b"".join(map(http_chunk, answer_events())) + LAST_HTTP_CHUNK]
    counts, watch = counter_of(monkeypatch)

    async def work(client: AsyncGumloopClient) -> None:
        async def consume() -> None:
            async for _ in client.stream(body(stream=True)):
                pass

        await asyncio.gather(*(consume() for _ in range(40)))
        watch(httpcore.AsyncHTTPConnection, "has_expired")
        watch(httpcore.AsyncHTTPConnection, "is_idle")
        await consume()
        await client.aclose()

    with ByteServer(script) as server:
        asyncio.run(work(AsyncGumloopClient(settings_for(server.base_url, transport="httpx"))))
        assert server.connections == 40
    assert 1 <= counts["has_expired"] <= 3
    assert counts["is_idle"] <= 8


def test_no_more_connections_stay_idle_than_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "IDLE_CONNECTIONS", 5)
    script = [stream_head(), Pause(0.2), b"".join(map(http_chunk, answer_events())) + LAST_HTTP_CHUNK]

    async def work(client: AsyncGumloopClient) -> None:
        async def consume() -> None:
            async for _ in client.stream(body(stream=True)):
                pass

        await asyncio.gather(*(consume() for _ in range(20)))
        assert server.wait_until(lambda: server.open_connections == 5)
        await asyncio.gather(*(consume() for _ in range(20)))
        assert server.connections == 35
        await client.aclose()

    with ByteServer(script) as server:
        asyncio.run(work(AsyncGumloopClient(settings_for(server.base_url))))


def test_connections_that_were_idle_for_long_are_closed_when_another_is_given_back(
    own_pool: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ByteServer(streamed()) as server:
        client = GumloopClient(settings_for(server.base_url))
        streams = [client.stream(body(stream=True)) for _ in range(4)]
        for stream in streams:
            next(stream)
        monkeypatch.setattr(pool, "IDLE_SECONDS", 0.0)  # all that are given back now are too old at the next
        for stream in streams:
            list(stream)
        assert server.connections == 4
        assert server.wait_until(lambda: server.open_connections <= 1)
        client.close()


def test_a_request_takes_no_more_calls_with_more_messages_than_its_encoding(own_pool: None) -> None:
    few = body()
    many = {**few, "messages": few["messages"] * 1000}
    with ByteServer(whole(completion())) as server:
        client = GumloopClient(settings_for(server.base_url))
        client.complete(few)  # type: ignore[arg-type]
        base = calls_made(lambda: client.complete(few))  # type: ignore[arg-type]
        more = calls_made(lambda: client.complete(many))  # type: ignore[arg-type]
        assert more - base < 100


def test_an_abandoned_stream_may_be_collected_while_another_request_begins(
    own_pool: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """httpcore holds a lock while it looks through a client's connections, and takes it again to close a response."""
    unfinished = [stream_head() + b"".join(map(http_chunk, answer_events()[:1])), SILENCE]
    with ByteServer(unfinished, whole(completion())) as server:
        client = GumloopClient(settings_for(server.base_url, transport="httpx"))
        abandoned = [client.stream(body(stream=True))]
        next(abandoned[0])
        assign = httpcore.ConnectionPool._assign_requests_to_connections

        def collect_and_assign(self: httpcore.ConnectionPool) -> object:
            abandoned.clear()
            gc.collect()
            return assign(self)

        monkeypatch.setattr(httpcore.ConnectionPool, "_assign_requests_to_connections", collect_and_assign)
        assert client.complete(body()).text
        assert server.wait_until_gone()
