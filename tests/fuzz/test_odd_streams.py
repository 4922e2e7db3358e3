"""Streams in which something is not what it should be: all roads read the same of them, or fail as the same error."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gumloop_core.errors import GumloopError
from tests.fuzz import answers, json_values, wire
from tests.fuzz.answers import Said
from tests.fuzz.profiles import FUZZED
from tests.fuzz.roads import (
    LANGCHAIN_STREAMS,
    LLAMA_INDEX_STREAM_COMPLETE,
    LLAMA_INDEX_STREAMS,
    STREAMS,
    Roads,
    shown,
    taken,
)
from tests.fuzz.shown import Failed, assert_same, in_one_order, meaning
from tests.fuzz.truth import assert_nothing_is_made_up
from tests.security.shown import KEY

pytestmark = pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")


def assert_all_agree(roads: Roads) -> Any:
    """All streaming roads read the same of what is played; gives its meaning, or the error."""
    results = {name: taken(roads, road) for name, road in STREAMS.items()}
    for one, others in (
        ("stream", ["astream", "invoke streaming"]),
        ("stream v1", ["astream v1"]),
        ("events", ["aevents"]),
        ("stream_chat", ["astream_chat"]),
        ("stream_complete", ["astream_complete"]),
    ):
        for other in others:
            assert_same(shown(results[other]), shown(results[one]), f"{other} and {one}")
    events, stream = in_one_order(shown(results["events"])), in_one_order(shown(results["stream v1"]))
    assert_same(events, stream, "events and stream v1")
    expected = meaning(results["stream"])
    for name in (*LANGCHAIN_STREAMS, *LLAMA_INDEX_STREAMS):
        assert_same(meaning(results[name]), expected, f"{name} and stream")
    for name in LLAMA_INDEX_STREAM_COMPLETE:
        assert isinstance(results[name], Failed) == isinstance(expected, Failed), f"{name} and stream"
    return expected


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[Any], bool]:
    """The documents of a stream in which something is not what it should be, and whether it says that it is done."""
    manner = draw(answers.MANNERS)
    documents = draw(json_values.spoiled(draw(answers.chunks(draw(answers.said()), manner)), most=4))
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        odd = st.one_of(
            json_values.ODD,
            st.sampled_from(documents or [{}]),
            json_values.spoiled({"error": {"code": 402, "message": f"budget of {KEY} exceeded", "type": "x"}}),
            json_values.spoiled({"choices": [{"index": 1, "delta": {"content": "b"}, "finish_reason": None}]}),
            json_values.spoiled({"usage": answers.USAGE, "choices": []}),
        )
        documents.insert(draw(st.integers(0, len(documents))), copy.deepcopy(draw(odd)))
    return documents, manner.done


@FUZZED
@given(stream=streams(), data=st.data())
def test_all_streaming_roads_agree(roads: Roads, stream: tuple[list[Any], bool], data: st.DataObject) -> None:
    documents, done = stream
    roads.options = {}
    content = data.draw(wire.dressed_stream(documents, done=done))
    roads.played.play(streamed=data.draw(wire.cut(content)))
    result = assert_all_agree(roads)
    if not isinstance(result, Failed):
        assert_nothing_is_made_up(result, *documents)


@FUZZED
@given(data=st.data())
def test_a_stream_that_breaks_off_is_an_error_or_whole(roads: Roads, data: st.DataObject) -> None:
    answer, manner = data.draw(answers.said(broken=False)), data.draw(answers.MANNERS)
    content = wire.stream_of(data.draw(answers.chunks(answer, manner)), done=manner.done)
    roads.options = {}
    roads.played.play(streamed=content[: data.draw(st.integers(0, len(content)))])
    result = assert_all_agree(roads)
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
@given(data=st.data())
def test_an_error_in_a_stream_is_raised_with_what_had_arrived(roads: Roads, data: st.DataObject) -> None:
    answer = data.draw(answers.said())
    documents = data.draw(answers.chunks(answer, data.draw(answers.MANNERS)))
    place = data.draw(st.integers(0, len(documents)))
    error, kind, status = data.draw(st.sampled_from(ERRORS))
    name = data.draw(st.sampled_from(["", "error"]))
    # An error chunk of the endpoint is a chunk with a finish reason beside the error.
    if "error" in error and data.draw(st.booleans()):
        error = {**error, "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}]}
    after = documents[place:] if data.draw(st.booleans()) else []
    roads.options = {}
    content = wire.stream_of(documents[:place], done=False) + wire.event(error, name) + wire.stream_of(after)
    roads.played.play(streamed=content)
    result = assert_all_agree(roads)
    assert isinstance(result, Failed), result
    if kind:
        assert result.kind == kind, result
    raised = _raised(roads)
    assert getattr(raised, "status_code", status or None) == (status or getattr(raised, "status_code", None))
    had_arrived = "" if raised.partial is None else raised.partial.text
    texts = [_text_of(document) for document in documents[:place]]
    assert had_arrived == "".join(texts)


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
@given(data=st.data())
def test_pieces_of_a_call_however_they_are_cut(roads: Roads, data: st.DataObject) -> None:
    answer = Said(
        calls=[
            answers.Call(f"call-{place}", data.draw(answers.NAMES), data.draw(answers.arguments(broken=False)))
            for place in range(data.draw(st.integers(1, 3)))
        ],
        finish_reason="tool_calls",
    )
    manner = data.draw(answers.MANNERS)
    # Where each piece names its call anew and none has an id of its own, braces and an object are two calls.
    manner.leading_braces = manner.call_name != "every" and data.draw(st.booleans())
    roads.options = {}
    roads.played.play(streamed=wire.stream_of(data.draw(answers.chunks(answer, manner)), done=manner.done))
    result = assert_all_agree(roads)
    assert isinstance(result, dict), result
    given_calls = {call.id: (call.name, call.value) for call in answer.calls}
    for identity, name, arguments in result["calls"]:
        assert (name, arguments) == given_calls[identity], "a call runs with arguments that it does not have"
    assert [call[0] for call in result["calls"] + result["invalid calls"]] or not answer.calls
    assert len(result["calls"]) + len(result["invalid calls"]) == len(answer.calls)
    if not manner.leading_braces:
        assert len(result["calls"]) == len(answer.calls)
