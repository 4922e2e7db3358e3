"""An answer whose meaning is known says that on every road, however its provider wrote it down."""

from __future__ import annotations

import pytest
from hypothesis import given
from langchain_core.messages import AIMessage
from llama_index.core.base.llms.types import CompletionResponse

from tests.fuzz import answers, wire
from tests.fuzz.deal import DEALS, Deal
from tests.fuzz.profiles import FUZZED
from tests.fuzz.roads import ALL, LANGCHAIN, LLAMA_INDEX_CHATS, Roads, drawn, shown, taken
from tests.fuzz.shown import assert_same, in_one_order, meaning

pytestmark = pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")

# Roads, and the unary call that must return the same as each.
SAME = {
    **dict.fromkeys(["ainvoke", "stream", "astream", "invoke streaming"], "invoke"),
    **dict.fromkeys(["stream v1", "astream v1", "events", "aevents"], "invoke v1"),
    **dict.fromkeys([name for name in LLAMA_INDEX_CHATS if name != "chat"], "chat"),
    **dict.fromkeys(["acomplete", "stream_complete", "astream_complete"], "complete"),
}
OF_LANGCHAIN = [name for name in SAME if name in LANGCHAIN]
OF_LLAMA_INDEX = [name for name in SAME if name not in LANGCHAIN]


@FUZZED
@given(deal=DEALS)
def test_what_was_said_arrives_on_every_road(roads: Roads, deal: Deal) -> None:
    """A unary call returns what was said, and every other road what the unary call returns, to the last field."""
    answer, manner = answers.said(deal), answers.manner(deal)
    pieces = wire.dressed_stream(deal, answers.chunks(deal, answer, manner), done=manner.done)
    # LangChain's content is text until a block comes, unless blocks are to be expected.
    roads.options = {"modalities": ["text", "image"]} if answer.images else {}
    roads.played.play(unary=wire.encoded(answers.whole(answer, manner)), streamed=pieces)
    for name in drawn(deal, OF_LANGCHAIN, OF_LLAMA_INDEX):
        unary = SAME[name]
        expected, result = taken(roads, ALL[unary]), taken(roads, ALL[name])
        if isinstance(expected, CompletionResponse):
            assert expected.text == answer.text, unary
        else:
            assert_same(meaning(expected), answer.meaning, unary)
            assert_same(meaning(result), answer.meaning, name)
        in_order = in_one_order if "events" in name else shown
        assert_same(in_order(result), in_order(expected), f"{name} and {unary}")
        if isinstance(result, AIMessage):
            results = [block for block in result.content_blocks if block["type"] == "server_tool_result"]
            assert len(results) == len(answer.tool_results), name
        elif not isinstance(result, CompletionResponse):
            selections = roads.llama_index().get_tool_calls_from_response(result, error_on_no_tool_call=False)
            # A broken call may be among them too, so that its agent answers it; what runs has what was written.
            good = {call.id: (call.name, call.value) for call in answer.good_calls}
            ours = {one.tool_id: (one.tool_name, one.tool_kwargs) for one in selections if one.tool_id in good}
            assert ours == good, name
