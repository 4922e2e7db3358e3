"""An answer that is sent back as history says what it said, in a request that the endpoint can take."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import ANY

import pytest
from hypothesis import given

from tests.fuzz import answers, wire
from tests.fuzz.deal import DEALS, Deal
from tests.fuzz.odd import json_value
from tests.fuzz.profiles import FUZZED
from tests.fuzz.roads import (
    CHATS,
    LANGCHAIN,
    LANGCHAIN_UNARY,
    LLAMA_INDEX_CHATS,
    LLAMA_INDEX_UNARY,
    Roads,
    drawn,
    taken,
)
from tests.fuzz.sent import sent_back
from tests.fuzz.shown import assert_same

pytestmark = pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")


@FUZZED
@given(deal=DEALS)
def test_a_known_answer_goes_back_as_it_came(roads: Roads, deal: Deal) -> None:
    """What came by any road goes back with its text, reasoning, details, calls, images and refusal."""
    answer, manner = answers.said(deal), answers.manner(deal)
    stream = wire.stream_of(answers.chunks(deal, answer, manner), done=manner.done)
    roads.options = {"modalities": ["text", "image"]} if answer.images else {}
    for name in drawn(deal, LANGCHAIN, LLAMA_INDEX_CHATS):
        roads.played.play(unary=wire.encoded(answers.whole(answer, manner)), streamed=stream)
        body = sent_back(roads, taken(roads, CHATS[name]))
        if answer.has_something_to_send:
            assert_same(_sent(body["messages"][1]), _expected(answer), name)


def _sent(message: dict[str, Any]) -> dict[str, Any]:
    """What an assistant message of a body says. Details are compared to the letter: 0 is not 0.0."""
    content, calls = message.get("content") or "", message.get("tool_calls", [])
    return {
        "text": content if isinstance(content, str) else "".join(part["text"] for part in content),
        "details": repr(message.get("reasoning_details", [])),
        "reasoning": message.get("reasoning", ""),
        "calls": {call["id"]: call["function"]["name"] for call in calls},
        "arguments": {call["id"]: json.loads(call["function"]["arguments"]) for call in calls},
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
@given(deal=DEALS)
def test_odd_arguments_can_be_sent_back(roads: Roads, deal: Deal) -> None:
    """A call whose arguments are any JSON, or none, is answered, and goes back with an object for arguments."""
    arguments = json_value(deal)
    text = arguments if isinstance(arguments, str) else wire.encoded(arguments).decode("utf-8", "surrogatepass")
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": deal.one([text, arguments])}}
    document = answers.whole(answers.Said(text="a"), answers.Manner())
    document["choices"][0]["message"]["tool_calls"] = [call]
    roads.options = {}
    for name in drawn(deal, LANGCHAIN_UNARY, LLAMA_INDEX_UNARY):
        roads.played.play(unary=wire.encoded(document))
        assert sent_back(roads, taken(roads, CHATS[name]))["messages"][1]["tool_calls"]
