"""What is aiohttp's own way, and must not show. Most of what holds over aiohttp is tested with the other clients."""

from __future__ import annotations

import asyncio
import gc
import logging
import re
import subprocess
import sys
import textwrap
import warnings
from typing import Any

import httpx
import pytest

from gumloop_core.errors import APITimeoutError, ConfigurationError
from gumloop_core.http import environment
from gumloop_emulator.script import Pause
from tests.support.byte_server import CLOSE, RESET, SILENCE, ByteServer
from tests.support.certificates import trusting_context
from tests.support.core_driver import AiohttpCore, AsyncCore, body, settings_for, streamed_text
from tests.support.http_bytes import (
    EVENTS,
    FIRST,
    LAST_HTTP_CHUNK,
    TEXT,
    completion,
    stream_head,
    streamed,
    whole,
)


@pytest.fixture(autouse=True)
def trust(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "tls_context", trusting_context)


def make(server: ByteServer, **options: Any) -> AiohttpCore:
    return AiohttpCore(settings_for(server.base_url, **{"max_retries": 0, **options}))


async def read_slowly(driver: AsyncCore, seconds: float) -> str:
    """Read a stream, with a rest after the first delta."""
    pieces: list[str] = []
    async for delta in driver.client.stream(body(stream=True)):  # type: ignore[arg-type]
        pieces.append(delta.text)
        if len(pieces) == 1:
            await asyncio.sleep(seconds)
    return "".join(pieces)


def test_requests_are_those_of_httpx() -> None:
    with ByteServer(*[whole(completion()), whole({"model_groups": []})] * 2) as server:
        base_url = server.base_url + "/a%2Fb%20c;d='e'/%7E(f)"
        for kind in (AsyncCore, AiohttpCore):
            driver = kind(settings_for(base_url, default_headers={"X-Odd-Case": "a  b", "x-empty": ""}))
            driver.complete()
            driver.models()
            driver.stop()
        by_httpx, by_aiohttp = server.requests[:2], server.requests[2:]
        for one, other in zip(by_httpx, by_aiohttp, strict=True):
            assert (one.method, one.target, one.body) == (other.method, other.target, other.body)
            assert sorted(one.raw_headers) == sorted(other.raw_headers)


def test_a_long_body_is_sent_whole_and_without_a_warning() -> None:
    with ByteServer(whole(completion())) as server, warnings.catch_warnings():
        warnings.simplefilter("error")
        driver = make(server)
        driver.complete(body("x" * 3_000_000))
        assert len(server.requests[0].json["messages"][0]["content"]) == 3_000_000
        driver.stop()


def test_a_server_that_does_not_take_the_request() -> None:
    with ByteServer(on_connect=[Pause(5)]) as server:
        driver = make(server, timeout=httpx.Timeout(0.2))
        with pytest.raises(APITimeoutError):
            driver.complete(body("x" * 30_000_000))
        driver.stop()


def test_what_has_arrived_is_read_before_an_error() -> None:
    for ending in (CLOSE, RESET):
        with ByteServer([FIRST, Pause(0.1), EVENTS, Pause(0.1), ending]) as server:
            driver = make(server)
            assert driver.run(read_slowly(driver, 0.4)) == "Grüße" + TEXT
            driver.stop()


def test_time_in_which_nobody_reads_does_not_count() -> None:
    with ByteServer([FIRST, Pause(0.6), EVENTS + LAST_HTTP_CHUNK]) as server:
        driver = make(server, timeout=0.3, stream_idle_timeout=0.4)
        assert driver.run(read_slowly(driver, 0.5)) == "Grüße" + TEXT
        driver.stop()


def test_cookies_are_not_kept() -> None:
    with ByteServer(whole(completion(), set_cookie="session=1")) as server:
        driver = AiohttpCore(settings_for(server.base_url.replace("127.0.0.1", "localhost")))
        for _ in range(2):
            driver.complete()
        assert "cookie" not in server.requests[1].headers
        driver.stop()


def test_leaving_a_stream_over_tls_closes_its_connection_at_once() -> None:
    with ByteServer([FIRST, SILENCE], tls=True) as server:
        driver = make(server)
        deltas = driver.stream()
        next(deltas)
        deltas.close()  # type: ignore[attr-defined]
        assert server.wait_until_gone()
        driver.stop()


def test_streams_over_tls_use_one_connection() -> None:
    with ByteServer(streamed(), tls=True) as server:
        driver = make(server)
        for _ in range(3):
            assert streamed_text(driver.stream()) == TEXT
        assert server.connections == 1
        driver.stop()


def test_a_kept_connection_that_breaks_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with (
        ByteServer([stream_head(), Pause(0.05), EVENTS + LAST_HTTP_CHUNK, Pause(0.05), RESET]) as server,
        caplog.at_level(logging.WARNING),
    ):
        driver = make(server)
        for _ in range(2):
            assert streamed_text(driver.stream()) == TEXT
            driver.run(asyncio.sleep(0.2))
        assert server.connections == 2
        driver.stop()
        del driver
        gc.collect()
    assert caplog.records == []


def test_proxies_of_the_environment_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """By httpx's own transport."""
    with ByteServer(whole(completion())) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        driver = AiohttpCore(settings_for("http://127.0.0.2:9/api/v1"))
        driver.complete()
        assert proxy.requests[0].target.startswith("http://127.0.0.2:9/")
        driver.stop()


def test_without_aiohttp_an_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    monkeypatch.delitem(sys.modules, "gumloop_core.http.aiohttp_transport", raising=False)
    driver = AiohttpCore(settings_for("http://127.0.0.1:9"))
    with pytest.raises(ConfigurationError, match=re.escape("pip install 'gumloop-llms[aiohttp]'")):
        driver.complete()
    driver.stop()


# -- loops and processes that end without closing --------------------------------------------------------------------

PROGRAM = """
    import asyncio, gc, os, sys
    from gumloop_core import AsyncGumloopClient
    from gumloop_core.http import environment, loop_pools
    from tests.support.byte_server import ByteServer
    from tests.support.certificates import trusting_context
    from tests.support.core_driver import body, settings_for
    from tests.support.http_bytes import completion, whole

    environment.tls_context = trusting_context
    server = ByteServer(whole(completion()), tls=True).__enter__()  # a forked child must not close it
    client = AsyncGumloopClient(settings_for(server.base_url, async_transport="aiohttp"))
    loop = asyncio.new_event_loop()
    ask = lambda: loop.run_until_complete(client.complete(body())).text
    ask()
"""


def run(program: str) -> tuple[str, str]:
    source = textwrap.dedent(PROGRAM) + textwrap.dedent(program)
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=50, check=True)
    return done.stdout, done.stderr


@pytest.mark.parametrize("end", ["loop.close()", "pass", "loop.close(); loop_pools.sweep(); gc.collect()"])
def test_a_loop_that_is_dropped_says_nothing(end: str) -> None:
    assert run(end) == ("", "")


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="the system cannot fork")
@pytest.mark.parametrize("end", ["os._exit(0)", "gc.collect(); os._exit(0)", "sys.exit(0)"])
def test_a_forked_child_does_not_write_into_its_parents_connection(end: str) -> None:
    out, err = run(f"""
        import warnings
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside a thread, the server's
        child = os.fork()
        if child == 0:
            {end}
        os.waitpid(child, 0)
        ask()
        print(server.connections, len(server.requests))
    """)
    assert (out, err) == ("1 2\n", "")
