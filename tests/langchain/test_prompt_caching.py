"""The middleware marks what stays the same from request to request, and nothing but the request."""

from __future__ import annotations

import asyncio
import warnings
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware
from langchain_core.language_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import BaseTool, tool

from gumloop_core import errors as core
from gumloop_emulator import Answer, Emulator, ToolCall
from langchain_gumloop import GumloopPromptCachingMiddleware
from tests.langchain.conftest import MakeModel

FIVE_MINUTES = {"type": "ephemeral", "ttl": "5m"}
HOUR = {"type": "ephemeral", "ttl": "1h"}
CALL = Answer(tool_calls=[ToolCall("weather", {"city": "Rome"}, id="c1")])
SERVER_TOOL = {"type": "openrouter:web_search", "parameters": {}}


@tool
def weather(city: str) -> str:
    """Tell the weather."""
    return f"It is sunny in {city}."


@tool(extras={"defer_loading": True})
def population(city: str) -> str:
    """Tell how many people live in a city."""
    return city


def text(said: str, mark: dict[str, str]) -> list[dict[str, Any]]:
    return [{"type": "text", "text": said, "cache_control": mark}]


def ask(model: Any, caching: GumloopPromptCachingMiddleware, messages: Any = None, **agent: Any) -> list[Any]:
    built = create_agent(
        model, **{"tools": [weather], "system_prompt": "A handbook.", "middleware": [caching], **agent}
    )
    return built.invoke({"messages": messages or [HumanMessage("Weather in Rome?")]})["messages"]  # type: ignore[no-any-return]


def test_system_prompt_last_tool_and_last_message_are_marked(server: Emulator, chat: MakeModel) -> None:
    server.queue(CALL, Answer(text="Sunny."))
    messages = ask(chat(), GumloopPromptCachingMiddleware(), tools=[weather, population])
    first, second = [request.json for request in server.chat_requests]
    for body in (first, second):
        assert body["messages"][0]["content"] == text("A handbook.", FIVE_MINUTES)
        assert [sent.get("cache_control") for sent in body["tools"]] == [None, FIVE_MINUTES]
        assert body["tools"][1]["defer_loading"] is True
        assert "cache_control" not in body
    assert first["messages"][1]["content"] == text("Weather in Rome?", FIVE_MINUTES)
    # The mark moves on with the conversation, and the state knows nothing of it.
    assert second["messages"][1]["content"] == "Weather in Rome?"
    assert second["messages"][3]["content"] == text("It is sunny in Rome.", FIVE_MINUTES)
    assert [message.content for message in messages] == ["Weather in Rome?", "", "It is sunny in Rome.", "Sunny."]
    assert weather.extras is None
    assert population.extras == {"defer_loading": True}


def test_it_works_asynchronously_and_for_an_hour(server: Emulator, chat: MakeModel) -> None:
    server.queue(Answer(text="ok"))
    agent = create_agent(chat(), [weather], middleware=[GumloopPromptCachingMiddleware(ttl="1h")])
    asyncio.run(agent.ainvoke({"messages": [HumanMessage("x")]}))
    assert server.last_body["messages"] == [{"role": "user", "content": text("x", HOUR)}]
    assert server.last_body["tools"][0]["cache_control"] == HOUR


def test_short_conversations_are_not_marked(server: Emulator, chat: MakeModel) -> None:
    server.queue(CALL, Answer(text="ok"))
    ask(chat(), GumloopPromptCachingMiddleware(min_messages_to_cache=3))
    first, second = [request.json for request in server.chat_requests]
    assert "cache_control" not in str(first)
    assert str(second).count("cache_control") == 3


@pytest.mark.parametrize("behavior", ["warn", "ignore", "raise"])
def test_other_models_get_nothing(behavior: Any) -> None:
    model = FakeMessagesListChatModel(responses=[AIMessage("ok")])
    caching = GumloopPromptCachingMiddleware(unsupported_model_behavior=behavior)
    if behavior == "warn":
        with pytest.warns(UserWarning, match="the model is FakeMessagesListChatModel. Nothing is marked"):
            ask(model, caching, tools=[])
    elif behavior == "raise":
        with pytest.raises(core.ConfigurationError, match="FakeMessagesListChatModel"):
            ask(model, caching, tools=[])
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            assert ask(model, caching, tools=[])[-1].content == "ok"


def test_a_model_that_caches_by_itself_gets_no_marks(server: Emulator, chat: MakeModel) -> None:
    server.queue(Answer(text="ok"))
    ask(chat("gemini-2.5-flash"), GumloopPromptCachingMiddleware())
    assert "cache_control" not in str(server.last_body)


def test_marks_of_the_callers_stay_and_there_are_four_at_most(server: Emulator, chat: MakeModel) -> None:
    server.queue(*[Answer(text="ok")] * 3)
    own, other = HumanMessage(text("a book", HOUR), id="1"), HumanMessage(text("a book", HOUR), id="2")
    system = SystemMessage([*text("rules", HOUR), {"type": "text", "text": "today"}])
    ask(chat(), GumloopPromptCachingMiddleware(), [own, AIMessage("Read."), other], system_prompt=system)
    sent = server.last_body
    assert sent["messages"][0]["content"] == [*text("rules", HOUR), *text("today", HOUR)]
    assert [sent["messages"][place]["content"] for place in (1, 3)] == [text("a book", HOUR)] * 2
    assert "cache_control" not in sent["tools"][0]
    marked = HumanMessage("x", additional_kwargs={"cache_control": HOUR})
    ask(chat(), GumloopPromptCachingMiddleware(), [own, other, marked])
    assert str(server.last_body).count("cache_control") == 4
    assert server.last_body["messages"][3]["content"] == text("x", HOUR)


@pytest.mark.parametrize("calls", [9, 10])
def test_the_prompt_before_a_turn_of_many_calls_is_marked_too(server: Emulator, chat: MakeModel, calls: int) -> None:
    asked = [{"name": "weather", "args": {"city": "Rome"}, "id": f"c{n}", "type": "tool_call"} for n in range(calls)]
    results = [ToolMessage("Sunny.", tool_call_id=call["id"]) for call in asked]
    server.queue(Answer(text="ok"))
    ask(chat(), GumloopPromptCachingMiddleware(), [HumanMessage("x"), AIMessage("", tool_calls=asked), *results])
    messages = server.last_body["messages"]
    assert messages[1]["content"] == (text("x", FIVE_MINUTES) if calls == 10 else "x")
    assert messages[-1]["content"] == text("Sunny.", FIVE_MINUTES)
    assert str(server.last_body).count("cache_control") == (4 if calls == 10 else 3)


@pytest.mark.parametrize("of", ["model", "call"])
def test_the_field_at_the_top_of_the_body_is_one_of_the_four(server: Emulator, chat: MakeModel, of: str) -> None:
    class AtTheTop(AgentMiddleware[Any, Any, Any]):
        def wrap_model_call(self, request: Any, handler: Any) -> Any:
            return handler(request.override(model_settings={"cache_control": HOUR}))

    server.queue(Answer(text="ok"))
    history = [HumanMessage(text("a book", HOUR)), HumanMessage("x")]
    caching = GumloopPromptCachingMiddleware()
    if of == "call":
        ask(chat(), caching, history, middleware=[AtTheTop(), caching])
    else:
        ask(chat(cache_control=HOUR), caching, history)
    body = server.last_body
    assert body["cache_control"] == HOUR
    # It marks the last message by itself.
    assert [message["content"] for message in body["messages"]] == [
        text("A handbook.", HOUR),
        text("a book", HOUR),
        "x",
    ]
    assert body["tools"][0]["cache_control"] == HOUR


@pytest.mark.parametrize(
    ("own", "ours", "tool_for", "system_for", "last_for"),
    [("1h", "5m", "1h", "1h", "5m"), ("5m", "1h", "1h", "1h", "5m"), (None, "1h", "1h", "1h", "5m")],
)
def test_an_hour_never_comes_behind_five_minutes(
    server: Emulator, chat: MakeModel, own: Any, ours: Any, tool_for: str, system_for: str, last_for: str
) -> None:
    # Claude refuses it: "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block".
    server.queue(Answer(text="ok"))
    mark = {"type": "ephemeral", "ttl": own} if own else {"type": "ephemeral"}
    ask(chat(), GumloopPromptCachingMiddleware(ttl=ours), [HumanMessage(text("a book", mark)), HumanMessage("x")])
    sent = server.last_body
    assert sent["tools"][0]["cache_control"]["ttl"] == tool_for
    marks = [message["content"][-1]["cache_control"] for message in sent["messages"]]
    assert marks == [{"type": "ephemeral", "ttl": system_for}, mark, {"type": "ephemeral", "ttl": last_for}]


def test_five_minutes_in_the_system_prompt_hold_for_what_follows(server: Emulator, chat: MakeModel) -> None:
    server.queue(Answer(text="ok"))
    system = SystemMessage([*text("rules", FIVE_MINUTES), {"type": "text", "text": "today"}])
    ask(chat(), GumloopPromptCachingMiddleware(ttl="1h"), system_prompt=system)
    sent = server.last_body
    assert sent["tools"][0]["cache_control"] == HOUR
    assert sent["messages"][0]["content"][1:] == text("today", FIVE_MINUTES)
    assert sent["messages"][1]["content"] == text("Weather in Rome?", FIVE_MINUTES)


def test_the_last_thing_that_says_something_is_marked(server: Emulator, chat: MakeModel) -> None:
    server.queue(*[Answer(text="ok")] * 3)
    picture = {"type": "image", "url": "https://example.com/a.png"}
    shown = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    ask(chat(), GumloopPromptCachingMiddleware(), [HumanMessage(["What is it?", picture])], system_prompt=None)
    assert server.last_body["messages"][0]["content"] == [
        {"type": "text", "text": "What is it?"},
        {**shown, "cache_control": FIVE_MINUTES},
    ]
    calling = AIMessage("I look.", tool_calls=[{"name": "weather", "args": {}, "id": "c1", "type": "tool_call"}])
    history = [HumanMessage("x"), calling, ToolMessage("", tool_call_id="c1")]
    ask(chat(), GumloopPromptCachingMiddleware(), history, system_prompt=None)
    assert [message["content"] for message in server.last_body["messages"]] == ["x", text("I look.", FIVE_MINUTES), ""]
    ask(chat(), GumloopPromptCachingMiddleware(), [HumanMessage(["a", "b", " "])], system_prompt=SystemMessage(""))
    assert server.last_body["messages"][1]["content"][:2] == [{"type": "text", "text": "a"}, *text("b", FIVE_MINUTES)]


def test_tools_that_run_at_the_server_are_left_alone(server: Emulator, chat: MakeModel) -> None:
    server.queue(*[Answer(text="ok")] * 2)
    own = {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}
    ask(chat(), GumloopPromptCachingMiddleware(), tools=[own, SERVER_TOOL])
    assert server.last_body["tools"] == [{**own, "cache_control": FIVE_MINUTES}, SERVER_TOOL]
    assert "cache_control" not in own
    ask(chat(), GumloopPromptCachingMiddleware(), tools=[SERVER_TOOL])
    assert server.last_body["tools"] == [SERVER_TOOL]


def test_a_tools_schema_is_read_once(server: Emulator, chat: MakeModel) -> None:
    read: list[Any] = []

    class Counted(type(weather)):  # type: ignore[misc]
        @property
        def tool_call_schema(self) -> Any:
            read.append(1)
            return super().tool_call_schema

    counted: BaseTool = Counted(**{name: getattr(weather, name) for name in type(weather).model_fields})
    server.queue(CALL, Answer(text="ok"), Answer(text="ok"))
    caching = GumloopPromptCachingMiddleware()
    ask(chat(), caching, tools=[counted])
    before = len(read)
    ask(chat(), caching, tools=[counted])
    assert before
    assert len(read) == before


@pytest.mark.parametrize(
    "odd",
    [{"ttl": "9y"}, {"type": "persistent"}, {"unsupported_model_behavior": "shout"}],
    ids=lambda odd: next(iter(odd)),
)
def test_other_values_are_refused(odd: dict[str, Any]) -> None:
    with pytest.raises(core.ConfigurationError, match=next(iter(odd))):
        GumloopPromptCachingMiddleware(**odd)


def test_the_middleware_is_found_without_being_imported() -> None:
    import langchain_gumloop

    assert langchain_gumloop.GumloopPromptCachingMiddleware is GumloopPromptCachingMiddleware
    assert "GumloopPromptCachingMiddleware" not in langchain_gumloop.__all__
