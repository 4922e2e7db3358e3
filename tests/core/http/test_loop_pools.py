"""Event loops come and go, closed by hand or not at all: their connections, pools and themselves are let go."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import textwrap
import threading
import weakref
from pathlib import Path
from typing import Any

import pytest

from gumloop_core import AsyncGumloopClient, GumloopClient
from gumloop_core.http import environment, loop_pools
from tests.support.byte_server import SILENCE, ByteServer
from tests.support.certificates import trusting_context
from tests.support.core_driver import body, settings_for
from tests.support.http_bytes import FIRST, TEXT, completion, whole

TRANSPORTS = ["httptools", "httpx"]


@pytest.fixture(autouse=True)
def own_pools(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pools that no client of another test uses."""
    monkeypatch.setattr(loop_pools, "pools", loop_pools.LoopPools())
    monkeypatch.setattr(environment, "tls_context", trusting_context)


def call_and_close(client: AsyncGumloopClient) -> weakref.ref[Any]:
    """One call in a loop that is then closed, as Flask, Celery and Streamlit applications do."""
    loop = asyncio.new_event_loop()
    assert loop.run_until_complete(client.complete(body())).text == TEXT
    loop.close()
    return weakref.ref(loop)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_loops_closed_by_hand(transport: Any, tls: bool) -> None:
    with ByteServer(whole(completion()), tls=tls) as server:
        client = AsyncGumloopClient(settings_for(server.base_url, transport=transport))
        loops = []
        for count in range(1, 21):
            loops.append(call_and_close(client))
            assert server.wait_until(lambda: server.open_connections <= 1), f"after {count} loops"
            assert len(loop_pools.pools) <= 1
        loop_pools.sweep()
        assert server.wait_until(lambda: server.open_connections == 0)
        gc.collect()
        assert [loop() for loop in loops] == [None] * 20


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_synchronous_call_lets_them_go_too(transport: Any) -> None:
    with ByteServer(whole(completion())) as server:
        settings = settings_for(server.base_url, transport=transport)
        call_and_close(AsyncGumloopClient(settings))
        sync = GumloopClient(settings)
        sync.complete(body())
        assert server.wait_until(lambda: server.open_connections == 1)
        sync.close()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_call_in_an_older_loop_lets_them_go_too(transport: Any) -> None:
    with ByteServer(whole(completion())) as server:
        client = AsyncGumloopClient(settings_for(server.base_url, transport=transport))
        older = asyncio.new_event_loop()
        older.run_until_complete(client.complete(body()))
        for _ in range(3):
            call_and_close(client)
        older.run_until_complete(client.complete(body()))
        assert server.wait_until(lambda: server.open_connections == 1)
        older.run_until_complete(client.aclose())
        assert server.wait_until(lambda: server.open_connections == 0)
        older.close()


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # of the loop, which nobody has closed
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_loops_that_nobody_closes(transport: Any) -> None:
    def call() -> weakref.ref[Any]:
        loop = asyncio.new_event_loop()
        loop.run_until_complete(client.complete(body()))
        return weakref.ref(loop)

    with ByteServer(whole(completion())) as server:
        client = AsyncGumloopClient(settings_for(server.base_url, transport=transport))
        loops = [call() for _ in range(5)]
        gc.collect()
        assert [loop() for loop in loops] == [None] * 5
        assert server.wait_until(lambda: server.open_connections == 0)
        assert len(loop_pools.pools) == 0


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_loop_that_is_closed_within_a_stream(transport: Any) -> None:
    with ByteServer([FIRST, SILENCE], whole(completion())) as server:
        client = AsyncGumloopClient(settings_for(server.base_url, transport=transport))
        loop = asyncio.new_event_loop()
        stream = client.stream(body(stream=True))
        assert loop.run_until_complete(anext(stream)).text
        loop.close()
        call_and_close(client)
        assert server.wait_until(lambda: server.open_connections <= 1)
        del stream
        gc.collect()


def test_threads_with_loops_of_their_own() -> None:
    with ByteServer(whole(completion())) as server:
        client = AsyncGumloopClient(settings_for(server.base_url))
        errors: list[BaseException] = []

        def work() -> None:
            try:
                for _ in range(5):
                    call_and_close(client)
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert not errors
        loop_pools.sweep()
        assert server.wait_until(lambda: server.open_connections == 0)


PROGRAM = """
    import asyncio
    from gumloop_core import AsyncGumloopClient, GumloopClient
    from tests.support.byte_server import ByteServer
    from tests.support.core_driver import body, settings_for
    from tests.support.http_bytes import completion, streamed, whole

    server = ByteServer(lambda request: streamed() if "stream" in request.json else whole(completion())).__enter__()
    settings = settings_for(server.base_url)
    client, sync = AsyncGumloopClient(settings), GumloopClient(settings)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(client.complete(body()))
    kept = [sync.stream(body(stream=True)), client.stream(body(stream=True)), sync.stream(body(stream=True))]
    next(kept[0]), loop.run_until_complete(anext(kept[1]))
    next(delta for delta in kept[2] if delta.completion is not None)
"""


NESTED = """
    import asyncio
    import nest_asyncio
    from gumloop_core import AsyncGumloopClient
    from tests.support.byte_server import ByteServer
    from tests.support.core_driver import body, settings_for
    from tests.support.http_bytes import TEXT, completion, whole

    async def outer(client):
        await client.complete(body())
        assert asyncio.get_running_loop().run_until_complete(client.complete(body())).text == TEXT

    with ByteServer(whole(completion())) as server:
        client = AsyncGumloopClient(settings_for(server.base_url))
        loop = asyncio.new_event_loop()
        nest_asyncio.apply(loop)
        loop.run_until_complete(outer(client))
        assert server.connections == 1
        loop.run_until_complete(client.aclose())
        loop.close()
"""


def test_a_loop_within_a_loop() -> None:
    """As notebooks run it. In a process of its own: asyncio stays patched."""
    run_program(NESTED)


@pytest.mark.parametrize("end", ["", "loop.close()", "del loop", "server.__exit__()"])
def test_a_program_that_ends_with_streams_open(end: str) -> None:
    run_program(PROGRAM, end)


def run_program(source: str, end: str = "") -> None:
    """Run a program. Nothing is said, and nothing crashes."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(source) + end],
        capture_output=True,
        text=True,
        timeout=50,
        env=environment,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
