"""LangChain's standard blocks of our messages and chunks."""

from __future__ import annotations

from gumloop_emulator import Emulator
from tests.langchain.answers import (
    IMAGE,
    PIXEL,
    REASONING,
    TEXT_THEN_CALLS,
    added,
    streamed,
)
from tests.langchain.conftest import MakeModel


def test_text_and_a_call_after_it_stay_two_blocks(server: Emulator, chat: MakeModel) -> None:
    server.queue(TEXT_THEN_CALLS[1])
    total = added(list(chat(output_version="v1").stream("x")))
    assert [block["type"] for block in total.content_blocks] == ["text", "tool_call", "tool_call"]
    assert total.content_blocks[0]["text"] == "Let me check."
    assert total.content_blocks[1] == {"type": "tool_call", "id": "c1", "name": "weather", "args": {"city": "Paris"}}


def test_reasoning_is_a_block_while_it_streams(server: Emulator, chat: MakeModel) -> None:
    server.queue(REASONING[1])
    blocks = [block for chunk in chat().stream("x") for block in chunk.content_blocks]
    assert blocks[0] == {"type": "reasoning", "reasoning": "Let me ", "index": "lc_rsn"}
    assert [block["type"] for block in blocks] == ["reasoning", "reasoning", "text"]


def test_a_picture_that_was_not_asked_for_is_not_lost(server: Emulator, chat: MakeModel) -> None:
    server.queue(streamed({"content": "A pixel"}, {"images": [IMAGE]}, {"content": "."}))
    total = added(list(chat().stream("x")))
    assert total.content_blocks == [
        {"type": "text", "text": "A pixel."},
        {"type": "image", "base64": PIXEL, "mime_type": "image/png"},
    ]
