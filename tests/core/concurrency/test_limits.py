"""Where slots are kept, as a value: checked, compared, pickled, and never showing a password."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from gumloop_core import ClientSettings, Credentials, EnvSecret, RayLimits, RedisLimits
from gumloop_core.concurrency.limits import Limits
from gumloop_core.errors import ConfigurationError, MissingCredentialsError, UnpicklableSecretError
from langchain_gumloop import ChatGumloop
from llama_index_gumloop import Gumloop

WITH_PASSWORD = "redis://:canary-of-redis@host:6379/0"


@pytest.mark.parametrize("limits", [RedisLimits("redis://host"), RedisLimits(EnvSecret("REDIS_URL")), RayLimits()])
def test_it_travels(limits: Limits) -> None:
    assert pickle.loads(pickle.dumps(limits)) == limits
    assert hash(copy.deepcopy(limits)) == hash(limits)


@pytest.mark.parametrize("url", [WITH_PASSWORD, "redis://host?password=canary-of-redis", "redis://me:canary@host"])
def test_a_password_neither_travels_nor_shows(url: str) -> None:
    limits = RedisLimits(url)
    assert "canary" not in repr(limits)
    assert copy.deepcopy(limits) == limits
    with pytest.raises(UnpicklableSecretError, match="EnvSecret") as raised:
        pickle.dumps(limits)
    assert "canary" not in str(raised.value)


def test_a_url_that_is_named_is_read_where_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = RedisLimits(EnvSecret("SOME_URL"))
    with pytest.raises(MissingCredentialsError, match="SOME_URL"):
        limits.store()


@pytest.mark.parametrize(
    "make",
    [
        lambda: RedisLimits("host:6379"),
        lambda: RedisLimits(None),  # type: ignore[arg-type]
        lambda: RedisLimits("redis://host", lease=0),
        lambda: RayLimits(lease=float("nan")),
        lambda: RayLimits(lease="30"),  # type: ignore[arg-type]
    ],
)
def test_what_makes_no_sense(make: Any) -> None:
    with pytest.raises(ConfigurationError):
        make()


def test_models_of_an_account_share_a_limiter() -> None:
    def settings(**options: Any) -> ClientSettings:
        return ClientSettings(credentials=Credentials(api_key="key", user_id="one"), **options)

    shared = RedisLimits("redis://127.0.0.1:1/0")
    limiter = settings(limits=shared).limiter()
    assert settings(limits=RedisLimits("redis://127.0.0.1:1/0")).limiter() is limiter
    assert settings(limits=RedisLimits("redis://127.0.0.1:1/1")).limiter() is not limiter
    assert settings().limiter() is not limiter


@pytest.mark.parametrize("value", [{}, {"lease": 3}, "redis://127.0.0.1", 5, RedisLimits])
@pytest.mark.parametrize("kind", [ChatGumloop, Gumloop])
def test_a_model_takes_no_others(kind: Any, value: Any) -> None:
    with pytest.raises(ConfigurationError, match="limits must be"):
        kind(model="m", limits=value)
    model = kind(model="m")
    with pytest.raises(ConfigurationError, match="limits must be"):
        model.limits = value
