"""Answers in exact bytes, unary and streamed, that say the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk

from gumloop_emulator import Chunks, Json

USAGE = {
    "prompt_tokens": 20,
    "completion_tokens": 12,
    "total_tokens": 32,
    "prompt_tokens_details": {"cached_tokens": 8, "cache_write_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 5},
    "cost": 0.00125,
    "cost_details": {"upstream_inference_cost": 0.001},
    "is_byok": False,
}
TOP = {
    "id": "gen-1",
    "created": 1_750_000_000,
    "model": "m-served",
    "provider": "Anthropic",
    "system_fingerprint": "fp_1",
    "service_tier": "default",
}
DETAILS = [
    {
        "type": "reasoning.text",
        "text": "Let me think.",
        "signature": "sig==",
        "format": "anthropic-claude-v1",
        "index": 0,
    },
    {"type": "reasoning.encrypted", "data": "AAAA", "id": "rs_1", "format": "openai-responses-v1", "index": 1},
]
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
PIXEL_URL = f"data:image/png;base64,{PIXEL}"


def unary(finish_reason: str | None = "stop", usage: Any = USAGE, **message: Any) -> Json:
    """A unary answer."""
    choice = {"index": 0, "finish_reason": finish_reason, "message": {"role": "assistant", "content": None, **message}}
    return Json({**TOP, "object": "chat.completion", "choices": [choice], **({"usage": usage} if usage else {})})


def streamed(
    *deltas: Mapping[str, Any], finish_reason: str | None = "stop", usage: Any = USAGE, done: bool = True
) -> Chunks:
    """A streamed answer: the deltas, the finish reason on a chunk of its own, usage on another."""
    events = [_chunk(dict(delta)) for delta in ({"role": "assistant", "content": ""}, *deltas)]
    events.append(_chunk({}, finish_reason))
    if usage:
        events.append({**TOP, "object": "chat.completion.chunk", "choices": [], "usage": usage})
    return Chunks(events, done=done)


def _chunk(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return {**TOP, "object": "chat.completion.chunk", "choices": [choice]}


def call_piece(index: int, arguments: str = "", **first: Any) -> dict[str, Any]:
    """The delta for a piece of a tool call; the first names ``id`` and ``name``."""
    function: dict[str, Any] = {"arguments": arguments}
    piece: dict[str, Any] = {"index": index, "function": function}
    if first:
        function["name"] = first["name"]
        piece.update(id=first["id"], type="function")
    return {"tool_calls": [piece]}


def call(identity: str, name: str, arguments: str) -> dict[str, Any]:
    """A tool call of a unary answer."""
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}


def added(chunks: Sequence[AIMessageChunk]) -> AIMessageChunk:
    """The sum of chunks, added one after the other as a user does."""
    total = chunks[0]
    for chunk in chunks[1:]:
        total = total + chunk
    return total


def gathered(stream: AsyncIterator[Any]) -> list[Any]:
    """All of an asynchronous stream."""

    async def gather() -> list[Any]:
        return [item async for item in stream]

    return asyncio.run(gather())


def face(message: AIMessage) -> dict[str, Any]:
    """What a user sees of a message, apart from its id, which LangChain gives."""
    metadata = {key: value for key, value in message.response_metadata.items() if key != "output_version"}
    return {
        "content": message.content,
        "content_blocks": message.content_blocks,
        "text": str(message.text),
        "tool_calls": message.tool_calls,
        "invalid_tool_calls": message.invalid_tool_calls,
        "additional_kwargs": message.additional_kwargs,
        "usage_metadata": message.usage_metadata,
        "response_metadata": metadata,
    }


def collected(model: Any) -> AIMessage:
    """The message of the v3 events."""
    return model.stream_events("x", version="v3").output


async def acollected(model: Any) -> AIMessage:
    """The message of the asynchronous v3 events."""
    return await (await model.astream_events("x", version="v3")).output


IMAGE = {"type": "image_url", "image_url": {"url": PIXEL_URL}}

TEXT_THEN_CALLS = (
    unary(
        "tool_calls",
        content="Let me check.",
        tool_calls=[call("c1", "weather", '{"city": "Paris"}'), call("c2", "weather", '{"city": "Rome"}')],
    ),
    streamed(
        {"content": "Let me "},
        {"content": "check."},
        call_piece(0, id="c1", name="weather"),
        call_piece(0, '{"city": '),
        call_piece(1, id="c2", name="weather"),
        call_piece(0, '"Paris"}'),
        call_piece(1, '{"city": "Rome"}'),
        finish_reason="tool_calls",
    ),
)

REASONING = (
    unary(content="Ottawa.", reasoning="Let me think.", reasoning_details=DETAILS),
    streamed(
        {"reasoning": "Let me ", "reasoning_details": [{**DETAILS[0], "text": "Let me ", "signature": None}]},
        {"reasoning": "think.", "reasoning_details": [{**DETAILS[0], "text": "think.", "signature": None}]},
        {"reasoning_details": [{"type": "reasoning.text", "signature": "sig==", "index": 0}]},
        {"reasoning_details": [DETAILS[1]]},
        {"content": "Ottawa."},
    ),
)

SIGNED = {"extra_content": {"google": {"thought_signature": "sig=="}}}

SIGNED_CALL = (
    unary("tool_calls", tool_calls=[{**call("c1", "weather", "{}"), **SIGNED}]),
    streamed({"tool_calls": [{"index": 0, **call("c1", "weather", "{}"), **SIGNED}]}, finish_reason="tool_calls"),
)
"""A call with a field of the provider's own."""
