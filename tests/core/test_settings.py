"""Settings and the models' fields: what is refused before anything is sent."""

from __future__ import annotations

import math
import pickle
from typing import Any

import httpx
import pytest

from gumloop_core import ClientSettings, Credentials, Endpoint, GumloopClient
from gumloop_core.chat_model import ChatModelFields
from gumloop_core.errors import ConfigurationError, GumloopError
from tests.support.core_driver import body, settings_for


@pytest.mark.parametrize(
    "timeout", [-1, -math.inf, "10", True, math.nan, [1], (1, 2), httpx.Timeout(5, read=-1), {"read": 1}]
)
def test_timeouts_that_are_none(timeout: Any) -> None:
    client = GumloopClient(settings_for("http://127.0.0.1:1", timeout=timeout))
    with pytest.raises(ConfigurationError, match="timeout"):
        client.complete(body())
    with pytest.raises(ConfigurationError, match="timeout"):
        GumloopClient(settings_for("http://127.0.0.1:1")).complete(body(), timeout=timeout)


@pytest.mark.parametrize("timeout", [-1, "10", True, math.nan])
def test_idle_timeouts_that_are_none(timeout: Any) -> None:
    with pytest.raises(ConfigurationError, match="timeout"):
        settings_for("http://127.0.0.1:1", stream_idle_timeout=timeout)


def phases(timeout: Any) -> dict[str, Any]:
    settings = settings_for("http://127.0.0.1:1", timeout=timeout)
    exchange = settings.chat_exchange(body(), stream=False)
    exchange.authorize(settings.credentials.bearer())
    extensions = exchange.request(httpx.Client(trust_env=False), own_pool=True).extensions
    found: dict[str, Any] = extensions["timeout"]
    return found


def test_the_phases_of_a_timeout() -> None:
    assert phases(60) == {"connect": 10.0, "read": 60, "write": 60, "pool": 60}
    assert phases(3) == {"connect": 3, "read": 3, "write": 3, "pool": 3}
    assert phases(None) == {"connect": 10.0, "read": None, "write": None, "pool": None}
    assert phases(httpx.Timeout(7, connect=1)) == {"connect": 1, "read": 7, "write": 7, "pool": 7}
    assert phases(httpx.Timeout(None))["connect"] is None
    for endless in (math.inf, 1e12, 10**400):
        assert phases(endless) == phases(None)
    assert phases(httpx.Timeout(math.inf, connect=1)) == phases(httpx.Timeout(None, connect=1))


@pytest.mark.parametrize(
    ("options", "seconds"),
    [
        ({}, 120),
        ({"timeout": 10}, 10),
        ({"timeout": None}, 120),
        ({"timeout": math.inf}, 120),
        ({"timeout": httpx.Timeout(9, read=5)}, 5),
        ({"timeout": httpx.Timeout(None)}, 120),
        ({"timeout": 10, "stream_idle_timeout": 60}, 60),
        ({"timeout": 10, "stream_idle_timeout": None}, None),
        ({"timeout": 10, "stream_idle_timeout": math.inf}, None),
        ({"timeout": 10, "stream_idle_timeout": 120.0}, 120),
    ],
)
def test_how_long_a_stream_may_be_silent(options: dict[str, Any], seconds: float | None) -> None:
    """What was set explicitly holds; else the shorter of timeout and two minutes."""
    settings = ClientSettings(**options)
    model = Model(model="m", **options)
    assert settings.chat_exchange(body(), stream=True).idle_timeout == seconds
    assert model._sync()._settings.chat_exchange(body(), stream=True).idle_timeout == seconds
    if "stream_idle_timeout" not in options:
        assert settings.chat_exchange(body(), stream=True, timeout=3).idle_timeout == 3


def test_a_pickled_client_waits_as_long() -> None:
    client = pickle.loads(pickle.dumps(GumloopClient(ClientSettings(timeout=10))))
    assert client._settings.chat_exchange(body(), stream=True).idle_timeout == 10


def test_an_idle_timeout_that_is_set_later() -> None:
    model = Model(model="m", api_key="k", timeout=10)
    assert model._sync()._settings.chat_exchange(body(), stream=True).idle_timeout == 10
    model.stream_idle_timeout = 120.0
    assert model._sync()._settings.chat_exchange(body(), stream=True).idle_timeout == 120
    copy = Model(model="m", timeout=10).model_copy(update={"stream_idle_timeout": None})
    assert copy._sync()._settings.chat_exchange(body(), stream=True).idle_timeout is None


def test_an_address_that_only_httpx_refuses() -> None:
    endpoint = Endpoint("https://256.256.256.256", "https://256.256.256.256")
    settings = ClientSettings(credentials=Credentials(api_key="k"), endpoint=endpoint)
    with pytest.raises(ConfigurationError, match=r"256\.256"):
        GumloopClient(settings).complete(body())


class Model(ChatModelFields):
    """The fields alone."""


def test_a_copy_with_other_values_calls_with_them() -> None:
    model = Model(model="m", api_key="k", base_url="http://127.0.0.1:1")
    client = model._sync()
    assert model._sync() is client
    for update in (
        {"base_url": "http://127.0.0.1:2"},
        {"timeout": 5},
        {"default_headers": {"a": "b"}},
        {"max_retries": 0},
    ):
        assert model.model_copy(update=update)._sync() is not client
    assert model.model_copy(update={"temperature": 1})._sync() is client


@pytest.mark.parametrize("wrong", [{"temprature": 1}, {"base_url": "http://x.example"}, {"nonsense": 1}])
def test_arguments_that_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises((GumloopError, ValueError)):
        Model(model="m", **wrong)
