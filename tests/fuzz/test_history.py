"""An answer that is sent back as history never raises, and what goes out is a request that the endpoint can take."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, MessageRole

from tests.fuzz import answers, json_values, wire
from tests.fuzz.profiles import FUZZED
from tests.fuzz.roads import CHATS, STREAMS, UNARY, Roads, taken
from tests.fuzz.sent import assert_is_a_request
from tests.fuzz.shown import Failed
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
        message = body["messages"][1]
        text = message.get("content") or ""
        assert (text if isinstance(text, str) else "".join(part["text"] for part in text)) == answer.text, name
        assert repr(message.get("reasoning_details", [])) == repr(answer.details), name
        if not answer.details:
            assert message.get("reasoning", "") == answer.reasoning, name
        good = {call.id: call.value for call in answer.good_calls}
        sent = {call["id"]: call["function"] for call in message.get("tool_calls", [])}
        assert list(sent) == [call.id for call in answer.calls], name
        for identity, arguments in good.items():
            assert wire.decoded(sent[identity]["arguments"]) == arguments, name
        assert len(message.get("images", [])) == len(answer.images), name
        assert message.get("refusal", "") == answer.refusal, name


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
