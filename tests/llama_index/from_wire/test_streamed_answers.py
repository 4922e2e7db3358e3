"""Streamed tool calls: each response holds all that has arrived, and keeps it while later ones grow."""

from __future__ import annotations

import json
import pickle
from copy import deepcopy
from itertools import pairwise
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatResponse, ToolCallBlock
from llama_index.core.llms import ChatMessage

from gumloop_emulator import Chunks, Emulator
from tests.support.http_bytes import chunk

USER = [ChatMessage("Hi")]


def piece(index: int, arguments: str, **more: Any) -> dict[str, Any]:
    named = {"id": f"call_{index}", "type": "function"} if "name" in more else {}
    return {"index": index, **named, "function": {"arguments": arguments, **more}}


INTERLEAVED: list[list[dict[str, Any]]] = [
    [piece(0, "", name="look")],
    [piece(0, '{"at": "')],
    [piece(1, '{"wh', name="draw"), piece(0, "he")],
    [piece(1, 'at": ')],
    [piece(0, 're"}')],
    [piece(2, '{"now": 1}', name="stop")],
    [piece(1, "1}")],
]
"""Pieces of three calls; some go to a call behind which others have begun."""

LAST = [("look", '{"at": "here"}'), ("draw", '{"what": 1}'), ("stop", '{"now": 1}')]


@pytest.fixture
def responses(server: Emulator, llm: Any) -> list[ChatResponse]:
    """What is handed out before the whole answer."""
    deltas = [{"tool_calls": pieces} for pieces in INTERLEAVED]
    server.queue(Chunks([*map(chunk, deltas), chunk({}, finish_reason="tool_calls")]))
    return list(llm.stream_chat(USER))[:-1]


def written(response: ChatResponse) -> list[tuple[str, Any]]:
    return [
        (block.tool_name, block.tool_kwargs) for block in response.message.blocks if isinstance(block, ToolCallBlock)
    ]


def test_each_response_keeps_what_had_arrived_of_each_call(responses: list[ChatResponse]) -> None:
    assert written(responses[-1]) == LAST
    for earlier, later in pairwise(responses):
        grown = dict(written(later))
        assert all(grown[name].startswith(arguments) for name, arguments in written(earlier))
    assert len({tuple(written(response)) for response in responses}) == len(responses)


def test_the_wire_form_says_the_same_as_the_blocks(responses: list[ChatResponse]) -> None:
    for response in responses:
        calls = [call["function"] for call in response.message.additional_kwargs["tool_calls"]]
        assert [(call["name"], call["arguments"]) for call in calls] == written(response)


def test_a_response_can_lose_its_calls_without_the_next_ones_losing_theirs(server: Emulator, llm: Any) -> None:
    deltas = [{"tool_calls": pieces} for pieces in INTERLEAVED]
    server.queue(Chunks([*map(chunk, deltas), chunk({}, finish_reason="tool_calls")]))
    latest: Any = None
    for response in llm.stream_chat(USER):
        latest = deepcopy(response)
        response.message.blocks.clear()
        response.message.additional_kwargs["tool_calls"].clear()
    assert [name for name, _ in written(latest)] == [name for name, _ in LAST]


def test_calls_are_read_as_far_as_they_have_come(responses: list[ChatResponse], llm: Any) -> None:
    seen = [
        [(call.tool_id, call.tool_name, call.tool_kwargs) for call in llm.get_tool_calls_from_response(response)]
        for response in responses
    ]
    looks = [selections[0][2].get("at", "") for selections in seen]
    assert looks == ["", "he", "he", "here", "here", "here"]
    assert seen[-1] == [
        (f"call_{number}", name, json.loads(arguments)) for number, (name, arguments) in enumerate(LAST)
    ]


def test_the_order_in_which_responses_are_asked_does_not_count(responses: list[ChatResponse], llm: Any) -> None:
    read = llm.get_tool_calls_from_response
    forwards = list(map(read, responses))
    assert list(map(read, reversed(responses))) == forwards[::-1]
    assert list(map(read, deepcopy(responses))) == forwards
    assert list(map(read, pickle.loads(pickle.dumps(responses)))) == forwards


def test_a_call_that_somebody_changed_is_read_anew(responses: list[ChatResponse], llm: Any) -> None:
    last = responses[-1]
    llm.get_tool_calls_from_response(last)
    block = last.message.blocks[0]
    assert isinstance(block, ToolCallBlock)
    block.tool_kwargs = {"at": "home"}
    assert [call.tool_kwargs for call in llm.get_tool_calls_from_response(last)] == [
        {"at": "home"},
        {"what": 1},
        {"now": 1},
    ]
    last.message.blocks = last.message.blocks[1:]
    assert [call.tool_name for call in llm.get_tool_calls_from_response(last)] == ["draw", "stop"]
