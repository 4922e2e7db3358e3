"""Unary answers of any JSON: they say the same on every road, or fail as the same error of ours."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz import answers, json_values, wire
from tests.fuzz.profiles import FUZZED
from tests.fuzz.roads import (
    LANGCHAIN_UNARY,
    LLAMA_INDEX_COMPLETE,
    LLAMA_INDEX_UNARY,
    STREAMS,
    Roads,
    shown,
    taken,
)
from tests.fuzz.shown import Failed, assert_same, meaning
from tests.fuzz.truth import assert_nothing_is_made_up

pytestmark = pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")


@st.composite
def documents(draw: st.DrawFn) -> Any:
    """A unary answer in which something is not what it should be."""
    document = answers.whole(draw(answers.said()), draw(answers.MANNERS))
    document["choices"][0]["logprobs"] = {"content": [{"token": "a", "logprob": -1, "bytes": [97], "top_logprobs": []}]}
    return draw(json_values.spoiled(document))


def as_chunk(document: Any) -> Any:
    """The same answer as the one document of a stream."""
    document = copy.deepcopy(document)
    choices = document.get("choices") if isinstance(document, dict) else None
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, dict) and "message" in choice and "delta" not in choice:
            choice["delta"] = choice.pop("message")
    return document


@FUZZED
@given(document=documents())
def test_all_unary_roads_agree(roads: Roads, document: Any) -> None:
    roads.options = {}
    roads.played.play(unary=wire.encoded(document))
    langchain = {name: taken(roads, road) for name, road in LANGCHAIN_UNARY.items()}
    llama_index = {name: taken(roads, road) for name, road in {**LLAMA_INDEX_UNARY, **LLAMA_INDEX_COMPLETE}.items()}
    assert_same(shown(langchain["ainvoke"]), shown(langchain["invoke"]), "ainvoke and invoke")
    assert_same(shown(llama_index["achat"]), shown(llama_index["chat"]), "achat and chat")
    assert_same(shown(llama_index["acomplete"]), shown(llama_index["complete"]), "acomplete and complete")
    expected = meaning(langchain["invoke"])
    assert_same(meaning(langchain["invoke v1"]), expected, "invoke v1 and invoke")
    assert_same(meaning(llama_index["chat"]), expected, "chat and invoke")
    if not isinstance(expected, Failed):
        assert_nothing_is_made_up(expected, document)


@FUZZED
@given(document=documents())
def test_a_unary_answer_to_who_asked_for_a_stream(roads: Roads, document: Any) -> None:
    roads.options = {}
    roads.played.play(unary=wire.encoded(document), streamed=wire.encoded(document))
    expected = meaning(taken(roads, LANGCHAIN_UNARY["invoke"]))
    for name, road in STREAMS.items():
        result = taken(roads, road)
        if isinstance(expected, Failed):
            assert isinstance(result, Failed), f"{name} takes what invoke refuses: {expected}"
        elif "complete" not in name:
            assert_same(meaning(result), expected, f"{name} and invoke")


@FUZZED
@given(document=documents())
def test_a_unary_answer_as_the_only_chunk(roads: Roads, document: Any) -> None:
    roads.options = {}
    roads.played.play(unary=wire.encoded(document), streamed=wire.stream_of([as_chunk(document)]))
    expected = meaning(taken(roads, LANGCHAIN_UNARY["invoke"]))
    got = meaning(taken(roads, STREAMS["stream"]))
    if isinstance(expected, Failed) or isinstance(got, Failed):
        assert isinstance(expected, Failed) == isinstance(got, Failed), f"invoke: {expected}, stream: {got}"
    else:
        for field in ("text", "reasoning", "refusal", "finish_reason", "images"):
            assert got[field] == expected[field], field
