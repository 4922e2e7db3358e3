"""LlamaIndex messages to the wire's. Nothing is downloaded: a URL is sent as it is.

One message becomes one message of the body, so a place in the body is a place in the caller's list.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from io import IOBase
from pathlib import Path
from typing import Any, cast

from llama_index.core.base.llms.types import (
    AudioBlock,
    CachePoint,
    ChatMessage,
    CitableBlock,
    CitationBlock,
    DocumentBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    VideoBlock,
)

from gumloop_core.errors import InvalidRequestError
from gumloop_core.json_text import decode, encode_arguments
from gumloop_core.media import data_url, image_mime_type, image_part
from gumloop_core.schema import safe_name
from gumloop_core.wire import ContentPart, JSONObject, MessageParam, ToolCallParam

_ROLES: dict[str, str] = {
    MessageRole.SYSTEM: "system",
    MessageRole.DEVELOPER: "developer",
    MessageRole.USER: "user",
    MessageRole.ASSISTANT: "assistant",
    MessageRole.TOOL: "tool",
    # Other providers' words for the same two.
    MessageRole.FUNCTION: "tool",
    MessageRole.CHATBOT: "assistant",
    MessageRole.MODEL: "assistant",
}


def to_messages(messages: Sequence[ChatMessage], *, replay_reasoning: bool = True) -> list[MessageParam]:
    """The wire's messages, one for each of the caller's.

    Args:
        messages: The conversation. It is not touched.
        replay_reasoning: Whether the reasoning in assistant messages is sent back.

    Raises:
        InvalidRequestError: If the wire has no place for a block, naming the message and the block.
    """
    converted: list[MessageParam] = []
    for place, message in enumerate(messages):
        if not isinstance(message, ChatMessage):
            raise InvalidRequestError(f"messages[{place}] is {_named(message)}, not a ChatMessage: {message!r}.")
        role = _ROLES.get(message.role)
        if role is None:
            raise InvalidRequestError(f"messages[{place}] has the unknown role {message.role!r}.")
        blocks = message.blocks
        # The branch for plain text, which most messages of a long conversation are.
        if len(blocks) == 1 and type(blocks[0]) is TextBlock and not message.additional_kwargs and role != "tool":
            converted.append({"role": role, "content": blocks[0].text})
        elif role == "assistant":
            converted.append(_assistant_message(message, place, replay_reasoning))
        else:
            converted.append(_other_message(message, role, place))
    return converted


def _other_message(message: ChatMessage, role: str, place: int) -> MessageParam:
    given = message.additional_kwargs
    converted: MessageParam = {"role": role, "content": _content(message.blocks, role, place)}
    if role == "tool":
        identity = given.get("tool_call_id")
        if not identity:
            raise InvalidRequestError(
                f"messages[{place}] is a tool's result but does not say of which call: "
                "put the call's id into additional_kwargs['tool_call_id']."
            )
        converted["tool_call_id"] = str(identity)
    elif given.get("name"):
        converted["name"] = safe_name(str(given["name"]))
    return converted


def _assistant_message(message: ChatMessage, place: int, replay_reasoning: bool) -> MessageParam:
    given = message.additional_kwargs
    content: list[Any] = []
    thinking: list[ThinkingBlock] = []
    images: list[JSONObject] = []
    calls: list[ToolCallBlock] = []
    for block in message.blocks:
        if isinstance(block, ToolCallBlock):
            calls.append(block)
        elif isinstance(block, ThinkingBlock):
            thinking.append(block)
        elif isinstance(block, ImageBlock):
            images.append({"type": "image_url", "image_url": {"url": _image_url(block, place)}})
        else:
            content.append(block)
    tool_calls = _tool_calls(calls, given.get("tool_calls"), place)
    converted: MessageParam = {"role": "assistant", "content": _content(content, "assistant", place) or None}
    if tool_calls:
        converted["tool_calls"] = tool_calls
    if images:
        converted["images"] = images  # type: ignore[typeddict-unknown-key]  # known to the endpoint, by few providers
    refusal = given.get("refusal")
    if isinstance(refusal, str) and refusal:
        converted["refusal"] = refusal  # type: ignore[typeddict-unknown-key]
    elif converted["content"] is None and not tool_calls and not images:
        converted["content"] = ""
    if given.get("name"):
        converted["name"] = safe_name(str(given["name"]))
    if thinking and replay_reasoning:
        _put_reasoning(thinking, converted)
    return converted


def _put_reasoning(thinking: Sequence[ThinkingBlock], converted: MessageParam) -> None:
    """The details as they came; the text only where there are none, as it would be there twice."""
    details: list[JSONObject] = []
    for block in thinking:
        details.extend(block.additional_information.get("reasoning_details") or ())
    if details:
        converted["reasoning_details"] = details
        return
    text = "".join(block.content or "" for block in thinking)
    if text:
        converted["reasoning"] = text


def _tool_calls(blocks: Sequence[ToolCallBlock], given: Any, place: int) -> list[ToolCallParam]:
    """The calls of an assistant message, from its blocks and from the dicts that older code reads and writes."""
    by_id: dict[Any, ToolCallParam] = {}
    for number, call in enumerate(given if isinstance(given, list) else ()):
        param = _given_call(call, f"messages[{place}].tool_calls[{number}]")
        if param is None:
            raise InvalidRequestError(
                f"messages[{place}] has a tool call that makes no sense, "
                f"additional_kwargs['tool_calls'][{number}]: {call!r}."
            )
        by_id[param["id"]] = param
    if not blocks:
        return list(by_id.values())
    calls: list[ToolCallParam] = []
    for number, block in enumerate(blocks):
        twin = by_id.get(block.tool_call_id)
        where = f"messages[{place}].tool_calls[{number}]"
        calls.append(
            {
                "id": block.tool_call_id or f"call_{place}_{number}",
                "type": "function",
                "function": {"name": block.tool_name, "arguments": _arguments(block.tool_kwargs, twin, where)},
            }
        )
    return calls


def _given_call(call: Any, where: str) -> ToolCallParam | None:
    if not isinstance(call, dict):
        # The openai SDK's object, as older adapters left it in histories.
        dump: Callable[[], Any] | None = getattr(call, "model_dump", None)
        call = dump() if dump is not None else None
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not call.get("id") or not function.get("name"):
        return None
    return {
        "id": str(call["id"]),
        "type": "function",
        "function": {"name": str(function["name"]), "arguments": _arguments(function.get("arguments"), None, where)},
    }


def _arguments(value: Any, twin: ToolCallParam | None, where: str) -> str:
    """The arguments as JSON text: as the model wrote them if they are still the same, so that its cache fits."""
    if isinstance(value, str):
        return value if value.strip() else "{}"
    if twin is not None:
        text = twin["function"]["arguments"]
        try:
            if decode(text.encode("utf-8", "surrogatepass")) == value:
                return text
        except ValueError:
            pass
    try:
        return encode_arguments(value or {})
    except ValueError as error:
        raise InvalidRequestError(f"{where} cannot be JSON: {error}.") from None


def _content(blocks: Sequence[Any], role: str, place: int) -> str | list[ContentPart]:
    """The content of a message: text where text is all there is, else parts."""
    if len(blocks) == 1 and type(blocks[0]) is TextBlock:
        return blocks[0].text
    parts: list[ContentPart] = []
    for number, block in enumerate(blocks):
        if isinstance(block, CachePoint):
            _mark_cached(parts, block, place, number)
        else:
            _add_parts(parts, block, role, f"messages[{place}].blocks[{number}]", place)
    if any(part["type"] != "text" or "cache_control" in part for part in parts):
        return parts
    if role == "user" and len(parts) > 1:
        return parts
    # As `ChatMessage.content` joins them.
    return "\n".join(part["text"] for part in parts)


def _mark_cached(parts: list[ContentPart], block: CachePoint, place: int, number: int) -> None:
    if not parts or parts[-1]["type"] != "text":
        raise InvalidRequestError(
            f"messages[{place}].blocks[{number}] is a CachePoint that does not follow a text block: "
            "the endpoint caches up to a text. Put it right behind one, in the same message."
        )
    control = block.cache_control
    parts[-1] = {**parts[-1], "cache_control": {"type": control.type, "ttl": control.ttl}}


def _add_parts(parts: list[ContentPart], block: Any, role: str, where: str, place: int) -> None:
    if isinstance(block, TextBlock):
        parts.append({"type": "text", "text": block.text})
    elif isinstance(block, CitationBlock):
        _add_parts(parts, block.cited_content, role, where, place)
        parts.append({"type": "text", "text": f"[{block.title}: {block.source}]"})
    elif isinstance(block, CitableBlock):
        parts.append({"type": "text", "text": f"[{block.title}: {block.source}]"})
        for nested in block.content:
            _add_parts(parts, nested, role, where, place)
    elif role not in ("user", "tool"):
        raise InvalidRequestError(
            f"{where} is {_named(block)}, but {_article(role)} message can carry text only. Put it into a user message."
        )
    elif isinstance(block, ImageBlock):
        parts.append(image_part(_image_url(block, place), block.detail))
    elif isinstance(block, DocumentBlock):
        parts.append({"type": "file", "file": _file(block, where)})
    elif isinstance(block, AudioBlock):
        parts.append({"type": "input_audio", "input_audio": _audio(block, where)})
    elif isinstance(block, VideoBlock):
        url = (
            str(block.url)
            if block.url
            else data_url(
                _base64(block.video, block.path, f"{where} (a VideoBlock)"), block.video_mimetype or "video/mp4"
            )
        )
        parts.append({"type": "video_url", "video_url": {"url": url}})
    else:
        raise InvalidRequestError(f"{where} is {_named(block)}, which {_article(role)} message cannot carry.")


def _named(block: Any) -> str:
    return _article(type(block).__name__)


def _article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeioAEIO" else f"a {noun}"  # "a user"


def _image_url(block: ImageBlock, place: int) -> str:
    if block.url and not block.image:
        return str(block.url)
    where = f"messages[{place}] has an ImageBlock that"
    text = _base64(block.image, block.path, where)
    mime_type = image_mime_type(base64.b64decode(text[:64])) or block.image_mimetype
    if mime_type is None:
        raise InvalidRequestError(
            f"{where} is of no kind that can be told from its bytes: set image_mimetype. "
            "The endpoint takes JPEG, PNG, GIF and WebP."
        )
    return data_url(text, mime_type)


def _file(block: DocumentBlock, where: str) -> JSONObject:
    name = block.title or "document"
    if block.url and not block.data:
        return {"filename": name, "file_data": str(block.url)}
    text = _base64(block.data, block.path, f"{where} (a DocumentBlock)")
    return {"filename": name, "file_data": data_url(text, block.document_mimetype or "application/octet-stream")}


def _audio(block: AudioBlock, where: str) -> JSONObject:
    if not block.audio and not block.path:
        url = str(block.url or "")
        head, comma, text = url.partition(",")
        if not (comma and head.startswith("data:") and head.endswith(";base64")):
            raise InvalidRequestError(
                f"{where} is an AudioBlock with a URL, and the endpoint takes audio only as bytes. "
                "Download it and pass audio=…, or a path."
            )
    else:
        text = _base64(block.audio, block.path, f"{where} (an AudioBlock)")
    if not block.format:
        raise InvalidRequestError(f"{where} is an AudioBlock of unknown format: set format, 'wav' or 'mp3' say.")
    return {"data": text, "format": block.format}


def _base64(value: bytes | IOBase | None, path: Any, where: str) -> str:
    """The base64 text of a block's bytes (which blocks keep as base64), of its buffer, or of its file."""
    if isinstance(value, bytes) and value:
        return value.decode("ascii")
    if isinstance(value, IOBase):
        value.seek(0)
        data = cast("bytes", value.read())
    elif path:
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            raise InvalidRequestError(f"{where} names a file that cannot be read: {error}") from error
    else:
        data = b""
    if not data:
        raise InvalidRequestError(f"{where} is empty.")
    return base64.b64encode(data).decode("ascii")
