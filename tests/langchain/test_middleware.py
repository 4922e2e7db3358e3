"""Calls that are cut off or malformed run nothing, and the model hears of them."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from gumloop_emulator import Emulator
from langchain_gumloop import InvalidToolCallMiddleware
from tests.langchain.answers import call, call_piece, streamed, unary
from tests.langchain.conftest import MakeModel


def get_weather(city: str) -> str:
    """Tell the weather in a city."""
    return f"It is sunny and 21 degrees in {city}."


def calling(arguments: str, finish_reason: str = "tool_calls", identity: str = "c1") -> Any:
    return streamed(call_piece(0, arguments, id=identity, name="get_weather"), finish_reason=finish_reason)


CUT = calling('{"city": "/home/me/old', "length")
MALFORMED = calling("{nope")
NO_ARGUMENTS_YET = calling("", "content_filter")


def _run(agent: Any, way: str) -> list[Any]:
    """Run an agent; what its state holds at the end."""
    question = {"messages": [HumanMessage("go")]}

    async def stream(mode: Any) -> list[Any]:
        return [part async for part in agent.astream(question, stream_mode=mode)]

    if way == "invoke":
        return agent.invoke(question)["messages"]  # type: ignore[no-any-return]
    if way == "ainvoke":
        return asyncio.run(agent.ainvoke(question))["messages"]  # type: ignore[no-any-return]
    if way == "v3":
        return agent.stream_events(question, version="v3").output["messages"]  # type: ignore[no-any-return]
    if way == "astream":
        return [part for _, part in asyncio.run(stream(["messages", "values"]))][-1]["messages"]  # type: ignore[no-any-return]
    parts = list(agent.stream(question, stream_mode=[way, "values"]))
    return [part for mode, part in parts if mode == "values"][-1]["messages"]  # type: ignore[no-any-return]


WAYS = ["invoke", "ainvoke", "values", "updates", "messages", "astream", "v3"]


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("answer", [CUT, MALFORMED, NO_ARGUMENTS_YET], ids=["cut off", "malformed", "not begun"])
def test_a_tool_never_runs_on_a_call_that_is_not_whole(
    server: Emulator, chat: MakeModel, answer: Any, way: str, streaming: bool
) -> None:
    # https://github.com/langchain-ai/langchain/issues/39275
    ran: list[Any] = []

    def get_weather(city: str = "") -> str:
        """Tell the weather."""
        ran.append(city)
        return city

    server.queue(answer, streamed({"content": "Sorry."}))
    model = chat(streaming=True) if streaming else chat()
    messages = _run(create_agent(model, [get_weather]), way)
    assert ran == []
    assert messages[1].tool_calls == []
    assert [one["id"] for one in messages[1].invalid_tool_calls] == ["c1"]


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
@pytest.mark.parametrize("way", WAYS)
def test_the_middleware_gives_a_broken_call_back_to_the_model(server: Emulator, chat: MakeModel, way: str) -> None:
    cut, good = calling('{"city": "Ro', "length", "c2"), calling('{"city": "Rome"}', identity="c3")
    server.queue(MALFORMED, cut, good, streamed({"content": "Sunny."}))
    agent = create_agent(chat(), [get_weather], middleware=[InvalidToolCallMiddleware()])
    messages = _run(agent, way)
    assert [type(message) for message in messages] == [HumanMessage, *[AIMessage, ToolMessage] * 3, AIMessage]
    assert [(message.tool_call_id, message.status) for message in messages if message.type == "tool"] == [
        ("c1", "error"),
        ("c2", "error"),
        ("c3", "success"),
    ]
    assert "not JSON" in messages[2].content
    assert "cut off (length)" in messages[4].content
    sent = server.last_body["messages"]
    assert [message["role"] for message in sent] == ["user", *["assistant", "tool"] * 3]
    assert json.loads(sent[1]["tool_calls"][0]["function"]["arguments"]) == {"invalid_arguments": "{nope"}


def test_the_middleware_gives_up_after_some_answers(server: Emulator, chat: MakeModel) -> None:
    server.queue(*[calling("{nope", identity=f"c{place}") for place in range(5)])
    agent = create_agent(chat(), [get_weather], middleware=[InvalidToolCallMiddleware(max_repeats=2)])
    messages = _run(agent, "messages")
    assert len(server.chat_requests) == 3
    assert messages[-1].invalid_tool_calls
    server.clear()


def test_the_middleware_answers_a_broken_call_beside_a_good_one(server: Emulator, chat: MakeModel) -> None:
    both = unary("tool_calls", tool_calls=[call("c1", "get_weather", '{"city": "Rome"}'), call("c2", "f", "{nope")])
    server.queue(both, unary(content="Sunny."))
    agent = create_agent(chat(), [get_weather], middleware=[InvalidToolCallMiddleware()])
    messages = _run(agent, "invoke")
    assert {message.tool_call_id: message.status for message in messages if message.type == "tool"} == {
        "c1": "success",
        "c2": "error",
    }
    assert len(server.chat_requests) == 2


def test_the_middleware_is_found_without_being_imported() -> None:
    import langchain_gumloop

    assert langchain_gumloop.InvalidToolCallMiddleware is InvalidToolCallMiddleware
    assert "InvalidToolCallMiddleware" not in langchain_gumloop.__all__
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        langchain_gumloop.nothing  # noqa: B018


def test_the_middleware_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    import langchain_gumloop

    monkeypatch.delitem(sys.modules, "langchain_gumloop.middleware", raising=False)
    monkeypatch.setitem(sys.modules, "langchain.agents.middleware", None)
    with pytest.raises(ImportError, match="pip install langchain"):
        langchain_gumloop.InvalidToolCallMiddleware  # noqa: B018
