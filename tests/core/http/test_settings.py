"""Settings and the models' fields: what is refused before anything is sent."""

from __future__ import annotations

import json
import math
import pickle
from typing import Any

import httpx
import httpx2
import pydantic
import pytest
import requests

from gumloop_core import ClientSettings, Credentials, Endpoint, GumloopClient
from gumloop_core.chat_model import ChatModelFields
from gumloop_core.errors import ConfigurationError
from langchain_gumloop import ChatGumloop
from llama_index_gumloop import Gumloop
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
    return exchange.request().timeouts


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


def test_a_default_idle_timeout_stays_one_in_a_model_made_of_all_fields_of_another() -> None:
    """As LangChain's configurable fields and serialized models make it."""
    model = Model(model="m", api_key="k", timeout=10)
    for copy in (Model(**model.__dict__), Model(**model.model_dump()), pickle.loads(pickle.dumps(model))):
        assert copy._sync()._settings.chat_exchange(body(), stream=True).idle_timeout == 10
    told = Model(model="m", timeout=10, stream_idle_timeout=120.0)
    assert Model(**told.__dict__)._sync()._settings.chat_exchange(body(), stream=True).idle_timeout == 120


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


CLIENT, ASYNC_CLIENT = httpx.Client(trust_env=False), httpx.AsyncClient(trust_env=False)

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"temprature": 1}, "no argument 'temprature'"),
    ({"nonsense": 1}, "no argument 'nonsense'"),
    ({"base_url": "http://x.example"}, "allow_insecure"),
    ({"base_url": "nope"}, "base_url"),
    ({"base_url": 5}, "base_url"),
    ({"model": 5}, "model: "),
    ({"model": " "}, "model is blank"),
    ({"temperature": "hot"}, "temperature: "),
    ({"temperature": math.nan}, "temperature: "),
    ({"presence_penalty": math.inf}, "presence_penalty: "),
    ({"max_tokens": "many"}, "max_tokens: "),
    ({"stop": 5}, "stop: "),
    ({"models": "m"}, "models: "),
    ({"reasoning": "high"}, "reasoning: "),
    ({"extra_body": 5}, "extra_body: "),
    ({"api_key": 5}, "api_key: "),
    ({"max_retries": -1}, "max_retries: "),
    ({"transport": "x"}, "transport: "),
    ({"timeout": -1}, "timeout must be"),
    ({"timeout": math.nan}, "timeout must be"),
    ({"timeout": "10"}, "timeout must be"),
    ({"timeout": True}, "timeout must be"),
    ({"timeout": {"red": 1}}, "timeout has no phase 'red'"),
    ({"timeout": {"read": "x"}}, "timeout.read"),
    ({"timeout": {"read": 1}}, "timeout: "),
    ({"timeout": httpx.Timeout(5, read=-1)}, "timeout must be"),
    ({"stream_idle_timeout": "10"}, "stream_idle_timeout"),
    ({"stream_idle_timeout": True}, "stream_idle_timeout"),
    ({"stream_idle_timeout": math.nan}, "stream_idle_timeout"),
    ({"default_headers": [("a", "b")]}, "default_headers must be a dict"),
    ({"default_headers": {"x-a": None}}, "header 'x-a'"),
    ({"default_headers": {"Content-Length": "5"}}, "header 'Content-Length'"),
    (
        {"http_client": ASYNC_CLIENT},
        "http_client must be an httpx.Client or httpx2.Client, not httpx.AsyncClient.*http_async_client",
    ),
    (
        {"http_async_client": CLIENT},
        "http_async_client must be an httpx.AsyncClient or httpx2.AsyncClient, not httpx.Client.*http_client",
    ),
    ({"http_client": httpx.Client}, "this is a class"),
    ({"http_client": "x"}, "http_client must be an httpx.Client or httpx2.Client, not str"),
    ({"http_client": httpx2.AsyncClient()}, "not httpx2.AsyncClient. This one is for http_async_client"),
    ({"http_async_client": httpx2.Client()}, "not httpx2.Client. This one is for http_client"),
    ({"http_async_client": httpx2.AsyncClient}, "this is a class"),
    ({"http_client": requests.Session()}, "http_client must be an httpx.Client or httpx2.Client, not requests.Session"),
]
KINDS: list[Any] = [Model, ChatGumloop, Gumloop]


@pytest.mark.parametrize(("wrong", "reason"), REFUSED)
@pytest.mark.parametrize("kind", KINDS)
def test_arguments_that_are_refused(kind: Any, wrong: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        kind(**{"model": "m", **wrong})
    with pytest.raises(ConfigurationError, match=reason):
        kind.model_validate({"model": "m", **wrong})


@pytest.mark.parametrize("kind", KINDS)
def test_all_take_arguments_of_the_same_names(kind: Any) -> None:
    given: dict[str, Any] = {
        "model": "m",
        "api_key": "k",
        "access_token": "t",
        "user_id": "u",
        "team_id": "t",
        "base_url": "https://a.example/v1",
        "stream_base_url": "https://b.example/v1",
        "temperature": 0.1,
        "max_completion_tokens": 5,
        "top_p": 0.5,
        "seed": 1,
        "stop": ["x"],
        "frequency_penalty": 0.1,
        "presence_penalty": 0.1,
        "reasoning": {"effort": "low"},
        "modalities": ["text"],
        "image_config": {"size": "1024x1024"},
        "provider": {"sort": "price"},
        "models": ["n"],
        "plugins": [{"id": "web"}],
        "parallel_tool_calls": False,
        "extra_body": {"session_id": "s"},
        "default_headers": {"x-a": "b"},
        "timeout": 5,
        "stream_idle_timeout": 9,
        "max_retries": 0,
        "http_client": CLIENT,
        "http_async_client": ASYNC_CLIENT,
    }
    model = kind(**given)
    secrets = ("api_key", "access_token")
    assert {name: getattr(model, name) for name in given if name not in secrets} == {
        name: value for name, value in given.items() if name not in secrets
    }
    assert [getattr(model, name).get_secret_value() for name in secrets] == ["k", "t"]
    assert kind(model="m", max_tokens=5).max_completion_tokens == 5
    assert kind(model="m").max_retries == 2


@pytest.mark.parametrize("kind", KINDS)
def test_arguments_without_names_are_refused(kind: Any) -> None:
    with pytest.raises(ConfigurationError, match="by name: model="):
        kind("m")


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_inside_another_pydantic_model(kind: Any) -> None:
    holder = pydantic.create_model("Holder", llm=(kind, ...))
    assert holder(llm={"model": "m", "max_tokens": 5}).llm.max_completion_tokens == 5  # type: ignore[attr-defined]
    with pytest.raises(pydantic.ValidationError, match="temperature: "):
        holder(llm={"model": "m", "temperature": "hot"})


@pytest.mark.parametrize("timeout", [math.inf, 1e12, 10**40, None, 0, 5, httpx.Timeout(5, read=math.inf)])
@pytest.mark.parametrize("kind", KINDS)
def test_timeouts_that_are_taken_and_written_down(kind: Any, timeout: Any) -> None:
    model = kind(model="m", timeout=timeout, stream_idle_timeout=None if timeout is not math.inf else timeout)
    assert model.timeout == timeout
    written = json.loads(json.dumps(model.model_dump(mode="json", include={"timeout"}), allow_nan=False))
    again = kind(model="m", timeout=written["timeout"]).timeout
    assert again == (None if timeout == math.inf else timeout) or again.read is None


def test_a_timeout_is_known_though_another_library_renames_its_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """The openai SDK takes ``httpx.Timeout`` for its own, and says so in the class."""
    monkeypatch.setattr(httpx.Timeout, "__module__", "openai")
    assert Model(model="m", timeout=httpx.Timeout(5)).timeout == httpx.Timeout(5)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("timeout", "x"),
        ("default_headers", [1]),
        ("api_key", 5),
        ("stream_idle_timeout", -1),
        ("http_client", ASYNC_CLIENT),
        ("http_async_client", "x"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_set_later_is_checked_too(kind: Any, name: str, value: Any) -> None:
    model = kind(model="m")
    with pytest.raises(ConfigurationError):
        setattr(model, name, value)
    with pytest.raises(ConfigurationError):
        model.model_copy(update={name: value})


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_takes_the_arguments_of_the_constructor(kind: Any) -> None:
    model = kind(model="m")
    assert model.model_copy(update={"max_tokens": 5}).max_completion_tokens == 5
    with pytest.raises(ConfigurationError, match="'temprature': did you mean 'temperature'"):
        model.model_copy(update={"temprature": 1})
