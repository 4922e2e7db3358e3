"""Streams in which something is not what it should be: all roads read the same of them, or fail as the same error."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from langchain_core.messages import AIMessage
from llama_index.core.base.llms.types import ChatResponse, CompletionResponse

from gumloop_core.errors import GumloopError
from tests.fuzz import answers, wire
from tests.fuzz.answers import Said
from tests.fuzz.deal import DEALS, Deal
from tests.fuzz.odd import json_value, spoiled
from tests.fuzz.profiles import FUZZED
from tests.fuzz.roads import LANGCHAIN, STREAMS, Roads, drawn, shown, taken
from tests.fuzz.sent import sent_back
from tests.fuzz.shown import Failed, assert_same, in_one_order, meaning
from tests.fuzz.truth import assert_nothing_is_made_up
from tests.security.shown import KEY

pytestmark = pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")

OF_LANGCHAIN = [name for name in STREAMS if name in LANGCHAIN]
OF_LLAMA_INDEX = [name for name in STREAMS if name not in LANGCHAIN]
SAME = {
    "astream": "stream",
    "invoke streaming": "stream",
    "astream v1": "stream v1",
    "events": "stream v1",
    "aevents": "events",
    "astream_chat": "stream_chat",
    "astream_complete": "stream_complete",
}


def agreed(roads: Roads, deal: Deal) -> tuple[Any, dict[str, Any]]:
    """What streaming roads read of what is played, which must be the same, or the error; and each road's result."""
    names = ["stream", *drawn(deal, OF_LANGCHAIN, OF_LLAMA_INDEX)]
    results = {name: taken(roads, STREAMS[name]) for name in names}
    expected = meaning(results["stream"])
    for name, result in results.items():
        if isinstance(result, CompletionResponse):
            assert not isinstance(expected, Failed), f"{name} takes what stream refuses: {expected}"
            assert result.text == expected["text"], f"{name} and stream"
        elif name in OF_LANGCHAIN or "complete" not in name:
            assert_same(meaning(result), expected, f"{name} and stream")
        else:
            assert isinstance(expected, Failed), f"{name} refuses what stream takes: {result}"
        if name in SAME:
            other = results.get(SAME[name]) or taken(roads, STREAMS[SAME[name]])
            in_order = in_one_order if name == "events" else shown
            assert_same(in_order(result), in_order(other), f"{name} and {SAME[name]}")
    return expected, results


def odd_stream(deal: Deal) -> list[Any]:
    """The documents of a stream in which something is not what it should be."""
    documents = spoiled(deal, answers.chunks(deal, answers.said(deal), answers.manner(deal)), most=4)
    for _ in range(deal.one([0, 0, 1, 2])):
        inserted = deal.one(
            [
                json_value(deal),
                deal.one(documents or [{}]),
                spoiled(deal, {"error": {"code": 402, "message": f"budget of {KEY} exceeded", "type": "x"}}),
                spoiled(deal, {"choices": [{"index": 1, "delta": {"content": "b"}, "finish_reason": None}]}),
                spoiled(deal, {"usage": answers.USAGE, "choices": []}),
            ]
        )
        documents.insert(deal.number(len(documents)), copy.deepcopy(inserted))
    return documents


@FUZZED
@given(deal=DEALS)
def test_an_odd_stream_reads_the_same_on_all_roads(roads: Roads, deal: Deal) -> None:
    """Any JSON in a stream means the same on all roads, invents nothing, and can be sent back, or is one error."""
    documents = odd_stream(deal)
    roads.options = {}
    roads.played.play(streamed=wire.dressed_stream(deal, documents, done=deal.chance(2)))
    expected, results = agreed(roads, deal)
    if not isinstance(expected, Failed):
        assert_nothing_is_made_up(expected, *documents)
    for result in results.values():
        if isinstance(result, (AIMessage, ChatResponse)):
            sent_back(roads, result)


@FUZZED
@given(deal=DEALS)
def test_a_stream_that_breaks_off_is_an_error_or_whole(roads: Roads, deal: Deal) -> None:
    """However many bytes of a stream arrive: all that was said, or an error."""
    answer, manner = answers.said(deal, broken=False), answers.manner(deal)
    content = wire.stream_of(answers.chunks(deal, answer, manner), done=manner.done)
    roads.options = {}
    roads.played.play(streamed=content[: deal.number(len(content))])
    result, _ = agreed(roads, deal)
    if isinstance(result, Failed):
        assert result.kind in ("StreamError", "InvalidResponseError"), result
        return
    assert result["finish_reason"] == answer.finish_reason, "no reason had arrived, and it was taken for whole"
    if manner.finish in ("own chunk", "twice", "empty after"):
        assert result | {"tokens": None} == answer.meaning | {"tokens": None}


ERRORS: list[tuple[Any, str, int]] = [
    ({"error": {"code": 402, "message": "budget exceeded"}}, "InsufficientCreditsError", 402),
    ({"error": {"code": "429", "message": "slow down"}}, "RateLimitError", 429),
    ({"error": {"code": 529, "message": "overloaded"}, "choices": []}, "ServerError", 529),
    ({"error": {"message": "context", "type": "context_length_exceeded"}}, "ContextOverflowError", 400),
    ({"code": 402, "message": "budget exceeded"}, "InsufficientCreditsError", 402),
    ({"code": 429, "message": "slow down"}, "RateLimitError", 429),
    ({"object": "error", "message": "no", "code": 401}, "AuthenticationError", 401),
    ({"detail": "it broke"}, "", 0),
    ({"message": "it broke"}, "", 0),
    ({"error": "it broke"}, "", 0),
    ({"error": {"code": 502, "message": f"{KEY} was refused"}}, "ProviderError", 502),
]


@FUZZED
@given(deal=DEALS)
def test_an_error_in_a_stream_is_raised_with_what_had_arrived(roads: Roads, deal: Deal) -> None:
    """An error in whatever form, at any place of a stream, is raised typed, with the text before it in ``.partial``."""
    documents = answers.chunks(deal, answers.said(deal), answers.manner(deal))
    place = deal.number(len(documents))
    error, kind, status = deal.one(ERRORS)
    name = deal.one(["", "error"])
    # An error chunk of the endpoint is a chunk with a finish reason beside the error.
    if "error" in error and deal.chance(2):
        error = {**error, "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}]}
    after = documents[place:] if deal.chance(2) else []
    roads.options = {}
    content = wire.stream_of(documents[:place], done=False) + wire.event(error, name) + wire.stream_of(after)
    roads.played.play(streamed=content)
    result, _ = agreed(roads, deal)
    assert isinstance(result, Failed), result
    assert result.kind == (kind or result.kind), result
    raised = _raised(roads)
    assert getattr(raised, "status_code", status or None) == (status or getattr(raised, "status_code", None))
    had_arrived = "" if raised.partial is None else raised.partial.text
    assert had_arrived == "".join(map(_text_of, documents[:place]))


def _raised(roads: Roads) -> GumloopError:
    with pytest.raises(GumloopError) as caught:
        list(roads.langchain().stream("hi"))
    return caught.value


def _text_of(document: Any) -> str:
    """The text of a chunk in one of our manners."""
    texts = ""
    for choice in document["choices"]:
        content = choice["delta"].get("content")
        if isinstance(content, str):
            texts += content
        for part in content if isinstance(content, list) else ():
            texts += part.get("text", "")
    return texts


@FUZZED
@given(deal=DEALS)
def test_pieces_of_a_call_however_they_are_cut(roads: Roads, deal: Deal) -> None:
    """Calls run with the arguments that they have, or not at all, whatever the pieces, and the braces before them."""
    answer = Said(calls=answers.calls(deal, 1 + deal.number(2), broken=False), finish_reason="tool_calls")
    manner = answers.manner(deal)
    # Where each piece names its call anew and none has an id of its own, braces and an object are two calls.
    manner.leading_braces = manner.call_name != "every" and deal.chance(2)
    roads.options = {}
    roads.played.play(streamed=wire.stream_of(answers.chunks(deal, answer, manner), done=manner.done))
    result, _ = agreed(roads, deal)
    assert isinstance(result, dict), result
    given_calls = {call.id: (call.name, call.value) for call in answer.calls}
    for identity, name, arguments in result["calls"]:
        assert (name, arguments) == given_calls[identity], "a call runs with arguments that it does not have"
    assert len(result["calls"]) + len(result["invalid calls"]) == len(answer.calls)
    assert manner.leading_braces or not result["invalid calls"]
