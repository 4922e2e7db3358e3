"""Tool calls on their way in."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import HumanMessage, ToolMessage

from gumloop_emulator import Answer, Emulator
from tests.langchain.answers import (
    SIGNED,
    SIGNED_CALL,
    added,
    call,
    call_piece,
    streamed,
    unary,
)
from tests.langchain.conftest import MakeModel


def test_what_a_provider_gave_a_call_goes_back_with_it(server: Emulator, chat: MakeModel) -> None:
    # https://ai.google.dev/gemini-api/docs/thought-signatures: a turn without them is refused.
    whole, stream = SIGNED_CALL
    for output_version in ("v0", "v1"):
        model = chat(output_version=output_version)
        server.queue(whole, stream, Answer(text="ok"), Answer(text="ok"))
        for answer in (model.invoke("x"), added(list(model.stream("x")))):
            assert answer.content_blocks[0]["extras"] == SIGNED
            model.invoke([HumanMessage("x"), answer, ToolMessage("Sun.", tool_call_id="c1")])
            assert server.last_body["messages"][1]["tool_calls"] == [{**call("c1", "weather", "{}"), **SIGNED}]


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([call_piece(0, '{"city": "Paris"}', id="c1", name="weather")], id="whole"),
        pytest.param(
            [
                {"tool_calls": [{"id": "c1", "function": {"name": "weather", "arguments": '{"city": '}}]},
                {"tool_calls": [{"function": {"arguments": '"Paris"}'}}]},
            ],
            id="without an index",
        ),
        pytest.param(
            [
                call_piece(0, '{"city": ', id="c1", name="weather"),
                call_piece(0, '"Paris"}', id="c1", name="weather"),
            ],
            id="id and name repeated",
        ),
    ],
)
def test_calls_are_told_apart_however_they_are_numbered(
    server: Emulator, chat: MakeModel, pieces: list[dict[str, Any]]
) -> None:
    server.queue(streamed(*pieces, finish_reason="tool_calls"))
    total = added(list(chat().stream("x")))
    assert total.tool_calls == [{"name": "weather", "args": {"city": "Paris"}, "id": "c1", "type": "tool_call"}]
    assert total.invalid_tool_calls == []


@pytest.mark.parametrize("output_version", ["v0", "v1"])
def test_a_call_without_an_id_is_given_one(server: Emulator, chat: MakeModel, output_version: str) -> None:
    pieces = {"tool_calls": [{"index": 0, "function": {"name": "weather", "arguments": '{"city": "Paris"}'}}]}
    unnamed = [{"type": "function", "function": {"name": "weather", "arguments": '{"city": "Paris"}'}}]
    server.queue(streamed(pieces), unary(tool_calls=unnamed))
    model = chat(output_version=output_version)
    total = added(list(model.stream("x")))
    whole = model.invoke("x")
    assert len(total.tool_calls) == 1
    assert total.tool_calls[0]["id"]
    assert total.tool_calls == whole.tool_calls
    assert total.content_blocks == whole.content_blocks
