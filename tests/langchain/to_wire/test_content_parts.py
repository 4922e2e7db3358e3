"""What users put into messages, in every form that they have it, and the part that the endpoint gets."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from langchain_core.messages import (
    HumanMessage,
    SystemMessage,
)

from gumloop_core import errors as core
from gumloop_emulator import Answer, Emulator
from langchain_gumloop.to_wire.messages import to_messages
from tests.langchain.conftest import MakeModel
from tests.langchain.to_wire.test_messages import CACHED, DATA, DATA_URL, URL

PDF = base64.b64encode(b"%PDF-1.1").decode()


PARTS: list[Any] = [
    pytest.param("just text", {"type": "text", "text": "just text"}, id="a string"),
    pytest.param({"type": "text", "text": "t"}, {"type": "text", "text": "t"}, id="text"),
    pytest.param({"type": "text", "text": "t", **CACHED}, {"type": "text", "text": "t", **CACHED}, id="cached text"),
    pytest.param(
        {"type": "text", "text": "t", "extras": CACHED}, {"type": "text", "text": "t", **CACHED}, id="cached v1 text"
    ),
    pytest.param(
        {"type": "non_standard", "value": {"type": "text", "text": "t"}, **CACHED},
        {"type": "text", "text": "t", **CACHED},
        id="cached non-standard",
    ),
    pytest.param(
        {"type": "image", "url": URL, **CACHED},
        {"type": "image_url", "image_url": {"url": URL}, **CACHED},
        id="cached image",
    ),
    pytest.param(
        {"type": "file", "file_id": "f1", "extras": CACHED},
        {"type": "file", "file": {"file_id": "f1"}, **CACHED},
        id="cached file",
    ),
    pytest.param(
        {"type": "text-plain", "text": "t", "mime_type": "text/plain"}, {"type": "text", "text": "t"}, id="plain"
    ),
    pytest.param(
        {"type": "image_url", "image_url": {"url": URL, "detail": "low"}},
        {"type": "image_url", "image_url": {"url": URL, "detail": "low"}},
        id="OpenAI image",
    ),
    pytest.param(
        {"type": "image_url", "image_url": URL}, {"type": "image_url", "image_url": {"url": URL}}, id="bare image_url"
    ),
    pytest.param(
        {"type": "image_url", "image_url": {"url": DATA_URL}},
        {"type": "image_url", "image_url": {"url": DATA_URL}},
        id="OpenAI data URL",
    ),
    pytest.param({"type": "image", "url": URL}, {"type": "image_url", "image_url": {"url": URL}}, id="v1 image URL"),
    pytest.param(
        {"type": "image", "base64": DATA_URL, "mime_type": "image/png"},
        {"type": "image_url", "image_url": {"url": DATA_URL}},
        id="data URL for base64",
    ),
    pytest.param(
        {"type": "image", "base64": DATA, "mime_type": "image/png", "extras": {"detail": "high"}},
        {"type": "image_url", "image_url": {"url": DATA_URL, "detail": "high"}},
        id="v1 image",
    ),
    pytest.param(
        {"type": "image", "source_type": "base64", "data": DATA, "mime_type": "image/png"},
        {"type": "image_url", "image_url": {"url": DATA_URL}},
        id="v0 image",
    ),
    pytest.param(
        {"type": "image", "source_type": "url", "url": URL},
        {"type": "image_url", "image_url": {"url": URL}},
        id="v0 image URL",
    ),
    pytest.param(
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": DATA}, **CACHED},
        {"type": "image_url", "image_url": {"url": DATA_URL}, **CACHED},
        id="Anthropic image",
    ),
    pytest.param(
        {"type": "image", "source": {"type": "url", "url": URL}},
        {"type": "image_url", "image_url": {"url": URL}},
        id="Anthropic image URL",
    ),
    pytest.param(
        {"type": "file", "base64": PDF, "mime_type": "application/pdf", "extras": {"filename": "a.pdf"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}},
        id="v1 file",
    ),
    pytest.param(
        {"type": "file", "url": "https://example.com/a.pdf"},
        {"type": "file", "file": {"file_data": "https://example.com/a.pdf"}},
        id="v1 file URL",
    ),
    pytest.param(
        {"type": "file", "source_type": "base64", "data": PDF, "mime_type": "application/pdf", "filename": "a.pdf"},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}},
        id="v0 file",
    ),
    pytest.param(
        {"type": "file", "source_type": "text", "url": "body", "mime_type": "text/plain"},
        {"type": "text", "text": "body"},
        id="v0 text file",
    ),
    pytest.param(
        {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}},
        id="OpenAI file",
    ),
    pytest.param(
        {"type": "file", "base64": PDF, "mime_type": "application/pdf"},
        {"type": "file", "file": {"filename": "file.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}},
        id="v1 file without a name",
    ),
    pytest.param(
        {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{PDF}"}},
        {"type": "file", "file": {"filename": "file.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}},
        id="OpenAI file without a name",
    ),
    pytest.param(
        {"type": "document", "source": {"type": "base64", "media_type": "text/csv", "data": PDF}},
        {"type": "file", "file": {"filename": "file.csv", "file_data": f"data:text/csv;base64,{PDF}"}},
        id="Anthropic document without a name",
    ),
    pytest.param({"type": "file", "file_id": "f1"}, {"type": "file", "file": {"file_id": "f1"}}, id="v1 file id"),
    pytest.param(
        {
            "type": "document",
            "title": "a.pdf",
            "source": {"type": "base64", "media_type": "application/pdf", "data": PDF},
        },
        {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}},
        id="Anthropic document",
    ),
    pytest.param(
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "body"}},
        {"type": "text", "text": "body"},
        id="Anthropic text document",
    ),
    pytest.param(
        {"type": "audio", "base64": "UklGRg==", "mime_type": "audio/x-wav"},
        {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
        id="v1 audio",
    ),
    pytest.param(
        {"type": "audio", "source_type": "base64", "data": "UklGRg==", "mime_type": "audio/mpeg"},
        {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "mp3"}},
        id="v0 audio",
    ),
    pytest.param(
        {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
        {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
        id="OpenAI audio",
    ),
    pytest.param(
        {"type": "video", "url": "https://example.com/a.mp4"},
        {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}},
        id="v1 video",
    ),
    pytest.param(
        {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}},
        {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}},
        id="OpenRouter video",
    ),
    pytest.param(
        {"type": "non_standard", "value": {"type": "image_url", "image_url": {"url": URL}}},
        {"type": "image_url", "image_url": {"url": URL}},
        id="non-standard",
    ),
]


@pytest.mark.parametrize(("block", "part"), PARTS)
def test_every_form_of_a_block_becomes_the_wires_part(
    server: Emulator, chat: MakeModel, block: Any, part: dict[str, Any]
) -> None:
    server.queue(Answer(text="seen"))
    chat().invoke([HumanMessage([block])])
    assert server.last_body["messages"] == [{"role": "user", "content": [part]}]


@pytest.mark.parametrize(("block", "part"), PARTS)
def test_a_block_converts_without_langchains_help_too(block: Any, part: dict[str, Any]) -> None:
    params, caller_indices = to_messages([HumanMessage([block])])
    assert params == [{"role": "user", "content": [part]}]
    assert caller_indices is None


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"type": "hologram"}, r"messages\[1\]: content\[1\] is a block of type 'hologram'"),
        ({"type": "audio", "url": "https://example.com/a.wav"}, r"content\[1\] is audio without base64 data"),
        ({"type": "audio", "base64": "UklGRg=="}, r"content\[1\] is audio with base64 data, which needs its mime_type"),
        ({"type": "image", "file_id": "f1"}, r"content\[1\] is an image with the id of an uploaded file"),
        ({"type": "image"}, r"content\[1\] is an image without url or base64"),
        ({"type": "image_url", "image_url": {}}, r"content\[1\] is an image_url block without a url"),
        ({"type": "text"}, r"content\[1\] is a text block without text"),
        ({"type": "thinking", "thinking": "hm"}, r"content\[1\] is a block of type 'thinking'"),
        ({"no": "type"}, r"content\[1\] is a block of type None"),
    ],
)
def test_a_block_without_a_place_is_named_before_anything_is_sent(
    server: Emulator, chat: MakeModel, block: dict[str, Any], message: str
) -> None:
    with pytest.raises(core.InvalidRequestError, match=message):
        chat().invoke([SystemMessage("s"), HumanMessage(["text", block])])
    assert server.requests == []


def test_data_without_a_kind_is_named() -> None:
    with pytest.raises(core.InvalidRequestError, match=r"content\[0\] is an image with base64 data, which needs its"):
        to_messages([HumanMessage([{"type": "image", "base64": DATA}])])
