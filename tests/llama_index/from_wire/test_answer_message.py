"""Messages of more than one block: they read well, and their text can be set."""

from __future__ import annotations

import pytest
from llama_index.core.base.llms.types import ChatMessage, ImageBlock, TextBlock, ThinkingBlock

from gumloop_emulator import Answer, Emulator, Json, ToolCall
from llama_index_gumloop.from_wire.answer_message import AnswerMessage
from tests.support.http_bytes import completion

USER = [ChatMessage("Hi")]


@pytest.mark.parametrize("streamed", [False, True])
def test_an_answer_without_text_reads_well(server: Emulator, llm, streamed: bool):
    server.queue(Answer(tool_calls=[ToolCall("add", {"a": 1}), ToolCall("draw", "{nope")]))
    responses = list(llm.stream_chat(USER)) if streamed else [llm.chat(USER)]
    assert str(responses[-1]) == "assistant: add(a=1), draw({nope)"
    assert responses[-1].message.content is None
    assert not [response for response in responses if "None" in str(response)]


def test_a_picture_alone_reads_well(server: Emulator, llm):
    server.queue(Json(completion(None, images=[{"image_url": {"url": "https://pictures.invalid/one.png"}}])))
    assert str(llm.chat(USER)) == "assistant: [image]"


def test_its_text_can_be_set_between_its_other_blocks():
    picture = ImageBlock(url="https://pictures.invalid/one.png")
    message = AnswerMessage(role="assistant", blocks=[ThinkingBlock(content="so"), TextBlock(text="a"), picture])
    message.content = "b"
    assert message.content == "b"
    assert message.blocks == [ThinkingBlock(content="so"), TextBlock(text="b"), picture]
    alone = AnswerMessage(role="assistant", blocks=[ThinkingBlock(content="so")])
    alone.content = "c"
    assert alone.blocks == [ThinkingBlock(content="so"), TextBlock(text="c")]


def test_it_equals_a_plain_message_of_the_same_blocks():
    blocks = [ThinkingBlock(content="so"), TextBlock(text="a")]
    assert AnswerMessage(role="assistant", blocks=blocks) == ChatMessage(role="assistant", blocks=blocks)
    assert AnswerMessage(role="assistant", blocks=blocks) != ChatMessage(role="user", blocks=blocks)
