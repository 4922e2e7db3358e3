"""An answer whose meaning is known says that on every road, however its provider wrote it down."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage

from tests.fuzz import answers, wire
from tests.fuzz.answers import Said
from tests.fuzz.profiles import FUZZED
from tests.fuzz.roads import (
    ALL,
    CHATS,
    LLAMA_INDEX_COMPLETE,
    LLAMA_INDEX_STREAM_COMPLETE,
    LLAMA_INDEX_STREAMS,
    LLAMA_INDEX_UNARY,
    Roads,
    shown,
    taken,
)
from tests.fuzz.shown import assert_same, in_one_order, meaning

pytestmark = pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")

# What a unary call returns, and which roads must lead to the same.
SAME = {
    "invoke": ["ainvoke", "stream", "astream", "invoke streaming"],
    "invoke v1": ["stream v1", "astream v1", "events", "aevents"],
    "chat": [name for name in {**LLAMA_INDEX_UNARY, **LLAMA_INDEX_STREAMS} if name != "chat"],
    "complete": [name for name in {**LLAMA_INDEX_COMPLETE, **LLAMA_INDEX_STREAM_COMPLETE} if name != "complete"],
}


@st.composite
def played(draw: st.DrawFn, roads: Roads, answer: Said) -> None:
    """Have the answer given, unary and streamed, in some provider's manner."""
    manner = draw(answers.MANNERS)
    documents = draw(answers.chunks(answer, manner))
    pieces = draw(wire.cut(draw(wire.dressed_stream(documents, done=manner.done))))
    # LangChain's content is text until a block comes, unless blocks are to be expected.
    roads.options = {"modalities": ["text", "image"]} if answer.images else {}
    roads.played.play(unary=wire.encoded(answers.whole(answer, manner)), streamed=pieces)


@FUZZED
@given(data=st.data())
def test_a_streamed_answer_is_the_unary_one(roads: Roads, data: st.DataObject) -> None:
    data.draw(played(roads, data.draw(answers.said())))
    for unary, others in SAME.items():
        expected = shown(taken(roads, ALL[unary]))
        for other in others:
            got = shown(taken(roads, ALL[other]))
            if "events" in other:
                assert_same(in_one_order(got), in_one_order(expected), f"{other} and {unary}")
            else:
                assert_same(got, expected, f"{other} and {unary}")


@FUZZED
@given(data=st.data())
def test_what_was_said_arrives(roads: Roads, data: st.DataObject) -> None:
    answer = data.draw(answers.said())
    data.draw(played(roads, answer))
    for name, road in CHATS.items():
        result = taken(roads, road)
        assert_same(meaning(result), answer.meaning, name)
        if isinstance(result, AIMessage):
            results = [block for block in result.content_blocks if block["type"] == "server_tool_result"]
            assert len(results) == len(answer.tool_results), name
        else:
            selections = roads.llama_index().get_tool_calls_from_response(result, error_on_no_tool_call=False)
            # A broken call may be among them too, so that its agent answers it; what runs has what was written.
            good = {call.id: (call.name, call.value) for call in answer.good_calls}
            ours = {one.tool_id: (one.tool_name, one.tool_kwargs) for one in selections if one.tool_id in good}
            assert ours == good, name
