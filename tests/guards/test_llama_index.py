"""What the LlamaIndex adapter does for each chunk, message and tool, counted."""

from __future__ import annotations

from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, MessageRole
from llama_index.core.instrumentation.events.llm import LLMChatInProgressEvent
from llama_index.core.tools import FunctionTool
from llama_index.core.tools.types import ToolMetadata
from pydantic import BaseModel

from benchmarks.answers import text_events, tool_events, words
from llama_index_gumloop import Gumloop
from llama_index_gumloop.from_wire import streamed_answers, tool_calls
from llama_index_gumloop.from_wire.unvalidated import OBJECTS
from llama_index_gumloop.to_wire.messages import to_messages
from tests.guards.counting import counter_of
from tests.guards.played_back import Player
from tests.support.counting import calls_made
from tests.support.http_bytes import chunk, event

MANY = 500


def model(monkeypatch: pytest.MonkeyPatch, events: list[bytes]) -> Gumloop:
    made = Gumloop(model="m", api_key="k")
    player = Player(events)
    monkeypatch.setattr(Gumloop, "_sync", lambda self: player)
    return made


def conversation(count: int) -> list[ChatMessage]:
    return [ChatMessage(role=MessageRole.USER, content=f"Message {place}") for place in range(count)]


def many_calls(count: int) -> list[bytes]:
    """The events of so many tool calls, each in four pieces."""
    deltas = []
    for index in range(count):
        first = {"index": index, "id": f"call_{index}", "type": "function", "function": {"name": "f", "arguments": ""}}
        pieces = ({"index": index, "function": {"arguments": piece}} for piece in ('{"a": ', '"b', '"}'))
        deltas += [{"tool_calls": [call]} for call in (first, *pieces)]
    return list(map(event, [*map(chunk, deltas), chunk({}, finish_reason="tool_calls")]))


@pytest.mark.parametrize("events", [text_events, tool_events])
def test_responses_are_not_validated(monkeypatch: pytest.MonkeyPatch, events: Any) -> None:
    llm = model(monkeypatch, events(MANY))
    messages = conversation(1)
    counts, watch = counter_of(monkeypatch)
    watch(ChatResponse, "__init__")
    watch(ChatMessage, "__init__")
    assert sum(1 for _ in llm.stream_chat(messages)) >= MANY
    assert counts["__init__"] <= 20


def test_tokens_are_not_put_together(monkeypatch: pytest.MonkeyPatch) -> None:
    llm = model(monkeypatch, text_events(MANY))
    deltas = [response.delta for response in llm.stream_chat(conversation(1))]
    assert [delta for delta in deltas if delta] == words(MANY)
    assert len(deltas) == MANY + 1  # the last has what is known at the end


def test_no_event_is_made_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    llm = model(monkeypatch, text_events(MANY))
    counts, watch = counter_of(monkeypatch)
    watch(LLMChatInProgressEvent, "__init__")
    for _ in llm.stream_chat(conversation(1000)):
        pass
    assert not counts


@pytest.mark.parametrize(
    ("events", "most"), [pytest.param(text_events, 16, id="text"), pytest.param(tool_events, 30, id="tool arguments")]
)
def test_a_chunk_takes_few_calls_however_long_the_request(
    monkeypatch: pytest.MonkeyPatch, events: Any, most: int
) -> None:
    messages = conversation(200)

    def work(llm: Gumloop) -> None:
        for _ in llm.stream_chat(messages):
            pass

    few = model(monkeypatch, events(10))
    work(few)
    base = calls_made(lambda: work(few))
    many = model(monkeypatch, events(10 + MANY))
    assert calls_made(lambda: work(many)) - base <= most * MANY


def test_a_piece_of_one_call_makes_objects_of_that_call_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    llm = model(monkeypatch, many_calls(MANY))
    counts, watch = counter_of(monkeypatch)
    watch(OBJECTS, "tool_call_block")
    watch(streamed_answers, "_param")
    for _ in llm.stream_chat(conversation(1)):
        pass
    assert MANY < counts["tool_call_block"] == counts["_param"] <= 4 * MANY


@pytest.mark.parametrize("is_agent", [False, True], ids=["consumed", "calls asked for at each response"])
def test_a_piece_takes_few_calls_however_many_tool_calls_there_are(
    monkeypatch: pytest.MonkeyPatch, is_agent: bool
) -> None:
    def work(llm: Gumloop) -> None:
        for response in llm.stream_chat(conversation(1)):
            if is_agent:
                llm.get_tool_calls_from_response(response, error_on_no_tool_call=False)

    some, many = (model(monkeypatch, many_calls(count)) for count in (50, 50 + MANY))
    work(some)  # what is made once
    made = [calls_made(lambda llm=llm: work(llm)) for llm in (some, many)]
    assert made[1] <= 2 * made[0] * (50 + MANY) / 50


def test_the_arguments_of_a_finished_call_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    llm = model(monkeypatch, many_calls(MANY))
    counts, watch = counter_of(monkeypatch)
    watch(tool_calls, "from_json")
    for response in llm.stream_chat(conversation(1)):
        llm.get_tool_calls_from_response(response, error_on_no_tool_call=False)
    assert counts["from_json"] <= 5 * MANY


def test_messages_are_converted_without_dumping_or_validating_them(monkeypatch: pytest.MonkeyPatch) -> None:
    messages = conversation(300)
    counts, watch = counter_of(monkeypatch)
    for name in ("model_dump", "model_copy", "model_construct", "__deepcopy__"):
        watch(BaseModel, name)
    calls = calls_made(lambda: to_messages(messages))
    assert not counts
    assert calls <= 8 * len(messages)


def test_a_tool_is_described_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def f(x: int) -> int:
        """Do it."""
        return x

    tool = FunctionTool.from_defaults(f)
    llm = model(monkeypatch, tool_events(10))
    counts, watch = counter_of(monkeypatch)
    watch(ToolMetadata, "get_parameters_dict")
    for _ in range(5):
        list(llm.stream_chat_with_tools([tool], user_msg="Hi"))
    assert counts["get_parameters_dict"] <= 1
