"""A model object over its life: written down, copied, shared between loops and threads, closed."""

from __future__ import annotations

import asyncio
import copy
import functools
import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from langchain_core.load import dumpd, dumps, loads
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.runnables import ConfigurableField
from pydantic import SecretStr

from gumloop_core import errors as core
from gumloop_core.http import sync_pool
from gumloop_emulator import Answer, Emulator
from langchain_gumloop import ChatGumloop
from langchain_gumloop.errors import InvalidRequestError, MissingCredentialsError
from tests.langchain.conftest import MakeModel
from tests.support.odd_keywords import ODD_KEYWORDS

SECRET = "very-secret-key"

pytestmark = pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")


def secretive(**fields: Any) -> ChatGumloop:
    return ChatGumloop(
        model="claude-sonnet-4-5",
        api_key=SECRET,  # type: ignore[arg-type]
        default_headers={"x-secret": SECRET},
        base_url="https://api.gumloop.com/api/v1",
        temperature=0.5,
        **fields,
    )


def test_nothing_that_is_written_down_holds_the_secret() -> None:
    model = secretive(access_token=SECRET)
    shown = [repr(model), str(model), dumps(model), json.dumps(model._identifying_params), str(model.asdict())]
    shown += [str(model._get_invocation_params()), str(model._get_llm_string()), str(model.model_dump())]
    for text in shown:
        assert SECRET not in text
    assert SECRET.encode() not in pickle.dumps(model)


def test_a_model_is_written_down_and_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUMLOOP_API_KEY", "from-environment")
    read = loads(
        dumps(secretive()),
        allowed_objects=[ChatGumloop],
        valid_namespaces=["langchain_gumloop"],
        secrets_from_env=True,
    )
    assert isinstance(read, ChatGumloop)
    assert read.asdict() == secretive().asdict()
    assert isinstance(read.api_key, SecretStr)
    assert read.api_key.get_secret_value() == "from-environment"
    # A default that was not set is none again: a shorter timeout bounds the silence of a stream.
    assert dumpd(secretive())["kwargs"].keys().isdisjoint({"stream_idle_timeout"})
    assert dumpd(secretive(stream_idle_timeout=120.0))["kwargs"]["stream_idle_timeout"] == 120.0
    assert dumpd(secretive())["kwargs"]["api_key"] == {"lc": 1, "type": "secret", "id": ["GUMLOOP_API_KEY"]}


def test_a_pickled_model_asks_the_environment_for_its_key(server: Emulator, chat: MakeModel, monkeypatch: Any) -> None:
    model = chat(temperature=0.5)
    model.invoke("x")
    copied = pickle.loads(pickle.dumps(model))
    assert copied.temperature == 0.5
    monkeypatch.setenv("GUMLOOP_API_KEY", server.api_key)
    assert copied.invoke("Capital of Canada?").content
    assert asyncio.run(copied.ainvoke("Capital of Canada?")).content


def token() -> str:
    """Another process finds this by its name."""
    return "gl-emulator"


@pytest.mark.parametrize("name", ["api_key", "access_token"])
def test_a_source_of_secrets_is_pickled_by_its_name_or_not_at_all(name: str) -> None:
    copied = pickle.loads(pickle.dumps(ChatGumloop(model="m", **{name: token})))  # type: ignore[arg-type]
    assert getattr(copied, name) is token
    for source in (lambda: SECRET, functools.partial(str, SECRET), SECRET.strip):
        model = ChatGumloop(model="m", **{name: source})  # type: ignore[arg-type]
        with pytest.raises(pickle.PicklingError, match=f"{name} is a callable") as caught:
            pickle.dumps(model)
        assert isinstance(caught.value, core.ConfigurationError)
        for kept in (copy.copy(model), copy.deepcopy(model), model.model_copy()):
            assert getattr(kept, name) is source


def test_a_copy_out_of_a_pickle_says_what_it_lacks(server: Emulator, chat: MakeModel) -> None:
    copied = pickle.loads(pickle.dumps(chat()))
    for lacking in (copied, copy.copy(copied), copied.model_copy(update={"temperature": 1.0})):
        with pytest.raises(MissingCredentialsError, match=r"copies carry no secret.*GUMLOOP_API_KEY.*set api_key"):
            lacking.invoke("x")
    copied.api_key = server.api_key
    assert copied.invoke("Capital of Canada?").content
    with pytest.raises(MissingCredentialsError, match=r"pass api_key"):
        chat(api_key=None).invoke("x")


def test_a_key_of_the_environment_stays_one_in_a_configurable_model(
    server: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LangChain makes such a model again of all its fields; a token of the environment still wins over a key there."""
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    model = ChatGumloop(model="claude-sonnet-4-5").configurable_fields(temperature=ConfigurableField(id="heat"))
    monkeypatch.setenv("GUMLOOP_ACCESS_TOKEN", server.access_token)
    model.with_config(configurable={"heat": 0.5}).invoke("x")
    assert server.requests[-1].headers["authorization"] == f"Bearer {server.access_token}"


def test_a_copied_model_keeps_its_key(server: Emulator, chat: MakeModel) -> None:
    model = chat()
    model.invoke("x")
    for copied in (copy.deepcopy(model), copy.copy(model), model.model_copy(update={"temperature": 1.0})):
        assert copied.invoke("Capital of Canada?").content


def test_a_bound_model_can_be_copied_and_pickled(server: Emulator, chat: MakeModel, monkeypatch: Any) -> None:
    monkeypatch.setenv("GUMLOOP_API_KEY", server.api_key)
    bound = chat().bind(temperature=0.1)
    for copied in (copy.deepcopy(bound), pickle.loads(pickle.dumps(bound))):
        copied.invoke("x")
        assert server.last_body["temperature"] == 0.1


def test_one_model_over_several_event_loops(server: Emulator, chat: MakeModel) -> None:
    model = chat()

    async def calls() -> None:
        await asyncio.gather(*[model.ainvoke("Capital of Canada?") for _ in range(5)])
        async for _ in model.astream("Capital of Canada?"):
            pass

    for _ in range(3):
        asyncio.run(calls())
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: asyncio.run(calls()), range(3)))
    assert len(server.chat_requests) == 36


def test_one_model_over_many_threads(server: Emulator, chat: MakeModel) -> None:
    model = chat("emulator/echo")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: str(model.invoke(f"number {number}").text), range(40)))
    assert all(f"number {number}" in answer for number, answer in enumerate(answers))


def test_a_closed_model_opens_again(server: Emulator, chat: MakeModel) -> None:
    model = chat()
    model.invoke("x")
    model.close()
    assert model.invoke("x").content

    async def calls() -> None:
        await model.ainvoke("x")
        await model.aclose()
        await model.ainvoke("x")

    asyncio.run(calls())


def test_closing_frees_the_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync_pool, "_pool", None)  # other tests' models share the process's connections
    with Emulator() as server:
        connection = {"base_url": server.base_url, "api_key": server.api_key, "user_id": server.user_id}
        model = ChatGumloop(model="claude-sonnet-4-5", **connection)
        model.invoke("x")
        assert server.open_connections > 0
        model.close()
        assert server.wait_for(lambda emulator: emulator.open_connections == 0)

        async def calls() -> None:
            await model.ainvoke("x")
            assert server.open_connections > 0
            await model.aclose()
            assert await asyncio.to_thread(server.wait_for, lambda emulator: emulator.open_connections == 0)

        asyncio.run(calls())


def test_clients_of_ones_own_are_used_and_left_open(server: Emulator, chat: MakeModel) -> None:
    with httpx.Client(headers={"x-mine": "sync"}) as own:
        model = chat(http_client=own)
        model.invoke("x")
        list(model.stream("x"))
        assert [request.headers["x-mine"] for request in server.chat_requests] == ["sync", "sync"]
        model.close()
        assert not own.is_closed
    server.clear()

    async def calls() -> None:
        async with httpx.AsyncClient(headers={"x-mine": "async"}) as own:
            model = chat(http_async_client=own)
            await model.ainvoke("x")
            async for _ in model.astream("x"):
                pass
            await model.aclose()
            assert not own.is_closed

    asyncio.run(calls())
    assert [request.headers["x-mine"] for request in server.chat_requests] == ["async", "async"]


def test_models_share_connections(server: Emulator, chat: MakeModel) -> None:
    chat().invoke("x")
    before = server.connections
    for _ in range(10):
        chat().invoke("x")
    assert server.connections == before


def test_a_key_can_be_a_callable(server: Emulator, chat: MakeModel) -> None:
    async def later() -> str:
        return server.api_key

    chat(api_key=lambda: server.api_key).invoke("x")
    asyncio.run(chat(api_key=later).ainvoke("x"))
    assert {request.headers["authorization"] for request in server.chat_requests} == {f"Bearer {server.api_key}"}


def test_requests_follow_the_fields_of_a_copy(server: Emulator, chat: MakeModel) -> None:
    model = chat()
    model.invoke("x")
    other = model.model_copy(update={"default_headers": {"x-other": "1"}})
    other.invoke("x")
    assert server.chat_requests[-1].headers["x-other"] == "1"
    server.queue(Answer(text="y"))
    model.invoke("x")
    assert "x-other" not in server.chat_requests[-1].headers


@pytest.mark.parametrize(("options", "refusal"), ODD_KEYWORDS)
@pytest.mark.parametrize("way", ["invoke", "stream", "v3"])
def test_odd_keywords_of_a_call_are_named(
    server: Emulator, chat: MakeModel, way: str, options: dict[str, Any], refusal: str
) -> None:
    ways: dict[str, Any] = {
        "invoke": lambda: chat().invoke("x", **options),
        "stream": lambda: list(chat().stream("x", **options)),
        "v3": lambda: list(chat().stream_events("x", version="v3", **options)),
    }
    with pytest.raises(InvalidRequestError, match=refusal):
        ways[way]()
    assert not server.requests


def test_numbers_that_are_none_go_back_as_null(server: Emulator, chat: MakeModel) -> None:
    call = {"name": "add", "args": {"a": float("nan"), "b": [float("inf")]}, "id": "c", "type": "tool_call"}
    history = [HumanMessage("x"), AIMessage("", tool_calls=[call]), ToolMessage("1", tool_call_id="c")]
    chat().invoke(history)
    sent = server.last_body["messages"][1]["tool_calls"][0]["function"]["arguments"]
    assert sent == '{"a":null,"b":[null]}'


def test_a_number_that_is_none_in_an_earlier_answer_goes_back_as_null(server: Emulator, chat: MakeModel) -> None:
    answer = AIMessage("y", additional_kwargs={"reasoning_details": [{"type": "reasoning.text", "at": float("nan")}]})
    chat().invoke([HumanMessage("x"), answer, HumanMessage("z")])
    assert server.last_body["messages"][1]["reasoning_details"] == [{"type": "reasoning.text", "at": None}]
