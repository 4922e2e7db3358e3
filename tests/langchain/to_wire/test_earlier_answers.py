"""The reasoning of an answer comes back whole and is sent again unchanged."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from langchain_core.load import dumps, loads
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage, message_to_dict, messages_from_dict

from gumloop_emulator import Answer, Emulator
from tests.langchain.answers import DETAILS, added, call, call_piece, gathered, streamed, unary
from tests.langchain.conftest import MakeModel

UNARY = unary(
    "tool_calls",
    content="",
    reasoning="Let me think.",
    reasoning_details=DETAILS,
    tool_calls=[call("c1", "weather", '{"city": "Paris"}')],
)
STREAMED = streamed(
    {"reasoning": "Let me ", "reasoning_details": [{**DETAILS[0], "text": "Let me ", "signature": None}]},
    {"reasoning": "think.", "reasoning_details": [{**DETAILS[0], "text": "think.", "signature": None}]},
    {"reasoning_details": [{"type": "reasoning.text", "signature": "sig==", "index": 0}]},
    {"reasoning_details": [DETAILS[1]]},
    call_piece(0, '{"city": "Paris"}', id="c1", name="weather"),
    finish_reason="tool_calls",
)


def answered(model: Any, server: Emulator, way: str) -> AIMessage:
    server.queue(UNARY if way == "invoke" else STREAMED)
    if way == "invoke":
        return model.invoke("Weather?")
    if way == "stream":
        return added(list(model.stream("Weather?")))
    if way == "astream":
        return added(gathered(model.astream("Weather?")))
    return model.stream_events("Weather?", version="v3").output


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
@pytest.mark.parametrize("output_version", ["v0", "v1"])
@pytest.mark.parametrize("way", ["invoke", "stream", "astream", "events"])
def test_details_go_back_unchanged_on_a_tool_turn(
    server: Emulator, chat: MakeModel, way: str, output_version: str
) -> None:
    model = chat(output_version=output_version)
    answer = answered(model, server, way)
    assert answer.additional_kwargs["reasoning_content"] == "Let me think."
    assert answer.additional_kwargs["reasoning_details"] == DETAILS
    assert answer.content_blocks[0]["type"] == "reasoning"
    server.queue(Answer(text="Sunny."))
    model.invoke([HumanMessage("Weather?"), answer, ToolMessage("sunny", tool_call_id="c1")])
    sent = server.last_body["messages"][1]
    assert sent["reasoning_details"] == DETAILS
    assert "reasoning" not in sent
    assert sent["content"] is None
    assert sent["tool_calls"][0]["id"] == "c1"


def test_sending_it_back_can_be_switched_off(server: Emulator, chat: MakeModel) -> None:
    model = chat(replay_reasoning=False)
    answer = answered(model, server, "invoke")
    assert answer.additional_kwargs["reasoning_details"] == DETAILS
    server.queue(Answer(text="Sunny."))
    model.invoke([HumanMessage("Weather?"), answer, ToolMessage("sunny", tool_call_id="c1")])
    assert not {"reasoning", "reasoning_details"} & server.last_body["messages"][1].keys()


def test_reasoning_that_has_no_details_goes_back_as_text(server: Emulator, chat: MakeModel) -> None:
    server.queue(unary(content="Ottawa.", reasoning="Hm."), Answer(text="ok"))
    model = chat()
    answer = model.invoke("x")
    assert answer.additional_kwargs == {"reasoning_content": "Hm."}
    model.invoke([HumanMessage("x"), answer, HumanMessage("y")])
    assert server.last_body["messages"][1] == {"role": "assistant", "content": "Ottawa.", "reasoning": "Hm."}


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
@pytest.mark.parametrize("way", ["invoke", "stream"])
def test_details_survive_being_stored(server: Emulator, chat: MakeModel, way: str) -> None:
    model = chat()
    answer = answered(model, server, way)
    stored = [
        loads(dumps(answer), allowed_objects="messages"),
        messages_from_dict([message_to_dict(answer)])[0],
        copy.deepcopy(answer),
    ]
    for message in stored:
        server.queue(Answer(text="Sunny."))
        model.invoke([HumanMessage("Weather?"), message, ToolMessage("sunny", tool_call_id="c1")])
        assert server.last_body["messages"][1]["reasoning_details"] == DETAILS


@pytest.mark.parametrize(
    "model_name", ["emulator/thinking", "emulator/encrypted-reasoning", "emulator/reasoning-summary"]
)
@pytest.mark.parametrize("way", ["invoke", "stream"])
def test_an_endpoint_that_checks_signatures_takes_them_back(
    server: Emulator, chat: MakeModel, model_name: str, way: str
) -> None:
    def get_weather(city: str) -> str:
        """Tell the weather in a city."""
        return f"It is sunny in {city}."

    model = chat(model_name).bind_tools([get_weather])
    question = HumanMessage("What is the weather in Paris?")
    answer: AIMessage = model.invoke([question]) if way == "invoke" else added(list(model.stream([question])))
    assert answer.additional_kwargs["reasoning_details"]
    assert answer.tool_calls
    result = ToolMessage("It is sunny in Paris.", tool_call_id=answer.tool_calls[0]["id"])
    final = model.invoke([question, answer, result])
    assert "sunny" in str(final.text)
    again = model.invoke([question, answer, result, final, HumanMessage("And in Rome?")])
    assert again.additional_kwargs["reasoning_details"]
