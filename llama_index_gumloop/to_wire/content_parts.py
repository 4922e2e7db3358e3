"""The content of a LlamaIndex message as the wire's parts. Nothing is downloaded: a URL is sent as it is."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from io import IOBase
from pathlib import Path, PurePath
from typing import Any

from llama_index.core.base.llms.types import (
    AudioBlock,
    CachePoint,
    CitableBlock,
    CitationBlock,
    DocumentBlock,
    ImageBlock,
    TextBlock,
    VideoBlock,
)
from pydantic import AnyUrl

from gumloop_core.errors import InvalidRequestError
from gumloop_core.shown import named, shown, with_article
from gumloop_core.wire import ContentPart, JSONObject
from gumloop_core.writing.cache_marks import is_blank, mark_last
from gumloop_core.writing.media import data_url, file_name, image_mime_type, image_part

_UNTITLED = "input_document"
"""The framework's word for a document without a title."""

_CARRIES_FILES = ("user", "tool")
"""Roles whose messages can carry more than text."""


def message_content(blocks: Sequence[tuple[int, Any]], role: str, place: int) -> str | list[ContentPart]:
    """The content of a message: text where text is all there is, else parts.

    Args:
        blocks: The message's blocks of content, each with its number in the message.
        role: The message's role on the wire.
        place: The message's place in the conversation.

    Raises:
        InvalidRequestError: If a block has no place on the wire, naming the message and the block.
    """
    parts: list[ContentPart] = []
    for number, block in blocks:
        where = f"messages[{place}].blocks[{number}]"
        if isinstance(block, CachePoint):
            _mark_cached(parts, block, where)
        else:
            _add_parts(parts, block, role, where)
    if len(parts) > 1:
        # Many providers refuse an empty text beside other parts.
        parts = [part for part in parts if not is_blank(part)] or parts[:1]
    if any(part["type"] != "text" or "cache_control" in part for part in parts):
        return parts
    if role == "user" and len(parts) > 1:
        return parts
    # As `ChatMessage.content` joins them.
    return "\n".join(part["text"] for part in parts)


def _mark_cached(parts: list[ContentPart], block: CachePoint, where: str) -> None:
    control = block.cache_control
    kind = text_field(control, "type", where)
    mark: JSONObject = {"type": "ephemeral" if kind == "default" else kind}  # Bedrock's word for it
    ttl = text_field(control, "ttl", where)
    if ttl:
        mark["ttl"] = ttl
    if not mark_last(parts, mark):
        raise InvalidRequestError(
            f"{where} is a CachePoint with no content before it in its message: the endpoint caches up to a text, a "
            "picture or a file. Put it right behind one."
        )


def _add_parts(parts: list[ContentPart], block: Any, role: str, where: str) -> None:
    if isinstance(block, TextBlock):
        text = block.text
        if not isinstance(text, str):
            raise InvalidRequestError(f"{where} is a TextBlock whose text is {named(text)}: {shown(text)}.")
        parts.append({"type": "text", "text": text})
    elif isinstance(block, CitationBlock):
        cited = block.cited_content
        if role in _CARRIES_FILES or isinstance(cited, TextBlock):  # else the source stands for a picture
            _add_parts(parts, cited, role, f"{where}.cited_content")
        parts.append(_source_part(block))
    elif isinstance(block, CitableBlock):
        parts.append(_source_part(block))
        for number, nested in enumerate(block.content):
            _add_parts(parts, nested, role, f"{where}.content[{number}]")
    elif role not in _CARRIES_FILES:
        raise InvalidRequestError(
            f"{where} is {named(block)}, but {with_article(role)} message can carry text only. "
            "Put it into a user message."
        )
    elif isinstance(block, ImageBlock):
        parts.append(image_part(image_address(block, where), text_field(block, "detail", where)))
    elif isinstance(block, DocumentBlock):
        parts.append({"type": "file", "file": _file(block, where)})
    elif isinstance(block, AudioBlock):
        parts.append({"type": "input_audio", "input_audio": _audio(block, where)})
    elif isinstance(block, VideoBlock):
        parts.append({"type": "video_url", "video_url": {"url": _video_url(block, where)}})
    else:
        raise InvalidRequestError(f"{where} is {named(block)}, which {with_article(role)} message cannot carry.")


def _source_part(block: CitableBlock | CitationBlock) -> ContentPart:
    return {"type": "text", "text": f"[{block.title}: {block.source}]" if block.title else f"[{block.source}]"}


def text_field(block: Any, field: str, where: str) -> str | None:
    """A block's field that is a text or missing.

    Args:
        block: The block.
        field: The field's name.
        where: The block's place, for an error.

    Raises:
        InvalidRequestError: If it is something else, as it can become after the block was made.
    """
    value = getattr(block, field)
    if value is None or isinstance(value, str):
        return value
    raise InvalidRequestError(f"{where} is {named(block)} whose {field} is {named(value)}, not a text: {shown(value)}.")


def image_address(block: ImageBlock, where: str) -> str:
    """An image's URL, a data URL where the block has its bytes or its file.

    Args:
        block: The block.
        where: Its place, for an error.

    Raises:
        InvalidRequestError: If it is empty, cannot be read, or is of no known kind.
    """
    if block.url and not block.image:
        return _address(block, where)
    text = _base64(block.image, block.path, f"{where} (an ImageBlock)")
    mime_type = _kind_of_image(text) or text_field(block, "image_mimetype", where)
    if mime_type is None:
        raise InvalidRequestError(
            f"{where} is an ImageBlock of no kind that can be told from its bytes: set image_mimetype. "
            "The endpoint takes JPEG, PNG, GIF and WebP."
        )
    return data_url(text, mime_type)


def _kind_of_image(text: str) -> str | None:
    try:
        return image_mime_type(base64.b64decode(text[:64]))
    except ValueError:  # whatever it is, it is not for us to read
        return None


def _video_url(block: VideoBlock, where: str) -> str:
    if block.url:
        return _address(block, where)
    text = _base64(block.video, block.path, f"{where} (a VideoBlock)")
    return data_url(text, text_field(block, "video_mimetype", where) or "video/mp4")


def _address(block: Any, where: str) -> str:
    url = block.url
    if isinstance(url, (str, AnyUrl)):
        return str(url)
    raise InvalidRequestError(f"{where} is {named(block)} whose url is {named(url)}, not a text: {shown(url)}.")


def _file(block: DocumentBlock, where: str) -> JSONObject:
    mime_type = text_field(block, "document_mimetype", where) or "application/octet-stream"
    if block.url and not block.data:
        url = _address(block, where)
        return {"filename": _name_of(block, where, url, mime_type), "file_data": url}
    text = _base64(block.data, block.path, f"{where} (a DocumentBlock)")
    name = _name_of(block, where, "" if block.data else str(block.path), mime_type)
    return {"filename": name, "file_data": data_url(text, mime_type)}


def _name_of(block: DocumentBlock, where: str, place: str, mime_type: str) -> str:
    """A document's name: its title, or what its file or address ends in, or one that its type gives."""
    title = text_field(block, "title", where)
    if title and title != _UNTITLED:
        return title
    found = "" if place.startswith("data:") else PurePath(place.partition("?")[0]).name
    return found if "." in found else file_name(mime_type)


def _audio(block: AudioBlock, where: str) -> JSONObject:
    if not block.audio and not block.path:
        url = _address(block, where) if block.url else ""
        head, comma, text = url.partition(",")
        if not (comma and head.startswith("data:") and head.endswith(";base64")):
            raise InvalidRequestError(
                f"{where} is an AudioBlock with a URL, and the endpoint takes audio only as bytes. "
                "Download it and pass audio=…, or a path."
            )
    else:
        text = _base64(block.audio, block.path, f"{where} (an AudioBlock)")
    audio_format = text_field(block, "format", where)
    if not audio_format:
        raise InvalidRequestError(f"{where} is an AudioBlock of unknown format: set format, 'wav' or 'mp3' say.")
    return {"data": text, "format": audio_format}


def _base64(value: bytes | IOBase | None, path: Any, where: str) -> str:
    """The base64 text of a block's bytes (which blocks keep as base64), of its buffer, or of its file."""
    if isinstance(value, bytes) and value:
        try:
            return value.decode("ascii")
        except UnicodeDecodeError:  # set after the block was made, which would have encoded it
            return base64.b64encode(value).decode("ascii")
    if value is not None and not isinstance(value, (bytes, IOBase)):
        raise InvalidRequestError(f"{where} holds {named(value)}, not bytes: {shown(value)}.")
    if isinstance(value, IOBase):
        value.seek(0)
        data = value.read()
        if not isinstance(data, bytes):
            raise InvalidRequestError(f"{where} reads as {named(data)}, not bytes: open the file in binary mode.")
    elif path:
        try:
            data = Path(path).read_bytes()
        except (OSError, TypeError, ValueError) as error:
            raise InvalidRequestError(f"{where} names a file that cannot be read: {error}") from error
    else:
        data = b""
    if not data:
        raise InvalidRequestError(f"{where} is empty.")
    return base64.b64encode(data).decode("ascii")
