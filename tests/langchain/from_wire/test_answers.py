"""The forms in which providers say the same: one message, over every road."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_tests.utils.stream_lifecycle import assert_valid_event_stream

from gumloop_emulator import Answer, Chunks, Emulator, Json
from tests.langchain.answers import TOP, added, call, call_piece, gathered, streamed, unary
from tests.langchain.conftest import MakeModel

pytestmark = pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")

THINKING = {"type": "thinking", "thinking": [{"type": "text", "text": "2+2 "}, {"type": "text", "text": "is 4."}]}


def _detail(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "reasoning.text", "text": text, "index": 0, **more}


def _piece(**fields: Any) -> dict[str, Any]:
    return {"index": 0, "type": "function", **fields}


FILTERED = {"index": 0, "finish_reason": "content_filter", "content_filter_results": {"violence": {"filtered": True}}}
# name -> what a unary answer says, what a stream says, and what the message has
FORMS: dict[str, tuple[Json | None, Chunks, dict[str, Any]]] = {
    "reasoning and its details in turns": (
        None,
        streamed(
            {"reasoning": "First. "},
            {"reasoning_details": [_detail("First. ")]},
            {"reasoning": "Then."},
            {"reasoning_details": [_detail("Then.", signature="s")]},
            {"content": "4"},
        ),
        {"reasoning": "First. Then.", "text": "4"},
    ),
    "reasoning_content beside empty reasoning": (
        unary(reasoning="", reasoning_content="Hm.", content="4"),
        streamed({"reasoning": "", "reasoning_content": "Hm."}, {"content": "4"}),
        {"reasoning": "Hm.", "text": "4"},
    ),
    "thinking as parts of the content": (
        unary(content=[THINKING, {"type": "text", "text": "4"}]),
        streamed({"content": [THINKING]}, {"content": [{"type": "text", "text": "4"}]}),
        {"reasoning": "2+2 is 4.", "text": "4"},
    ),
    "thinking as a plain string": (
        unary(content=[{"type": "thinking", "thinking": "2+2 is 4."}, {"type": "text", "text": "4"}]),
        streamed({"content": [{"type": "thinking", "thinking": "2+2 is 4."}]}, {"content": "4"}),
        {"reasoning": "2+2 is 4.", "text": "4"},
    ),
    "a choice without a message": (
        Json({**TOP, "object": "chat.completion", "choices": [FILTERED]}),
        Chunks([{**TOP, "object": "chat.completion.chunk", "choices": [FILTERED]}]),
        {"finish_reason": "content_filter", "text": ""},
    ),
    "a legacy function call": (
        unary("function_call", function_call={"name": "add", "arguments": '{"a": 1}'}),
        streamed(
            {"function_call": {"name": "add", "arguments": ""}},
            {"function_call": {"arguments": '{"a"'}},
            {"function_call": {"arguments": ": 1}"}},
            finish_reason="function_call",
        ),
        {"calls": [("add", {"a": 1})]},
    ),
    "two pieces of a call in one chunk": (
        None,
        streamed(
            {
                "tool_calls": [
                    _piece(id="c1", function={"name": "add", "arguments": '{"a":'}),
                    _piece(function={"arguments": " 1}"}),
                ]
            },
            finish_reason="tool_calls",
        ),
        {"calls": [("add", {"a": 1})], "ids": ["c1"]},
    ),
    "no arguments in front of the arguments": (
        None,
        streamed(
            call_piece(0, "{}", id="c1", name="add"), call_piece(0, '{"a"'), call_piece(0, ": 1}"), finish_reason="stop"
        ),
        {"calls": [("add", {"a": 1})], "ids": ["c1"]},
    ),
    "an empty id": (
        unary("tool_calls", tool_calls=[call("", "add", '{"a": 1}')]),
        streamed(call_piece(0, '{"a": 1}', id="", name="add"), finish_reason="tool_calls"),
        {"calls": [("add", {"a": 1})]},
    ),
    "a name in pieces": (
        None,
        streamed(
            {"tool_calls": [_piece(id="c1", function={"name": "get_", "arguments": ""})]},
            {"tool_calls": [_piece(function={"name": "weather", "arguments": ""})]},
            {"tool_calls": [_piece(function={"arguments": '{"a": 1}'})]},
            finish_reason="tool_calls",
        ),
        {"calls": [("get_weather", {"a": 1})], "ids": ["c1"]},
    ),
    "two calls of one id": (
        unary("tool_calls", tool_calls=[call("c", "add", '{"a": 1}'), call("c", "sub", '{"b": 2}')]),
        streamed(
            call_piece(0, '{"a": 1}', id="c", name="add"),
            call_piece(1, '{"b": 2}', id="c", name="sub"),
            finish_reason="tool_calls",
        ),
        {"calls": [("add", {"a": 1}), ("sub", {"b": 2})], "ids": ["c", "c"]},
    ),
    "the only choice under another index": (
        None,
        Chunks(
            [
                {**TOP, "choices": [{"index": 1, "delta": {"content": "4"}}]},
                {**TOP, "choices": [{"index": 1, "delta": {}, "finish_reason": "stop"}]},
            ]
        ),
        {"text": "4", "finish_reason": "stop"},
    ),
}


def _said(message: AIMessage) -> dict[str, Any]:
    blocks = message.content_blocks
    return {
        "reasoning": "".join(block["reasoning"] for block in blocks if block["type"] == "reasoning"),
        "text": "".join(block["text"] for block in blocks if block["type"] == "text"),
        "calls": [(one["name"], one["args"]) for one in message.tool_calls],
        "ids": [one["id"] for one in message.tool_calls],
        "finish_reason": message.response_metadata.get("finish_reason"),
    }


@pytest.mark.parametrize("output_version", ["v0", "v1"])
@pytest.mark.parametrize("form", FORMS.values(), ids=list(FORMS))
def test_each_form_is_read_alike_on_every_road(
    server: Emulator, chat: MakeModel, form: tuple[Json | None, Chunks, dict[str, Any]], output_version: str
) -> None:
    whole, stream, expected = form
    model = chat(output_version=output_version)
    messages = []
    if whole is not None:
        server.queue(whole)
        messages.append(model.invoke("x"))
    server.queue(stream, stream, stream, stream)
    messages += [added(list(model.stream("x"))), added(gathered(model.astream("x")))]
    events = model.stream_events("x", version="v3")
    assert_valid_event_stream(list(events))
    messages.append(events.output)

    async def later() -> AIMessage:
        return await (await model.astream_events("x", version="v3")).output

    messages.append(asyncio.run(later()))
    for message in messages:
        said = _said(message)
        assert {name: said[name] for name in expected} == expected
        assert said["ids"] == _said(messages[0])["ids"]
        assert all(said["ids"])
        assert message.invalid_tool_calls == []


@pytest.mark.parametrize("output_version", ["v0", "v1"])
@pytest.mark.parametrize(
    "name",
    ["thinking as parts of the content", "thinking as a plain string", "reasoning_content beside empty reasoning"],
)
def test_reasoning_goes_back_whatever_its_form(
    server: Emulator, chat: MakeModel, name: str, output_version: str
) -> None:
    whole, stream, expected = FORMS[name]
    assert whole is not None
    model = chat(output_version=output_version)
    server.queue(whole, stream, Answer(text="ok"), Answer(text="ok"))
    for answer in (model.invoke("x"), added(list(model.stream("x")))):
        model.invoke([HumanMessage("x"), answer, HumanMessage("y")])
        sent = {"role": "assistant", "content": "4", "reasoning": expected["reasoning"]}
        assert server.last_body["messages"][1] == sent


def test_a_made_up_id_is_the_same_from_the_first_chunk_to_the_next_turn(server: Emulator, chat: MakeModel) -> None:
    _, stream, _ = FORMS["an empty id"]
    server.queue(stream, Answer(text="ok"))
    chunks = list(chat().stream("x"))
    ids = {piece["id"] for chunk in chunks for piece in chunk.tool_call_chunks if piece["id"]}
    answer = added(chunks)
    assert ids == {answer.tool_calls[0]["id"]}
    chat().invoke([HumanMessage("x"), answer, ToolMessage("2", tool_call_id=ids.pop())])
