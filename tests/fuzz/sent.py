"""What must be true of any request's body, by the endpoint's rules for messages, an answer sent back among them."""

from __future__ import annotations

import json
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, MessageRole

from tests.fuzz import answers, wire
from tests.fuzz.roads import CHATS, Roads, taken
from tests.fuzz.shown import Failed

ELSEWHERE = {"images", "refusal", "reasoning", "reasoning_details"}
"""Where an answer may have what it says, if not in its content."""


def assert_is_json(body: bytes) -> dict[str, Any]:
    """A body is JSON to any reader: no NaN, no half of a surrogate pair outside an escape."""
    content: dict[str, Any] = json.loads(body.decode("utf-8"), parse_constant=_refuse)
    return content


def _refuse(word: str) -> Any:
    raise AssertionError(f"{word} in a body is not JSON")


def assert_is_a_request(body: bytes) -> dict[str, Any]:
    """A body is JSON, its messages have their forms, and every call has its result and every result its call."""
    content = assert_is_json(body)
    called: set[str] = set()
    for message in content["messages"]:
        role = message["role"]
        assert role in ("system", "developer", "user", "assistant", "tool"), message
        text = message.get("content")
        assert text is None or isinstance(text, (str, list)), message
        for part in text if isinstance(text, list) else ():
            assert isinstance(part, dict), message
            assert isinstance(part.get("type"), str), message
            assert part["type"] in part, message
        if role == "tool":
            assert message["tool_call_id"] in called, f"a result without its call: {message}"
        for call in message.get("tool_calls", ()):
            assert call["type"] == "function", call
            assert isinstance(call["id"], str), call
            assert call["id"], call
            assert isinstance(call["function"]["name"], str), call
            assert isinstance(json.loads(call["function"]["arguments"], parse_constant=_refuse), dict), call
            called.add(call["id"])
        if role == "assistant":
            assert text or message.get("tool_calls") or text == "" or set(message) & ELSEWHERE, message
    answered = {message.get("tool_call_id") for message in content["messages"]}
    assert called <= answered, f"calls without results: {called - answered}"
    return content


PLAIN = wire.encoded(answers.whole(answers.Said(text="ok"), answers.Manner()))


def next_turn(result: Any) -> list[Any]:
    """The conversation after an answer: every call of it has its result, the broken ones too."""
    if isinstance(result, AIMessage):
        calls = [*result.tool_calls, *result.invalid_tool_calls]
        results = [ToolMessage("done", tool_call_id=call["id"]) for call in calls]
        return [HumanMessage("hi"), result, *results, HumanMessage("go on")]
    answered = [
        ChatMessage(role=MessageRole.TOOL, content="done", additional_kwargs={"tool_call_id": block.tool_call_id})
        for block in result.message.blocks
        if block.block_type == "tool_call"
    ]
    return [ChatMessage(content="hi"), result.message, *answered, ChatMessage(content="go on")]


def sent_back(roads: Roads, result: AIMessage | ChatResponse) -> dict[str, Any]:
    """Send an answer back as history: the body, which must be one that the endpoint can take."""
    roads.played.play(unary=PLAIN)
    again = taken(roads, CHATS["invoke" if isinstance(result, AIMessage) else "chat"], next_turn(result))
    assert not isinstance(again, Failed), f"an answer cannot be sent back: {again}"
    return assert_is_a_request(roads.played.bodies[-1])
