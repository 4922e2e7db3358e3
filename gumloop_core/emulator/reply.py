"""What the rules (or a script) decided to answer, and how that becomes a unary body or chunks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from gumloop_core.emulator.shapes import (
    ChunkBody,
    CompletionBody,
    Delta,
    Image,
    JsonObject,
    MessageBody,
    ReasoningDetail,
    ToolCallBody,
    Usage,
)

FINGERPRINT = "fp_gumloop_emulator"

_WORDS = re.compile(r"\s*\S+\s?|\s+")
_ARGUMENT_PIECE = 12  # characters of a call's arguments in one chunk
_REASONING_PIECE = 24  # characters of reasoning in one chunk, at least


@dataclass(frozen=True)
class Reply:
    """A decided answer.

    Attributes:
        text: The text; None is `content: null`.
        reasoning: The reasoning text.
        reasoning_details: The details, signatures included.
        tool_calls: The calls.
        images: The pictures as data URLs.
        partial_images: Frames to stream before the (only) picture, as data URLs.
        refusal: A refusal.
        finish_reason: Why the answer ends.
        usage: Token counts; None sends none.
        extensions: The vendor's `gumloop_extensions`.
        error: A status and a message that break the stream after the text.
        truncated: Whether a stream ends without a finish reason and without `[DONE]`.
    """

    text: str | None = None
    reasoning: str = ""
    reasoning_details: Sequence[ReasoningDetail] = ()
    tool_calls: Sequence[ToolCallBody] = ()
    images: Sequence[str] = ()
    partial_images: Sequence[str] = ()
    refusal: str | None = None
    finish_reason: str = "stop"
    usage: Usage | JsonObject | None = None
    extensions: JsonObject | None = None
    error: tuple[int, str] | None = None
    truncated: bool = False
    interleaved: bool = False


@dataclass(frozen=True)
class Envelope:
    """What every chunk of one answer carries."""

    id: str
    created: int
    model: str
    service_tier: str | None = None
    include_usage: bool = True


def completion(reply: Reply, envelope: Envelope) -> CompletionBody:
    """Return the unary answer."""
    message: MessageBody = {"role": "assistant", "content": reply.text}
    if reply.reasoning:
        message["reasoning"] = reply.reasoning
    if reply.reasoning_details:
        message["reasoning_details"] = list(reply.reasoning_details)
    if reply.tool_calls:
        message["tool_calls"] = list(reply.tool_calls)
    if reply.images:
        message["images"] = [_image(url) for url in reply.images]
    if reply.refusal is not None:
        message["refusal"] = reply.refusal
    if reply.extensions:
        message["gumloop_extensions"] = reply.extensions
    body: CompletionBody = {
        "id": envelope.id,
        "object": "chat.completion",
        "created": envelope.created,
        "model": envelope.model,
        "system_fingerprint": FINGERPRINT,
        "choices": [{"index": 0, "finish_reason": reply.finish_reason, "logprobs": None, "message": message}],
    }
    if envelope.service_tier:
        body["service_tier"] = envelope.service_tier
    if reply.usage is not None:
        body["usage"] = reply.usage
    return body


def chunks(reply: Reply, envelope: Envelope) -> Iterator[ChunkBody]:
    """Yield the streamed answer: role, reasoning, pictures, text, calls, finish reason, usage."""
    yield _chunk(envelope, {"role": "assistant", "content": ""})
    for delta in _deltas(reply):
        yield _chunk(envelope, delta)
    if reply.truncated:
        return
    if reply.error is not None:
        status, message = reply.error
        failed = _chunk(envelope, {"content": ""}, "error")
        failed["error"] = {"code": status, "message": message}
        yield failed
        return
    yield _chunk(envelope, {}, reply.finish_reason)
    if reply.usage is not None and envelope.include_usage:
        last = _chunk(envelope, {})
        last["choices"] = []
        last["usage"] = reply.usage
        yield last


def _deltas(reply: Reply) -> Iterator[Delta]:
    yield from _reasoning_deltas(reply)
    if reply.extensions:
        yield {"gumloop_extensions": reply.extensions}
    for piece in split_words(reply.text or ""):
        yield {"content": piece}
    for url in (*reply.partial_images, *reply.images):
        yield {"images": [_image(url)]}
    if reply.refusal is not None:
        for piece in split_words(reply.refusal):
            yield {"refusal": piece}
    yield from _call_deltas(reply)


def _reasoning_deltas(reply: Reply) -> Iterator[Delta]:
    """Yield the reasoning text with its details in pieces; a signature or data comes by itself at the end."""
    if not reply.reasoning_details:
        for piece in split_words(reply.reasoning, _REASONING_PIECE):
            yield {"reasoning": piece}
        return
    for position, detail in enumerate(reply.reasoning_details):
        # What a piece of a detail repeats, so that it can be told to which entry it belongs.
        shared = {key: value for key, value in detail.items() if key in ("type", "id", "format", "index")}
        shared.setdefault("index", position)
        key = "summary" if detail.get("type") == "reasoning.summary" else "text"
        for piece in split_words(str(detail.get(key) or ""), _REASONING_PIECE):
            part = cast("ReasoningDetail", {**shared, key: piece})
            yield {"reasoning": piece, "reasoning_details": [part]}
        for sealed in ("signature", "data"):
            if detail.get(sealed):
                part = cast("ReasoningDetail", {**shared, sealed: detail.get(sealed)})
                yield {"reasoning_details": [part]}


def _call_deltas(reply: Reply) -> Iterator[Delta]:
    tracks = [list(_one_call(index, call)) for index, call in enumerate(reply.tool_calls)]
    if not reply.interleaved:
        for track in tracks:
            yield from track
        return
    for row in range(max((len(track) for track in tracks), default=0)):
        for track in tracks:
            if row < len(track):
                yield track[row]


def _one_call(index: int, call: ToolCallBody) -> Iterator[Delta]:
    head: Delta = {
        "tool_calls": [
            {
                "index": index,
                "id": call["id"],
                "type": "function",
                "function": {"name": call["function"]["name"], "arguments": ""},
            }
        ]
    }
    yield head
    arguments = call["function"]["arguments"]
    for start in range(0, len(arguments), _ARGUMENT_PIECE):
        piece = arguments[start : start + _ARGUMENT_PIECE]
        yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def _chunk(envelope: Envelope, delta: Delta, finish_reason: str | None = None) -> ChunkBody:
    body: ChunkBody = {
        "id": envelope.id,
        "object": "chat.completion.chunk",
        "created": envelope.created,
        "model": envelope.model,
        "system_fingerprint": FINGERPRINT,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}],
    }
    if envelope.service_tier:
        body["service_tier"] = envelope.service_tier
    return body


def split_words(text: str, at_least: int = 1) -> Iterator[str]:
    """Split a text at word boundaries; the pieces put together are the text."""
    piece = ""
    for match in _WORDS.finditer(text):
        piece += match.group()
        if len(piece) >= at_least:
            yield piece
            piece = ""
    if piece:
        yield piece


def _image(url: str) -> Image:
    return {"type": "image_url", "image_url": {"url": url}}


def call_body(identifier: str, name: str, arguments: str) -> ToolCallBody:
    """Return a tool call in the wire's shape."""
    return {"id": identifier, "type": "function", "function": {"name": name, "arguments": arguments}}


def as_usage(values: Mapping[str, Any]) -> JsonObject | None:
    """Return scripted usage as given, None when it is empty."""
    return dict(values) if values else None
