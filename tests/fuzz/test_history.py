"""An answer that is sent back as history never raises, and what goes out is a request that the endpoint can take."""

from __future__ import annotations

from typing import Any
from unittest.mock import ANY

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, MessageRole

from tests.fuzz import answers, json_values, wire
from tests.fuzz.profiles import FUZZED
from tests.fuzz.roads import CHATS, STREAMS, UNARY, Roads, taken
from tests.fuzz.sent import assert_is_a_request
from tests.fuzz.shown import Failed, assert_same
from tests.fuzz.test_odd_answers import documents
from tests.fuzz.test_odd_streams import streams

pytestmark = pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")

UNARY_CHATS = [name for name in CHATS if name in UNARY]
STREAMED_CHATS = [name for name in CHATS if name in STREAMS]
PLAIN = wire.encoded(answers.whole(answers.Said(text="ok"), answers.Manner()))


def next_turn(result: Any) -> list[Any]:
    """The conversation after an answer: every call of it has its result, the broken ones too."""
    if isinstance(result, AIMessage):
        calls = [*result.tool_calls, *result.invalid_tool_calls]
        results = [ToolMessage("done", tool_call_id=call["id"]) for call in calls]
        return [HumanMessage("hi"), result, *results, HumanMessage("go on")]
    assert isinstance(result, ChatResponse)
    answered = [
        ChatMessage(role=MessageRole.TOOL, content="done", additional_kwargs={"tool_call_id": block.tool_call_id})
        for block in result.message.blocks
        if block.block_type == "tool_call"
    ]
    return [ChatMessage(content="hi"), result.message, *answered, ChatMessage(content="go on")]


def send_back(roads: Roads, name: str) -> dict[str, Any] | None:
    """Ask by a road, send its answer back by ``invoke`` or ``chat``: the body, ``None`` where there was no answer."""
    result = taken(roads, CHATS[name])
    if isinstance(result, Failed):
        return None
    roads.played.play(unary=PLAIN)
    again = taken(roads, CHATS["invoke" if isinstance(result, AIMessage) else "chat"], next_turn(result))
    assert not isinstance(again, Failed), f"{name}: {again}"
    return assert_is_a_request(roads.played.bodies[-1])


@FUZZED
@given(data=st.data())
def test_a_known_answer_goes_back_as_it_came(roads: Roads, data: st.DataObject) -> None:
    answer, manner = data.draw(answers.said()), data.draw(answers.MANNERS)
    stream = wire.stream_of(data.draw(answers.chunks(answer, manner)), done=manner.done)
    roads.options = {"modalities": ["text", "image"]} if answer.images else {}
    for name in CHATS:
        roads.played.play(unary=wire.encoded(answers.whole(answer, manner)), streamed=stream)
        body = send_back(roads, name)
        assert body is not None
        if not answer.has_something_to_send:
            continue
        assert_same(_sent(body["messages"][1]), _expected(answer), name)


def _sent(message: dict[str, Any]) -> dict[str, Any]:
    """What an assistant message of a body says. Details are compared to the letter: 0 is not 0.0."""
    content = message.get("content") or ""
    return {
        "text": content if isinstance(content, str) else "".join(part["text"] for part in content),
        "details": repr(message.get("reasoning_details", [])),
        "reasoning": message.get("reasoning", ""),
        "calls": {call["id"]: call["function"]["name"] for call in message.get("tool_calls", [])},
        "arguments": {
            call["id"]: wire.decoded(call["function"]["arguments"]) for call in message.get("tool_calls", [])
        },
        "images": len(message.get("images", [])),
        "refusal": message.get("refusal", ""),
    }


def _expected(answer: answers.Said) -> dict[str, Any]:
    good = {call.id: call.value for call in answer.good_calls}
    return {
        "text": answer.text,
        "details": repr(answer.details),
        "reasoning": "" if answer.details else answer.reasoning,
        "calls": {call.id: call.name for call in answer.calls},
        "arguments": {call.id: good.get(call.id, ANY) for call in answer.calls},
        "images": len(answer.images),
        "refusal": answer.refusal,
    }


@FUZZED
@given(document=documents(), name=st.sampled_from(UNARY_CHATS))
def test_an_odd_answer_can_be_sent_back(roads: Roads, document: Any, name: str) -> None:
    roads.options = {}
    roads.played.play(unary=wire.encoded(document))
    send_back(roads, name)


@FUZZED
@given(stream=streams(), name=st.sampled_from(STREAMED_CHATS))
def test_an_odd_stream_can_be_sent_back(roads: Roads, stream: tuple[list[Any], bool], name: str) -> None:
    roads.options = {}
    roads.played.play(streamed=wire.stream_of(stream[0], done=stream[1]))
    send_back(roads, name)


@FUZZED
@given(arguments=json_values.ODD, name=st.sampled_from(UNARY_CHATS))
def test_odd_arguments_can_be_sent_back(roads: Roads, arguments: Any, name: str) -> None:
    text = arguments if isinstance(arguments, str) else wire.encoded(arguments).decode("utf-8", "surrogatepass")
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": text}}
    document = answers.whole(answers.Said(text="a"), answers.Manner())
    document["choices"][0]["message"]["tool_calls"] = [call]
    roads.options = {}
    roads.played.play(unary=wire.encoded(document))
    assert send_back(roads, name) is not None
