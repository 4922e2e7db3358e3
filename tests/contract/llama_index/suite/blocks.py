"""Content blocks, in and out."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from llama_index.core.base.llms.types import (
    AudioBlock,
    CacheControl,
    CachePoint,
    CitableBlock,
    CitationBlock,
    ThinkingBlock,
    VideoBlock,
)
from llama_index.core.llms import ChatMessage, DocumentBlock, ImageBlock, TextBlock
from llama_index.core.llms import MessageRole as Role

from gumloop_emulator import Answer, Emulator
from tests.contract.llama_index.suite.driver import ConformanceBase, SyncCalls, user
from tests.support.pictures import png

PICTURE = png()
PICTURE_URL = f"data:image/png;base64,{base64.b64encode(PICTURE).decode()}"
WAV = (
    b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data"
)
PDF = b"%PDF-1.4\n%%EOF\n"


def _sent(server: Emulator) -> list[dict]:
    content = server.last_body["messages"][0]["content"]
    assert isinstance(content, list)
    return content


class BlockTests(ConformanceBase):
    def _send(self, llm, calls: SyncCalls, *blocks) -> None:
        calls.chat(llm, [ChatMessage(role=Role.USER, blocks=[TextBlock(text="What is this?"), *blocks])])

    def test_an_image_is_sent(self, llm, server: Emulator, calls: SyncCalls):
        self._send(llm, calls, ImageBlock(image=PICTURE))
        assert _sent(server)[0] == {"type": "text", "text": "What is this?"}
        assert _sent(server)[1]["image_url"]["url"] == PICTURE_URL

    def test_an_image_file_is_sent(self, llm, server: Emulator, calls: SyncCalls, tmp_path: Path):
        path = tmp_path / "picture.png"
        path.write_bytes(PICTURE)
        self._send(llm, calls, ImageBlock(path=path))
        assert _sent(server)[1]["image_url"]["url"] == PICTURE_URL

    def test_an_image_url_is_sent_as_it_is(self, llm, server: Emulator, calls: SyncCalls):
        # The host does not exist: downloading it would fail.
        self._send(llm, calls, ImageBlock(url="https://pictures.invalid/one.png", detail="low"))
        assert _sent(server)[1]["image_url"] == {"url": "https://pictures.invalid/one.png", "detail": "low"}

    def test_a_document_is_sent(self, llm, server: Emulator, calls: SyncCalls):
        self._send(llm, calls, DocumentBlock(data=PDF, title="one.pdf", document_mimetype="application/pdf"))
        assert _sent(server)[1] == {
            "type": "file",
            "file": {
                "filename": "one.pdf",
                "file_data": f"data:application/pdf;base64,{base64.b64encode(PDF).decode()}",
            },
        }

    def test_a_document_url_is_not_downloaded(self, llm, server: Emulator, calls: SyncCalls):
        self._send(llm, calls, DocumentBlock(url="https://documents.invalid/one.pdf", title="one.pdf"))
        assert _sent(server)[1]["file"]["file_data"] == "https://documents.invalid/one.pdf"

    def test_audio_is_sent(self, llm, server: Emulator, calls: SyncCalls):
        self._send(llm, calls, AudioBlock(audio=WAV, format="wav"))
        assert _sent(server)[1] == {
            "type": "input_audio",
            "input_audio": {"data": base64.b64encode(WAV).decode(), "format": "wav"},
        }

    def test_a_video_is_sent(self, llm, server: Emulator, calls: SyncCalls):
        self._send(llm, calls, VideoBlock(url="https://videos.invalid/one.mp4"))
        assert _sent(server)[1] == {"type": "video_url", "video_url": {"url": "https://videos.invalid/one.mp4"}}

    def test_a_cache_point_marks_the_text_before_it(self, llm, server: Emulator, calls: SyncCalls):
        point = CachePoint(cache_control=CacheControl(type="ephemeral", ttl="1h"))
        blocks = [TextBlock(text="long"), point, TextBlock(text="short")]
        calls.chat(llm, [ChatMessage(role=Role.USER, blocks=blocks)])
        assert _sent(server) == [
            {"type": "text", "text": "long", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
            {"type": "text", "text": "short"},
        ]

    def test_citations_are_sent_as_text(self, llm, server: Emulator, calls: SyncCalls):
        citable = CitableBlock(title="Atlas", source="atlas.txt", content=[TextBlock(text="Ottawa is a capital.")])
        citation = CitationBlock(cited_content="Ottawa", title="Atlas", source="p. 7", additional_location_info={})
        calls.chat(
            llm,
            [
                ChatMessage(role=Role.USER, blocks=[citable, TextBlock(text="So?")]),
                ChatMessage(role=Role.ASSISTANT, blocks=[citation]),
                ChatMessage(role=Role.USER, content="Sure?"),
            ],
        )
        question, answer, _ = server.last_body["messages"]
        text = "\n".join(part["text"] for part in question["content"])
        assert "Atlas" in text
        assert "atlas.txt" in text
        assert "Ottawa is a capital." in text
        assert "Ottawa" in answer["content"]
        assert "p. 7" in answer["content"]

    def test_a_tools_picture_is_sent(self, llm, server: Emulator, calls: SyncCalls):
        call = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
        calls.chat(
            llm,
            [
                *user("Look!"),
                ChatMessage(role=Role.ASSISTANT, blocks=[], additional_kwargs={"tool_calls": [call]}),
                ChatMessage(
                    role=Role.TOOL,
                    blocks=[TextBlock(text="Seen."), ImageBlock(image=PICTURE)],
                    additional_kwargs={"tool_call_id": "call_1"},
                ),
            ],
        )
        result = next(message for message in server.last_body["messages"] if message["role"] == "tool")
        assert result["tool_call_id"] == "call_1"
        assert PICTURE_URL in str(server.last_body["messages"])

    def test_what_the_wire_has_no_place_for_is_named(self, llm, server: Emulator, calls: SyncCalls):
        block = AudioBlock(url="https://sounds.invalid/one.wav", format="wav")
        with pytest.raises(ValueError, match="AudioBlock"):
            self._send(llm, calls, block)
        assert not server.requests

    def test_thinking_has_no_place_in_a_users_message(self, llm, server: Emulator, calls: SyncCalls):
        with pytest.raises(ValueError, match="ThinkingBlock"):
            self._send(llm, calls, ThinkingBlock(content="hm"))
        assert not server.requests

    def test_a_generated_picture_comes_as_a_block(self, llm, server: Emulator, calls: SyncCalls):
        server.queue(Answer(text="Here:", images=[PICTURE]))
        message = calls.chat(llm, user("Draw!")).message
        (image,) = [block for block in message.blocks if isinstance(block, ImageBlock)]
        assert image.resolve_image().read() == PICTURE
        assert image.image_mimetype == "image/png"
        assert message.content == "Here:"

    def test_a_streamed_picture_comes_as_a_block(self, llm, server: Emulator, calls: SyncCalls):
        server.queue(Answer(text="Here:", images=[PICTURE]))
        message = calls.stream_chat(llm, user("Draw!"))[-1].message
        (image,) = [block for block in message.blocks if isinstance(block, ImageBlock)]
        assert image.resolve_image().read() == PICTURE

    def test_a_generated_picture_can_stay_in_the_conversation(self, llm, server: Emulator, calls: SyncCalls):
        server.queue(Answer(text="Here:", images=[PICTURE]))
        answer = calls.chat(llm, user("Draw!")).message
        calls.chat(llm, [*user("Draw!"), answer, *user("Again!")])
        assert PICTURE_URL in str(server.last_body["messages"])
