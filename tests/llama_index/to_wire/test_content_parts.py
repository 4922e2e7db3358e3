"""Pictures, sounds, documents and marks of caches on their way out."""

from __future__ import annotations

import base64
import io

import pytest
from llama_index.core.base.llms.types import (
    AudioBlock,
    CacheControl,
    CachePoint,
    DocumentBlock,
    ImageBlock,
    VideoBlock,
)
from llama_index.core.llms import ChatMessage, TextBlock

from gumloop_core.errors import InvalidRequestError
from tests.llama_index.to_wire.test_messages import PNG, RESULT, one

POINT = CachePoint(cache_control=CacheControl(type="ephemeral"))


def test_an_image_from_a_buffer():
    content = one(ChatMessage(role="user", blocks=[ImageBlock(image=io.BytesIO(PNG))]))["content"]
    assert content[0]["image_url"]["url"] == f"data:image/png;base64,{base64.b64encode(PNG).decode()}"


def test_what_an_image_is_is_told_from_its_bytes():
    block = ImageBlock(image=PNG, image_mimetype="image/jpeg")
    assert "data:image/png" in str(one(ChatMessage(role="user", blocks=[block])))


def test_an_image_of_no_known_kind_is_named():
    block = ImageBlock(image=b"what is this, and what can it be")
    block.image_mimetype = None
    with pytest.raises(InvalidRequestError, match=r"messages\[0\].*ImageBlock.*image_mimetype"):
        one(ChatMessage(role="user", blocks=[block]))


def test_a_file_that_is_gone_is_named(tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(PNG)
    block = ImageBlock(path=path)
    path.unlink()
    with pytest.raises(InvalidRequestError, match=r"ImageBlock.*cannot be read"):
        one(ChatMessage(role="user", blocks=[block]))


def test_an_empty_block_is_named():
    for block in (ImageBlock(), DocumentBlock(), VideoBlock(), AudioBlock(audio=b"", path=None)):
        with pytest.raises(InvalidRequestError, match=type(block).__name__):
            one(ChatMessage(role="user", blocks=[block]))


def test_audio_in_a_data_url_is_sent():
    data = base64.b64encode(b"RIFF1234WAVE").decode()
    block = AudioBlock(url=f"data:audio/wav;base64,{data}", format="wav")
    (part,) = one(ChatMessage(role="user", blocks=[block]))["content"]
    assert part == {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}


def test_audio_of_unknown_format_is_named():
    block = AudioBlock(audio=b"????????????????")
    block.format = None
    with pytest.raises(InvalidRequestError, match="AudioBlock of unknown format"):
        one(ChatMessage(role="user", blocks=[block]))


def test_a_document_file_is_sent(tmp_path):
    path = tmp_path / "notes.pdf"
    path.write_bytes(b"%PDF-1.4")
    (part,) = one(ChatMessage(role="user", blocks=[DocumentBlock(path=path, title="notes.pdf")]))["content"]
    assert part["file"]["filename"] == "notes.pdf"
    assert part["file"]["file_data"].startswith("data:application/pdf;base64,")


def test_a_video_is_sent_as_data():
    block = VideoBlock(video=b"\x00\x00\x00\x18ftypmp42", video_mimetype="video/mp4")
    (part,) = one(ChatMessage(role="user", blocks=[block]))["content"]
    assert part["video_url"]["url"].startswith("data:video/mp4;base64,")


@pytest.mark.parametrize("role", ["system", "assistant"])
def test_a_document_in_another_role_is_named(role: str):
    block = DocumentBlock(data=b"%PDF-1.4", document_mimetype="application/pdf")
    with pytest.raises(InvalidRequestError, match=r"messages\[0\]\.blocks\[0\].*DocumentBlock"):
        one(ChatMessage(role=role, blocks=[block]))


@pytest.mark.parametrize("role", ["system", "user", "assistant", "tool"])
def test_a_cache_point_works_in_every_role(role: str):
    message = ChatMessage(role=role, blocks=[TextBlock(text="long"), POINT], additional_kwargs=RESULT)
    assert one(message)["content"] == [
        {"type": "text", "text": "long", "cache_control": {"type": "ephemeral", "ttl": "5m"}}
    ]


@pytest.mark.parametrize("blocks", [[POINT], [TextBlock(text=" "), POINT]], ids=["first", "behind an empty text"])
def test_a_cache_point_without_content_before_it_is_named(blocks):
    with pytest.raises(InvalidRequestError, match=r"blocks\[\d\] is a CachePoint with no content before it"):
        one(ChatMessage(role="user", blocks=blocks))


@pytest.mark.parametrize(
    "block",
    [
        ImageBlock(image=PNG),
        DocumentBlock(data=b"%PDF-1.4", document_mimetype="application/pdf"),
        VideoBlock(video=b"\x00\x00\x00\x18ftypmp42", video_mimetype="video/mp4"),
    ],
    ids=["image", "document", "video"],
)
@pytest.mark.parametrize("role", ["user", "tool"])
def test_a_cache_point_marks_a_file_before_it(block, role: str):
    message = ChatMessage(role=role, blocks=[TextBlock(text="a"), block, POINT], additional_kwargs=RESULT)
    first, second = one(message)["content"]
    assert "cache_control" not in first
    assert second["cache_control"] == {"type": "ephemeral", "ttl": "5m"}


def test_a_cache_point_as_bedrock_has_it_and_one_without_a_time():
    bedrock, untimed = (CachePoint(cache_control=CacheControl(type=kind)) for kind in ("default", "ephemeral"))
    untimed.cache_control.ttl = None
    message = ChatMessage(role="user", blocks=[TextBlock(text="a"), bedrock, TextBlock(text="b"), untimed])
    marks = [part["cache_control"] for part in one(message)["content"]]
    assert marks == [{"type": "ephemeral", "ttl": "5m"}, {"type": "ephemeral"}]


@pytest.mark.parametrize("role", ["system", "user", "assistant", "tool"])
def test_a_message_can_be_marked_as_a_whole(role: str):
    # llama-index-llms-anthropic reads it so
    given = {**RESULT, "cache_control": {"type": "ephemeral"}}
    message = ChatMessage(role=role, blocks=[TextBlock(text="a"), TextBlock(text="b")], additional_kwargs=given)
    content = one(message)["content"]
    assert content[-1]["cache_control"] == {"type": "ephemeral"}
    assert "\n".join(part["text"] for part in content) == "a\nb"
    message.additional_kwargs["cache_control"] = "ephemeral"
    with pytest.raises(InvalidRequestError, match=r"messages\[0\]\.additional_kwargs: cache_control must be a dict"):
        one(message)


def test_marking_a_text_leaves_the_callers_block_alone():
    text = TextBlock(text="long")
    one(ChatMessage(role="user", blocks=[text, POINT]))
    assert text == TextBlock(text="long")


def test_a_cache_point_behind_an_empty_text_marks_the_text_before():
    blocks = [TextBlock(text="long"), TextBlock(text=""), POINT]
    (part,) = one(ChatMessage(role="user", blocks=blocks))["content"]
    assert (part["text"], "cache_control" in part) == ("long", True)


@pytest.mark.parametrize(
    ("mime_type", "name"), [("application/pdf", "file.pdf"), ("text/plain", "file.txt"), ("x/unheard-of", "file")]
)
def test_a_file_without_a_name_gets_one_from_its_type(mime_type: str, name: str):
    block = DocumentBlock(data=b"some bytes", document_mimetype=mime_type)
    assert one(ChatMessage(role="user", blocks=[block]))["content"][0]["file"]["filename"] == name


def test_a_file_is_named_like_its_place(tmp_path):
    path = tmp_path / "notes.pdf"
    path.write_bytes(b"%PDF-1.4")
    blocks = [DocumentBlock(path=path), DocumentBlock(url="https://documents.invalid/a/one.pdf?page=1")]
    parts = one(ChatMessage(role="user", blocks=blocks))["content"]
    assert [part["file"]["filename"] for part in parts] == ["notes.pdf", "one.pdf"]


def test_an_images_bytes_that_were_set_later_are_sent():
    block = ImageBlock(image=PNG)
    block.image = PNG  # not as the block keeps them, which is as base64
    sent = one(ChatMessage(role="user", blocks=[block]))["content"][0]["image_url"]["url"]
    assert sent == f"data:image/png;base64,{base64.b64encode(PNG).decode()}"


def test_a_file_that_is_open_as_text_is_named():
    block = ImageBlock(image=PNG, image_mimetype="image/png")
    block.image = io.StringIO("text")
    with pytest.raises(InvalidRequestError, match=r"reads as a str, not bytes: open the file in binary mode"):
        one(ChatMessage(role="user", blocks=[block]))
