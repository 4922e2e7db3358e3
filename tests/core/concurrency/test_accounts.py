"""Which calls share a limiter."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import pytest

from gumloop_core import Credentials, Endpoint
from gumloop_core.concurrency import accounts
from gumloop_core.concurrency.accounts import memory_limiter
from gumloop_core.concurrency.limiter import Ticket
from gumloop_core.http.settings import ClientSettings


def test_one_for_each_account() -> None:
    assert memory_limiter("a") is memory_limiter("a")
    assert memory_limiter("a") is not memory_limiter("b")


def test_threads_that_ask_at_once_get_the_same() -> None:
    found, barrier = [], threading.Barrier(8)

    def ask() -> None:
        barrier.wait(10)
        found.append(memory_limiter("new"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(found) == 8
    assert len(set(map(id, found))) == 1


def test_of_too_many_those_go_that_are_not_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "MOST_ACCOUNTS", 3)
    used = memory_limiter("used")
    used.acquire(Ticket(None, None, is_stream=False))
    others = [memory_limiter(name) for name in "abcd"]
    assert len(accounts._limiters) == 3
    assert memory_limiter("used") is used
    assert memory_limiter("d") is others[-1]


def settings(base_url: str = "http://127.0.0.1:1/v1", **credentials: object) -> ClientSettings:
    return ClientSettings(credentials=Credentials(**credentials), endpoint=Endpoint.resolve(base_url))  # type: ignore[arg-type]


def module_token() -> str:
    return "gl-token"


def token_of(value: str) -> Callable[[], str]:
    return lambda: value


class Tenant:
    def token(self) -> str:
        return "gl-token"


TENANT = Tenant()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"api_key": "k", "user_id": "u"}, {"access_token": "t", "user_id": "u"}),
        ({"api_key": "k", "team_id": "t"}, {"api_key": "j", "team_id": "t", "user_id": "u"}),
        ({"api_key": "k"}, {"api_key": "k"}),
        ({"access_token": module_token}, {"access_token": module_token}),
        ({"access_token": TENANT.token}, {"access_token": TENANT.token}),
    ],
    ids=["user", "team", "key", "function", "method"],
)
def test_models_of_an_account_share_it(one: dict[str, object], other: dict[str, object]) -> None:
    assert settings(**one).limiter() is settings(**other).limiter()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"user_id": "u"}, {"user_id": "v"}),
        ({"team_id": "t"}, {"user_id": "t"}),
        ({"api_key": "k"}, {"api_key": "j"}),
        ({"access_token": token_of("a")}, {"access_token": token_of("b")}),
        ({"access_token": TENANT.token}, {"access_token": Tenant().token}),
    ],
    ids=["users", "team and user", "keys", "closures of one name", "methods of two objects"],
)
def test_different_accounts_do_not_share_it(one: dict[str, object], other: dict[str, object]) -> None:
    assert settings(**one).limiter() is not settings(**other).limiter()


def test_addresses_do_not_share_it() -> None:
    given = {"api_key": "k", "user_id": "u"}
    assert settings(**given).limiter() is not settings("http://127.0.0.1:2/v1", **given).limiter()


def test_an_account_of_a_key_does_not_show_it() -> None:
    assert "gl-secret" not in Credentials(api_key="gl-secret").account


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_begins_anew() -> None:
    limiter = memory_limiter("a")
    limiter.acquire(Ticket(1, None, is_stream=False))
    with limiter._lock, accounts._lock:
        child = os.fork()
        if child == 0:
            try:
                memory_limiter("b")
                memory_limiter("a").acquire(Ticket(1, 5.0, is_stream=False))
                os._exit(0)
            finally:
                os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
