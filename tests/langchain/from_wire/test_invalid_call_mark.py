"""A mark behind the arguments of a call that cannot be read; `test_chunks_added_up.py` adds it up in every way."""

from __future__ import annotations

import pytest
from langchain_core.messages import AIMessageChunk

from langchain_gumloop.from_wire.invalid_call_mark import invalid_call_mark, without_invalid_call_mark

ARGUMENTS = [
    "",
    "nope",
    '{"a": 1',
    '{"a": "x',
    '{"a": "x\\',
    '{"a": [1',
    '{"a": {"b": "]',
    "[1, 2",
    '{"a": 1} more',
    "{]",
]


@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_langchain_reads_nothing_out_of_marked_arguments(arguments: str) -> None:
    piece = {"name": "f", "args": arguments + invalid_call_mark(arguments), "id": "c", "index": 0}
    chunk = AIMessageChunk(content="", tool_call_chunks=[{**piece, "type": "tool_call_chunk"}])
    assert (chunk.tool_calls, [call["id"] for call in chunk.invalid_tool_calls]) == ([], ["c"])


@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_the_mark_comes_off(arguments: str) -> None:
    assert without_invalid_call_mark(arguments + invalid_call_mark(arguments)) == arguments


@pytest.mark.parametrize("arguments", [None, "", '{"a": "<no whole JSON object>"}', '{"a": 1}'])
def test_what_the_model_wrote_stays(arguments: str | None) -> None:
    assert without_invalid_call_mark(arguments) == arguments
