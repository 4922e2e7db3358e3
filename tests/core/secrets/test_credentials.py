"""Who is calling: where keys and tokens come from, and that they do not show."""

from __future__ import annotations

import asyncio
import copy
import functools
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr

from gumloop_core import Credentials
from gumloop_core.errors import ConfigurationError, MissingCredentialsError

KEY = "gl-canary-0123456789"


def read() -> str:
    """A source that another process finds by its name."""
    return "from-a-function"


class Source:
    """One that holds a secret."""

    def __call__(self) -> str:
        return KEY


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


WRAPPED = [f"  {KEY}\n", f'"{KEY}"', f"'{KEY}'", f' "{KEY} " \r\n']


@pytest.mark.parametrize("wrapped", WRAPPED)
def test_white_space_and_quotes_of_a_file_of_variables_are_taken_off(
    wrapped: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for source in (wrapped, SecretStr(wrapped), lambda: wrapped):
        assert bearers(Credentials(api_key=source)) == bearers(Credentials(access_token=source)) == {KEY}
    credentials = Credentials(user_id=wrapped, team_id=wrapped)
    assert (credentials.user_id, credentials.team_id) == (KEY, KEY)
    for name in ("GUMLOOP_API_KEY", "GUMLOOP_ACCESS_TOKEN"):
        monkeypatch.setenv(name, wrapped)
        assert bearers(Credentials()) == {KEY}
        monkeypatch.delenv(name)
    monkeypatch.setenv("GUMLOOP_USER_ID", wrapped)
    monkeypatch.setenv("GUMLOOP_TEAM_ID", wrapped)
    assert (Credentials().user_id, Credentials().team_id) == (KEY, KEY)


@pytest.mark.parametrize("blank", ["", " \n", '""', "' '"])
def test_a_blank_value_counts_as_none(blank: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bearers(Credentials(api_key=KEY, access_token=blank)) == {KEY}
    monkeypatch.setenv("GUMLOOP_ACCESS_TOKEN", blank)
    monkeypatch.setenv("GUMLOOP_API_KEY", KEY)
    monkeypatch.setenv("GUMLOOP_USER_ID", blank)
    monkeypatch.setenv("GUMLOOP_TEAM_ID", blank)
    assert bearers(Credentials()) == bearers(Credentials(api_key=blank)) == {KEY}
    assert (Credentials().user_id, Credentials(team_id=blank).team_id) == (None, None)


@pytest.mark.parametrize("cut", [f'"{KEY}', f"{KEY}'", f"\u201c{KEY}\u201d"])
def test_half_a_pair_of_quotes_is_refused(cut: str) -> None:
    with pytest.raises(ConfigurationError, match=r"quotation mark|characters") as caught:
        Credentials(api_key=cut).bearer()
    assert KEY not in str(caught.value)
    with pytest.raises(ConfigurationError, match=r"user_id.*quotation mark"):
        Credentials(user_id=cut)


@pytest.mark.parametrize("name", ["user_id", "team_id"])
def test_an_id_that_is_no_text_is_named(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} must be a text, not int"):
        Credentials(**{name: 5})  # type: ignore[arg-type]


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


def test_an_error_of_the_source_is_the_cause_of_ours() -> None:
    def fetch() -> str:
        raise OSError("no vault")

    async def later() -> str:
        raise OSError("no vault")

    for source in (fetch, later):
        with pytest.raises(ConfigurationError, match=r"callable.*OSError: no vault") as caught:
            asyncio.run(Credentials(access_token=source).abearer())
        assert isinstance(caught.value.__cause__, OSError)


def test_an_error_of_ours_that_the_source_raises_is_raised() -> None:
    def fetch() -> str:
        raise MissingCredentialsError("sign in first")

    with pytest.raises(MissingCredentialsError, match="sign in first"):
        Credentials(api_key=fetch).bearer()


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


def test_nothing_shows_and_no_secret_is_pickled() -> None:
    credentials = Credentials(api_key=KEY, access_token=KEY, user_id="u", team_id="t")
    assert KEY not in repr(credentials) + str(credentials)
    loaded = pickle.loads(pickle.dumps(credentials))
    assert KEY.encode() not in pickle.dumps(credentials)
    assert (loaded.user_id, loaded.team_id) == ("u", "t")
    with pytest.raises(MissingCredentialsError, match=r"copies carry no secret.*GUMLOOP_API_KEY.*set api_key"):
        loaded.bearer()


def test_a_source_is_pickled_by_its_name_or_not_at_all() -> None:
    loaded = pickle.loads(pickle.dumps(Credentials(access_token=read)))
    assert bearers(loaded) == {"from-a-function"}
    for source in (lambda: KEY, functools.partial(read), KEY.strip, Source()):
        with pytest.raises(pickle.PicklingError, match="access_token is a callable") as caught:
            pickle.dumps(Credentials(access_token=source))
        assert isinstance(caught.value, ConfigurationError)
        assert KEY not in str(caught.value)


def test_a_copy_in_the_process_keeps_them() -> None:
    credentials = Credentials(api_key=KEY)
    assert bearers(copy.copy(credentials)) == bearers(copy.deepcopy({"a": credentials})["a"]) == {KEY}
