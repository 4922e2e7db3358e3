"""Slots on a real redis-server, among real processes."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from gumloop_core import GumloopClient
from gumloop_core.concurrency.limits import RedisLimits
from gumloop_core.concurrency.shared.messages import Message
from gumloop_core.concurrency.shared.redis_store import RedisStore
from gumloop_core.errors import ConfigurationError, LimitsUnavailableError
from tests.core.concurrency.shared.processes import ended, errors_of, started
from tests.core.concurrency.shared.worker import call
from tests.support.busy_server import BusyServer
from tests.support.core_driver import body, settings_for
from tests.support.redis_server import RedisServer, needs_redis

WAITS = 20.0
"""Seconds that a slot is waited for at most, where it has to come at once or with the lease."""


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


def limits_on(server: RedisServer, *, lease: float = 600.0) -> RedisLimits:
    """Limits of their own; what a process does not give back by itself is gone for the whole test."""
    return RedisLimits(server.url, prefix=f"{uuid4().hex}:", lease=lease)


def client_of(endpoint: BusyServer, limits: RedisLimits, cap: int) -> GumloopClient:
    return GumloopClient(settings_for(endpoint.base_url, limits=limits, max_concurrency=cap, slot_timeout=WAITS))


def message(holder: str, number: int, *, in_flight: int = 0, wanted: int = 0) -> Message:
    return {
        "holder": holder,
        "number": number,
        "in_flight": in_flight,
        "events": [],
        "wanted": wanted,
        "cap": 1000,
        "lease": 600.0,
    }


@needs_redis
def test_processes_share_the_slots(server: RedisServer) -> None:
    limits = limits_on(server)
    with BusyServer(0.02) as endpoint:
        process = started(limits, endpoint.base_url, calls=20, cap=3)
        assert call(endpoint.base_url, limits, 20, 3) == []
        assert errors_of(process) == "[]"
        assert endpoint.answered == 40
        assert 1 < endpoint.most <= 3


@needs_redis
def test_processes_learn_the_bound_together_and_lose_no_call(server: RedisServer) -> None:
    limits = limits_on(server)
    with BusyServer(0.05, admitted=5) as endpoint:
        process = started(limits, endpoint.base_url, calls=30, cap=0)
        assert call(endpoint.base_url, limits, 30, None) == []
        assert errors_of(process) == "[]"
        assert endpoint.answered == 60


@needs_redis
@pytest.mark.skipif(sys.platform == "win32", reason="this system has no SIGKILL")
def test_slots_of_a_killed_process_come_back_with_its_lease(server: RedisServer) -> None:
    limits = limits_on(server, lease=1.0)
    with BusyServer(60.0) as endpoint:
        process = started(limits, endpoint.base_url, calls=2, cap=2)
        for _ in range(1000):
            if endpoint.in_flight == 2:
                break
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        ended(process)
        endpoint.seconds = 0.0
        client_of(endpoint, limits, cap=2).complete(body())
        assert endpoint.answered == 1


@needs_redis
@pytest.mark.parametrize("how", ["hold", "hold spawn", "hold fork"])
def test_a_process_that_ends_gives_back_what_it_holds(server: RedisServer, how: str) -> None:
    if how == "hold fork" and sys.platform != "linux":
        pytest.skip("forking is what processes do on Linux")
    limits = limits_on(server)
    with BusyServer(0.0) as endpoint:
        assert errors_of(started(limits, endpoint.base_url, calls=1, cap=1, how=how)) == "[]"
        client_of(endpoint, limits, cap=1).complete(body())
        assert endpoint.answered == (1 if how == "hold" else 2)


@needs_redis
def test_a_server_that_begins_anew_ends_no_call() -> None:
    with RedisServer() as server, BusyServer(0.05) as endpoint, ThreadPoolExecutor(4) as pool:
        client = client_of(endpoint, limits_on(server), cap=2)
        client.complete(body())
        calls = [pool.submit(client.complete, body()) for _ in range(10)]
        server.stop()
        server.start()
        for call in calls:
            call.result(30)


@needs_redis
def test_changes_at_the_same_time_all_count(server: RedisServer) -> None:
    prefix = f"{uuid4().hex}:"

    def take(holder: int) -> int:
        store = RedisStore(server.url, prefix)
        held = 0
        for number in range(10):
            held += store.exchange("account", message(str(holder), number, in_flight=held, wanted=1))["granted"]
        return held

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(take, range(4))) == [10] * 4
    assert RedisStore(server.url, prefix).exchange("account", message("last", 0))["others"] == 40


@needs_redis
def test_a_server_out_of_reach_is_an_error_that_says_so() -> None:
    address = f"127.0.0.1:{RedisServer().port}"
    limits = RedisLimits(f"redis://:password-of-redis@{address}/0")
    with BusyServer(0.0) as endpoint, pytest.raises(LimitsUnavailableError, match="Redis cannot be reached") as raised:
        client_of(endpoint, limits, cap=1).complete(body())
    assert address in str(raised.value)
    assert "password-of-redis" not in str(raised.value)
    assert endpoint.answered == 0


@needs_redis
def test_a_server_that_lets_us_not_in_is_a_matter_of_configuration() -> None:
    with RedisServer(password="password-of-redis") as server:
        store = RedisStore(server.url.replace("of-redis", "of-another"), "prefix:")
        with pytest.raises(ConfigurationError, match="Redis does not let us in") as raised:
            store.exchange("account", message("holder", 0))
        assert "password-of" not in str(raised.value)
        RedisStore(server.url, "prefix:").exchange("account", message("holder", 0))


@needs_redis
def test_an_address_that_makes_no_sense() -> None:
    with pytest.raises(ConfigurationError, match="makes no sense") as raised:
        RedisStore("redis://:password-of-redis@host:none/0", "prefix:")
    assert "password-of-redis" not in str(raised.value)


def test_the_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    modules: dict[str, Any] = sys.modules
    monkeypatch.setitem(modules, "redis", None)
    with pytest.raises(ConfigurationError, match=r"gumloop-llms\[redis\]"):
        RedisStore("redis://host", "prefix:")
