"""What the LangChain adapter does for each chunk, message and tool, counted."""

from __future__ import annotations

from typing import Any

import langchain_core.messages.ai as core_ai
import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.tools import tool
from pydantic import BaseModel

from benchmarks.answers import text_events, tool_events, words
from langchain_gumloop import ChatGumloop
from langchain_gumloop import tools as tools_module
from langchain_gumloop.to_wire.messages import to_messages
from tests.guards.counting import counter_of
from tests.guards.played_back import Player
from tests.support.counting import calls_made

MANY = 500


def model(monkeypatch: pytest.MonkeyPatch, events: list[bytes]) -> ChatGumloop:
    made = ChatGumloop(model="m", api_key="k")
    player = Player(events)
    monkeypatch.setattr(ChatGumloop, "_sync", lambda self: player)
    return made


@pytest.mark.parametrize("events", [text_events, tool_events])
def test_chunks_are_not_validated(monkeypatch: pytest.MonkeyPatch, events: Any) -> None:
    chat = model(monkeypatch, events(MANY))
    counts, watch = counter_of(monkeypatch)
    watch(AIMessageChunk, "__init__")
    watch(ChatGenerationChunk, "__init__")
    watch(core_ai, "parse_partial_json")
    assert sum(1 for _ in chat._stream([HumanMessage("Hi")])) >= MANY
    assert counts["__init__"] <= 10
    assert counts["parse_partial_json"] <= 10


def test_tokens_are_not_put_together(monkeypatch: pytest.MonkeyPatch) -> None:
    chat = model(monkeypatch, text_events(MANY))
    texts = [chunk.text for chunk in chat.stream("Hi")]
    assert [text for text in texts if text] == words(MANY)
    assert len(texts) == MANY + 1  # the last has what is known at the end


@pytest.mark.parametrize(
    ("events", "most"), [pytest.param(text_events, 18, id="text"), pytest.param(tool_events, 20, id="tool arguments")]
)
def test_a_chunk_takes_few_calls(monkeypatch: pytest.MonkeyPatch, events: Any, most: int) -> None:
    def work(chat: ChatGumloop) -> None:
        for _ in chat._stream([HumanMessage("Hi")]):
            pass

    few = model(monkeypatch, events(10))
    work(few)
    base = calls_made(lambda: work(few))
    many = model(monkeypatch, events(10 + MANY))
    assert calls_made(lambda: work(many)) - base <= most * MANY


def test_messages_are_converted_without_dumping_or_validating_them(monkeypatch: pytest.MonkeyPatch) -> None:
    call = {"name": "f", "args": {"x": 1}, "id": "c"}
    messages: list[BaseMessage] = []
    for _ in range(100):
        messages += [HumanMessage("Hi"), AIMessage("", tool_calls=[call]), ToolMessage("1", tool_call_id="c")]
    counts, watch = counter_of(monkeypatch)
    for name in ("model_dump", "model_copy", "model_construct", "__deepcopy__"):
        watch(BaseModel, name)
    calls = calls_made(lambda: to_messages(messages))
    assert not counts
    assert calls <= 12 * len(messages)


def test_a_tool_is_converted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    @tool
    def f(x: int) -> int:
        """Do it."""
        return x

    chat = model(monkeypatch, tool_events(10))
    counts, watch = counter_of(monkeypatch)
    watch(tools_module, "convert_to_openai_tool")
    for _ in range(5):
        list(chat.bind_tools([f]).stream("Hi"))
    assert counts["convert_to_openai_tool"] == 1
