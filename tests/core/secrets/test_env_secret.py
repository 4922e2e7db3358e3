"""A secret that is named: read at each use, and never in a pickle."""

from __future__ import annotations

import asyncio
import copy
import pickle

import pytest

from gumloop_core import Credentials, EnvSecret
from gumloop_core.errors import ConfigurationError, MissingCredentialsError

KEY = "gl-canary-of-the-environment"


def test_it_is_read_at_each_use(monkeypatch: pytest.MonkeyPatch) -> None:
    credentials = Credentials(api_key=EnvSecret("SOME_KEY"))
    for key in (KEY, "another-key"):
        monkeypatch.setenv("SOME_KEY", f' "{key}" ')
        assert credentials.bearer().get_secret_value() == key
        assert asyncio.run(credentials.abearer()).get_secret_value() == key


def test_it_wins_over_the_usual_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUMLOOP_ACCESS_TOKEN", "another")
    monkeypatch.setenv("SOME_KEY", KEY)
    assert Credentials(api_key=EnvSecret("SOME_KEY")).bearer().get_secret_value() == KEY


@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_variable_that_is_not_there(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    if value is not None:
        monkeypatch.setenv("SOME_KEY", value)
    with pytest.raises(MissingCredentialsError, match="SOME_KEY is not set in this process"):
        Credentials(access_token=EnvSecret("SOME_KEY")).bearer()


@pytest.mark.parametrize("name", ["", " ", "A=B", "A\0B", None, 7])
def test_what_is_no_name(name: object) -> None:
    with pytest.raises(ConfigurationError, match="takes the name of an environment variable"):
        EnvSecret(name)  # type: ignore[arg-type]


def test_pickles_hold_the_name_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", KEY)
    credentials = Credentials(api_key=EnvSecret("SOME_KEY"))
    credentials.bearer()
    pickled = pickle.dumps(credentials)
    assert KEY.encode() not in pickled
    monkeypatch.setenv("SOME_KEY", "the-worker's-own")
    assert pickle.loads(pickled).bearer().get_secret_value() == "the-worker's-own"


def test_it_is_one_value() -> None:
    secret = EnvSecret("SOME_KEY")
    assert secret == EnvSecret("SOME_KEY") == pickle.loads(pickle.dumps(secret)) == copy.deepcopy(secret)
    assert len({secret, EnvSecret("SOME_KEY")}) == 1
    assert repr(secret) == "EnvSecret('SOME_KEY')"
    with pytest.raises(AttributeError):
        secret.name = "another"  # type: ignore[misc]


def test_the_account_is_the_same_in_every_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", KEY)
    assert Credentials(api_key=EnvSecret("SOME_KEY")).account == Credentials(api_key=KEY).account
    monkeypatch.delenv("SOME_KEY")
    assert Credentials(api_key=EnvSecret("SOME_KEY")).account == "variable SOME_KEY"
