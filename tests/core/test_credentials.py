"""Who is calling: where keys and tokens come from, and that they do not show."""

from __future__ import annotations

import asyncio
import copy
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr

from gumloop_core import Credentials
from gumloop_core.errors import ConfigurationError, MissingCredentialsError

KEY = "gl-canary-0123456789"


def bearers(credentials: Credentials) -> set[str]:
    """What a synchronous and an asynchronous request would carry."""
    return {credentials.bearer().get_secret_value(), asyncio.run(credentials.abearer()).get_secret_value()}


def test_arguments_in_every_form() -> None:
    async def fetch() -> str:
        return KEY

    async def fetch_secret() -> SecretStr:
        return SecretStr(KEY)

    for source in (KEY, SecretStr(KEY), lambda: KEY, lambda: SecretStr(KEY), f" {KEY}\n"):
        assert bearers(Credentials(api_key=source)) == {KEY}
        assert bearers(Credentials(access_token=source)) == {KEY}
    for asynchronous in (fetch, fetch_secret):
        assert asyncio.run(Credentials(access_token=asynchronous).abearer()).get_secret_value() == KEY


def test_a_token_wins_over_a_key_and_arguments_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUMLOOP_API_KEY", "env-key")
    assert bearers(Credentials()) == {"env-key"}
    monkeypatch.setenv("GUMLOOP_ACCESS_TOKEN", "env-token")
    assert bearers(Credentials()) == {"env-token"}
    assert bearers(Credentials(api_key="key")) == {"key"}
    assert bearers(Credentials(api_key="key", access_token="token")) == {"token"}
    assert bearers(Credentials(api_key="env-key", key_from_environment=True)) == {"env-token"}
    assert bearers(Credentials(api_key="", access_token=SecretStr(""))) == {"env-token"}


def test_the_environment_and_callables_are_read_at_each_request(monkeypatch: pytest.MonkeyPatch) -> None:
    credentials = Credentials()
    for token in ("first", "second"):
        monkeypatch.setenv("GUMLOOP_ACCESS_TOKEN", token)
        monkeypatch.setenv("GUMLOOP_USER_ID", token)
        monkeypatch.setenv("GUMLOOP_TEAM_ID", token)
        assert bearers(credentials) == {token}
        assert (credentials.user_id, credentials.team_id) == (token, token)
    tokens = iter(["one", "two"])
    rotating = Credentials(access_token=lambda: next(tokens))
    assert [rotating.bearer().get_secret_value() for _ in range(2)] == ["one", "two"]


@pytest.mark.parametrize("source", [None, "", " \n", SecretStr(""), lambda: "", lambda: None])
def test_without_any_the_request_names_the_variables(source: Any) -> None:
    credentials = Credentials(api_key=source)
    with pytest.raises(MissingCredentialsError, match=r"GUMLOOP_API_KEY.*GUMLOOP_USER_ID.*GUMLOOP_ACCESS_TOKEN"):
        credentials.bearer()
    with pytest.raises(MissingCredentialsError):
        asyncio.run(credentials.abearer())


def test_an_asynchronous_source_is_refused_by_synchronous_calls_without_a_warning(
    recwarn: pytest.WarningsRecorder,
) -> None:
    async def fetch() -> str:
        return KEY

    with pytest.raises(ConfigurationError, match=r"asynchronous calls"):
        Credentials(access_token=fetch).bearer()
    assert not recwarn.list


@pytest.mark.parametrize("source", [lambda: 5, lambda: b"bytes", lambda: ["x"]])
def test_a_source_of_something_else_is_named_by_its_type(source: Callable[[], Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"int|bytes|list"):
        Credentials(access_token=source).bearer()


def test_an_error_of_the_source_is_the_callers() -> None:
    def fetch() -> str:
        raise OSError("no vault")

    with pytest.raises(OSError, match=r"no vault"):
        Credentials(access_token=fetch).bearer()


BROKEN = f"{KEY}\r\nx-evil: 1"


async def _fetch_broken() -> str:
    return BROKEN


@pytest.mark.parametrize("source", [BROKEN, SecretStr(BROKEN), lambda: BROKEN, _fetch_broken, f"{KEY}é", f"{KEY} x"])
def test_what_cannot_be_in_a_header_is_refused_without_showing_it(source: Any) -> None:
    credentials = Credentials(access_token=source)
    with pytest.raises(ConfigurationError) as caught:
        asyncio.run(credentials.abearer())
    frames = [frame for frame, _ in traceback.walk_tb(caught.tb) if "gumloop_core" in frame.f_code.co_filename]
    assert frames
    assert KEY not in str(caught.value)
    assert KEY not in repr([frame.f_locals for frame in frames])


def test_headers() -> None:
    bearer = SecretStr(KEY)
    assert Credentials(api_key=KEY).headers(bearer) == [("Authorization", f"Bearer {KEY}")]
    assert Credentials(api_key=KEY, user_id="u").headers(bearer)[1] == ("x-auth-key", "u")
    with pytest.raises(ConfigurationError, match=r"user_id"):
        Credentials(api_key=KEY, user_id="u\r\nx: y").headers(bearer)


def test_nothing_shows_and_nothing_is_pickled() -> None:
    credentials = Credentials(api_key=KEY, access_token=lambda: KEY, user_id="u", team_id="t")
    assert KEY not in repr(credentials) + str(credentials)
    loaded = pickle.loads(pickle.dumps(credentials))
    assert KEY.encode() not in pickle.dumps(credentials)
    assert (loaded.user_id, loaded.team_id) == ("u", "t")
    with pytest.raises(MissingCredentialsError):
        loaded.bearer()


def test_a_copy_in_the_process_keeps_them() -> None:
    credentials = Credentials(api_key=KEY)
    assert bearers(copy.copy(credentials)) == bearers(copy.deepcopy({"a": credentials})["a"]) == {KEY}
