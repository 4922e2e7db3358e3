"""Unary answers of any JSON: they say the same on every road, or fail as the same error of ours."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from langchain_core.messages import AIMessage
from llama_index.core.base.llms.types import ChatResponse, CompletionResponse

from tests.fuzz import answers, wire
from tests.fuzz.deal import DEALS, Deal
from tests.fuzz.odd import spoiled
from tests.fuzz.profiles import FUZZED
from tests.fuzz.roads import ALL, LANGCHAIN, STREAMS, Roads, drawn, shown, taken
from tests.fuzz.sent import sent_back
from tests.fuzz.shown import Failed, assert_same, meaning
from tests.fuzz.truth import assert_nothing_is_made_up

pytestmark = pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")

SYNC = {"ainvoke": "invoke", "achat": "chat", "acomplete": "complete"}
LLAMA_INDEX = [name for name in ALL if name not in LANGCHAIN]


def odd_answer(deal: Deal) -> Any:
    """A unary answer in which something is not what it should be."""
    document = answers.whole(answers.said(deal), answers.manner(deal))
    document["choices"][0]["logprobs"] = {"content": [{"token": "a", "logprob": -1, "bytes": [97], "top_logprobs": []}]}
    return spoiled(deal, document)


@FUZZED
@given(deal=DEALS)
def test_an_odd_answer_reads_the_same_on_all_roads(roads: Roads, deal: Deal) -> None:
    """Any JSON means the same to unary and streaming calls, invents nothing, and can be sent back, or is an error."""
    document = odd_answer(deal)
    roads.options = {}
    content = wire.encoded(document)
    roads.played.play(unary=content, streamed=content)
    results = {name: taken(roads, ALL[name]) for name in ["invoke", *drawn(deal, LANGCHAIN, LLAMA_INDEX)]}
    expected = meaning(results["invoke"])
    for name, result in results.items():
        if isinstance(expected, Failed):
            assert isinstance(result, Failed), f"{name} takes what invoke refuses: {expected}"
            assert name in STREAMS or result == expected, f"{name}: {result}, invoke: {expected}"
        elif isinstance(result, CompletionResponse):
            assert result.text == expected["text"], f"{name} and invoke"
        else:
            assert_same(meaning(result), expected, f"{name} and invoke")
        if name in SYNC:
            assert_same(shown(result), shown(taken(roads, ALL[SYNC[name]])), f"{name} and {SYNC[name]}")
    if not isinstance(expected, Failed):
        assert_nothing_is_made_up(expected, document)
    for result in results.values():
        if isinstance(result, (AIMessage, ChatResponse)):
            sent_back(roads, result)


@FUZZED
@given(deal=DEALS)
def test_an_odd_answer_as_the_only_chunk(roads: Roads, deal: Deal) -> None:
    """An answer in one chunk of a stream says what it says as a document, or fails as that does."""
    document = odd_answer(deal)
    roads.options = {}
    roads.played.play(unary=wire.encoded(document), streamed=wire.stream_of([_as_chunk(document)]))
    unary, streamed = deal.one([("invoke", "stream"), ("chat", "stream_chat"), ("invoke v1", "events")])
    expected, got = meaning(taken(roads, ALL[unary])), meaning(taken(roads, ALL[streamed]))
    if not isinstance(expected, Failed) and expected["finish_reason"] is None:
        return  # a document is whole as it is, a stream by its finish reason only
    if isinstance(expected, Failed) or isinstance(got, Failed):
        assert isinstance(expected, Failed) == isinstance(got, Failed), f"{unary}: {expected}, {streamed}: {got}"
    else:
        for field in ("text", "reasoning", "refusal", "finish_reason", "images"):
            assert got[field] == expected[field], field


def _as_chunk(document: Any) -> Any:
    """The same answer as the one document of a stream."""
    document = copy.deepcopy(document)
    choices = document.get("choices") if isinstance(document, dict) else None
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, dict) and "message" in choice and "delta" not in choice:
            choice["delta"] = choice.pop("message")
    return document
