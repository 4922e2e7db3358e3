"""Which road is taken, and that it does not show which: what goes out and what comes back are the same on all."""

from __future__ import annotations

import asyncio
import functools
import gc
import logging
import re
import socket
import subprocess
import sys
import textwrap
import warnings
from typing import Any

import httpcore
import httptools
import httpx
import pytest

from gumloop_core.errors import APITimeoutError, ConfigurationError
from gumloop_core.http import environment, loop_pools, sync_pool
from gumloop_emulator.script import Pause
from tests.core.conftest import POOLED, THE_POOLS, Connect
from tests.support.byte_server import CLOSE, RESET, SILENCE, ByteServer
from tests.support.certificates import trusting_context
from tests.support.core_driver import AsyncCore, CoreDriver, SyncCore, body, settings_for, streamed_text
from tests.support.http_bytes import EVENTS, FIRST, LAST_HTTP_CHUNK, TEXT, completion, stream_head, streamed, whole


@pytest.fixture(autouse=True)
def own_pools(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pools that are opened, and choose a road, within the test."""
    monkeypatch.setattr(environment, "tls_context", trusting_context)
    monkeypatch.setattr(sync_pool, "_pool", None)
    monkeypatch.setattr(loop_pools, "pools", loop_pools.LoopPools())


def road_of(driver: CoreDriver) -> set[str]:
    """The roads that a driver's pool has taken."""
    pool: Any = loop_pools.pools[driver.loop] if isinstance(driver, AsyncCore) else sync_pool._pool
    return {key[2] for key in pool._idle}


async def read_slowly(driver: AsyncCore, seconds: float) -> str:
    """Read a stream, with a rest after the first delta."""
    pieces: list[str] = []
    async for delta in driver.client.stream(body(stream=True)):  # type: ignore[arg-type]
        pieces.append(delta.text)
        if len(pieces) == 1:
            await asyncio.sleep(seconds)
    return "".join(pieces)


@pytest.mark.parametrize("driver", [SyncCore, AsyncCore])
@pytest.mark.parametrize(("wanted", "road"), [(None, "httptools"), ("httptools", "httptools"), ("httpx", "httpx")])
def test_the_quicker_road_is_taken(driver: type[Any], wanted: Any, road: str) -> None:
    with ByteServer(whole(completion())) as server:
        made = driver(settings_for(server.base_url, transport=wanted))
        assert made.complete().text == TEXT
        assert road_of(made) == {road}
        made.stop()


@pytest.mark.parametrize("driver", [SyncCore, AsyncCore])
@pytest.mark.parametrize("how", ["absent", "too old", "too new"])
def test_where_httptools_is_not_to_be_had(driver: type[Any], how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if how == "absent":
        monkeypatch.setitem(sys.modules, "httptools", None)
    else:
        monkeypatch.setattr(httptools, "__version__", {"too old": "0.5.0", "too new": "1.0.0"}[how])
    with ByteServer(whole(completion())) as server:
        made = driver(settings_for(server.base_url))
        assert made.complete().text == TEXT
        assert road_of(made) == {"httpx"}
        made.stop()
        insisting = driver(settings_for(server.base_url, transport="httptools"))
        with pytest.raises(ConfigurationError, match=re.escape("pip install 'gumloop-llms[fast]'")):
            insisting.complete()
        insisting.stop()
        assert len(server.requests) == 1


@pytest.mark.parametrize("driver", [SyncCore, AsyncCore])
@pytest.mark.parametrize("name", ["HTTP_PROXY", "ALL_PROXY"])
def test_proxies_of_the_environment_are_used(driver: type[Any], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By httpx's connections."""
    with ByteServer(whole(completion())) as proxy:
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        made = driver(settings_for("http://127.0.0.2:9/api/v1"))
        made.complete()
        assert proxy.requests[0].target.startswith("http://127.0.0.2:9/")
        assert road_of(made) == {"httpx"}
        made.stop()


@pytest.mark.parametrize("driver", [SyncCore, AsyncCore])
@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (httpx.Client, "send"),  # sentry-sdk, ddtrace
        (httpx.AsyncClient, "send"),
        (httpx.HTTPTransport, "handle_request"),  # opentelemetry-instrumentation-httpx, logfire, pytest-httpx
        (httpx.AsyncHTTPTransport, "handle_async_request"),
        (httpcore.ConnectionPool, "handle_request"),  # respx, vcrpy
        (httpcore.AsyncConnectionPool, "handle_async_request"),
    ],
)
def test_who_listens_to_httpx_or_answers_in_its_place_is_not_passed_by(
    owner: Any, name: str, driver: type[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def tool(*args: Any, **options: Any) -> Any:
        calls.append(name)
        return original(*args, **options)

    calls: list[str] = []
    original = getattr(owner, name)
    with ByteServer(whole(completion())) as server:
        made = driver(settings_for(server.base_url))
        made.complete()
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, functools.wraps(original)(tool))
            made.complete()
            assert road_of(made) == {"httptools", "httpx"}
        is_async = "Async" in owner.__name__
        assert calls == ([name] if is_async == (driver is AsyncCore) else [])
        made.stop()


def test_requests_are_the_same() -> None:
    with ByteServer(*[whole(completion()), whole({"model_groups": []})] * len(POOLED)) as server:
        base_url = server.base_url + "/a%2Fb%20c;d='e'/%7E(f)"
        for kind in POOLED.values():
            driver: Any = kind
            made = driver(settings_for(base_url, default_headers={"X-Odd-Case": "a  b", "x-empty": ""}))
            made.complete()
            made.models()
            made.stop()
        first, second = server.requests[:2]
        assert len(server.requests) == 2 * len(POOLED)
        for one, other in zip([first, second] * len(POOLED), server.requests, strict=True):
            assert (one.method, one.target, one.body) == (other.method, other.target, other.body)
            assert sorted(one.raw_headers) == sorted(other.raw_headers)


@THE_POOLS
def test_a_long_body_is_sent_whole_and_without_a_warning(connect: Connect) -> None:
    with ByteServer(whole(completion())) as server, warnings.catch_warnings():
        warnings.simplefilter("error")
        connect(server).complete(body("x" * 3_000_000))
        assert len(server.requests[0].json["messages"][0]["content"]) == 3_000_000


@THE_POOLS
def test_a_server_that_does_not_take_the_request(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        driver = connect(address, max_retries=0, timeout=httpx.Timeout(0.2))
        with pytest.raises(APITimeoutError, match=r"did not take the request within 0.2 s"):
            driver.complete(body("x" * 30_000_000))


@pytest.mark.parametrize("driver", [POOLED["async"], POOLED["async-over-httpx"]])
def test_time_in_which_nobody_reads_does_not_count(driver: type[Any]) -> None:
    with ByteServer([FIRST, Pause(0.6), EVENTS + LAST_HTTP_CHUNK]) as server:
        made = driver(settings_for(server.base_url, max_retries=0, timeout=0.3, stream_idle_timeout=0.4))
        assert made.run(read_slowly(made, 0.5)) == "Grüße" + TEXT
        made.stop()


@pytest.mark.parametrize("ending", [CLOSE, RESET], ids=["closed", "reset"])
def test_what_has_arrived_is_read_before_an_error(ending: Any) -> None:
    with ByteServer([FIRST, Pause(0.1), EVENTS, Pause(0.1), ending]) as server:
        made = AsyncCore(settings_for(server.base_url, max_retries=0))
        assert made.run(read_slowly(made, 0.4)) == "Grüße" + TEXT
        made.stop()


@THE_POOLS
def test_cookies_are_not_kept(connect: Connect) -> None:
    with ByteServer(whole(completion(), set_cookie="session=1")) as server:
        driver = connect(server.base_url.replace("127.0.0.1", "localhost"))
        for _ in range(2):
            driver.complete()
        assert "cookie" not in server.requests[1].headers


@THE_POOLS
def test_leaving_a_stream_over_tls_closes_its_connection_at_once(connect: Connect) -> None:
    with ByteServer([FIRST, SILENCE], tls=True) as server:
        deltas = connect(server).stream()
        next(deltas)
        deltas.close()  # type: ignore[attr-defined]
        assert server.wait_until_gone()


@THE_POOLS
def test_streams_over_tls_use_one_connection(connect: Connect) -> None:
    with ByteServer(streamed(), tls=True) as server:
        driver = connect(server)
        for _ in range(3):
            assert streamed_text(driver.stream()) == TEXT
        assert server.connections == 1


def test_a_kept_connection_that_breaks_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with (
        ByteServer([stream_head(), Pause(0.05), EVENTS + LAST_HTTP_CHUNK, Pause(0.05), RESET]) as server,
        caplog.at_level(logging.WARNING),
    ):
        made = AsyncCore(settings_for(server.base_url, max_retries=0))
        for _ in range(2):
            assert streamed_text(made.stream()) == TEXT
            made.run(asyncio.sleep(0.2))
        assert server.connections == 2
        made.stop()
        del made
        gc.collect()
    assert caplog.records == []


# -- loops and processes that end without closing --------------------------------------------------------------------

PROGRAM = """
    import asyncio, gc, os, sys
    from gumloop_core import AsyncGumloopClient, GumloopClient
    from gumloop_core.http import environment, loop_pools
    from tests.support.byte_server import ByteServer
    from tests.support.certificates import trusting_context
    from tests.support.core_driver import body, settings_for
    from tests.support.http_bytes import completion, whole

    environment.tls_context = trusting_context
    server = ByteServer(whole(completion()), tls=True).__enter__()  # a forked child must not close it
    settings = settings_for(server.base_url, transport="{transport}")
    if "{kind}" == "sync":
        client = GumloopClient(settings)
        ask = lambda: client.complete(body()).text
    else:
        client = AsyncGumloopClient(settings)
        loop = asyncio.new_event_loop()
        ask = lambda: loop.run_until_complete(client.complete(body())).text
    ask()
"""


def run(program: str, kind: str, transport: str) -> tuple[str, str]:
    source = textwrap.dedent(PROGRAM).format(kind=kind, transport=transport) + textwrap.dedent(program)
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=50, check=True)
    return done.stdout, done.stderr


@pytest.mark.parametrize("transport", ["httptools", "httpx"])
@pytest.mark.parametrize("end", ["loop.close()", "pass", "loop.close(); loop_pools.sweep(); gc.collect()"])
def test_a_loop_that_is_dropped_says_nothing(end: str, transport: str) -> None:
    assert run(end, "async", transport) == ("", "")


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="the system cannot fork")
@pytest.mark.parametrize("transport", ["httptools", "httpx"])
@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("end", ["os._exit(0)", "gc.collect(); os._exit(0)", "sys.exit(0)"])
def test_a_forked_child_does_not_write_into_its_parents_connection(end: str, kind: str, transport: str) -> None:
    program = f"""
        import warnings
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside a thread, the server's
        child = os.fork()
        if child == 0:
            {end}
        os.waitpid(child, 0)
        ask()
        print(server.connections, len(server.requests))
    """
    assert run(program, kind, transport) == ("1 2\n", "")
