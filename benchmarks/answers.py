"""What the benchmark's server says, in OpenRouter's shape, and what a contender must make of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

MODEL = "openai/gpt-4o-mini"
USAGE = {"prompt_tokens": 11, "completion_tokens": 29, "total_tokens": 40}
TOOL = "save_note"
TOOL_CALL_ID = "call_9f86d081"
HEAD = {"id": "gen-1747315920-9a3f8c2b14d6e7", "created": 1747315920, "model": MODEL}
UNARY_TEXT = "Ottawa is the capital of Canada; it lies on the river of the same name, in the province of Ontario."

_OPENROUTER = {**HEAD, "system_fingerprint": "fp_1c2d3e4f5a", "object": "chat.completion.chunk", "provider": "OpenAI"}
_OPENAI = {**HEAD, "system_fingerprint": None, "object": "chat.completion.chunk", "service_tier": "default"}
_PADDING = "r7KqVz02mXcbTLw9"


def words(count: int) -> list[str]:
    """The pieces of a streamed text. They differ, for one peer breaks off streams that repeat themselves."""
    return [f"word{place} " for place in range(count)]


def unary() -> bytes:
    """The body of a unary answer."""
    message = {"role": "assistant", "content": UNARY_TEXT, "refusal": None, "reasoning": None}
    choice = {**_choice({}, "stop"), "message": message}
    del choice["delta"]
    return _json({**_OPENROUTER, "object": "chat.completion", "choices": [choice], "usage": USAGE})


def text_events(count: int) -> list[bytes]:
    """The events of a streamed text of so many pieces."""
    return _openrouter(({"role": "assistant", "content": word} for word in words(count)), "stop")


def tool_events(count: int) -> list[bytes]:
    """The events of a tool call whose arguments, ``{"note": "word0 word1 …"}``, come in so many pieces."""
    pieces = ['{"note": "', *words(count - 2), '"}']
    first = {"index": 0, "id": TOOL_CALL_ID, "type": "function", "function": {"name": TOOL, "arguments": ""}}
    calls = [first, *({"index": 0, "function": {"arguments": piece}} for piece in pieces)]
    return _tools(calls)


def calls_events(count: int) -> list[bytes]:
    """The events of so many tool calls, each with its arguments in a piece of their own."""
    calls: list[dict[str, Any]] = []
    for index in range(count):
        named = {"name": TOOL, "arguments": ""}
        calls.append({"index": index, "id": f"{TOOL_CALL_ID}{index}", "type": "function", "function": named})
        calls.append({"index": index, "function": {"arguments": f'{{"note": "word{index}"}}'}})
    return _tools(calls)


def openai_events(count: int, *, padded: bool = False) -> list[bytes]:
    """The events of a streamed text in the form of OpenAI's recorded streams.

    Args:
        count: Pieces of text.
        padded: Whether each chunk carries ``obfuscation``, random letters against guessing a chunk by its length
            (OpenAI's ``stream_options.include_obfuscation``, on unless it is turned off).
    """
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": "", "refusal": None}]
    deltas += [*({"content": word} for word in words(count)), {}]
    chunks = []
    for place, delta in enumerate(deltas):
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": "stop" if place > count else None}
        padding = {"obfuscation": _PADDING[place % 7 : place % 7 + 9]} if padded else {}
        chunks.append({**_OPENAI, "choices": [choice], "usage": None, **padding})
    return _events([*chunks, {**_OPENAI, "choices": [], "usage": USAGE, **({"obfuscation": "Zk3"} if padded else {})}])


def _tools(calls: list[dict[str, Any]]) -> list[bytes]:
    deltas = ({"role": "assistant", "content": None, "tool_calls": [call]} for call in calls)
    return _openrouter(deltas, "tool_calls")


def _openrouter(deltas: Iterable[dict[str, Any]], finish_reason: str) -> list[bytes]:
    choices = [[_choice(delta, None)] for delta in deltas]
    choices.append([_choice({"role": "assistant", "content": ""}, finish_reason)])
    chunks = [{**_OPENROUTER, "choices": choice} for choice in choices]
    return _events([*chunks, {**_OPENROUTER, "choices": [], "usage": USAGE}])


def _choice(delta: dict[str, Any], reason: str | None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "finish_reason": reason, "native_finish_reason": reason, "logprobs": None}


def _events(chunks: list[dict[str, Any]]) -> list[bytes]:
    return [b"data: " + event + b"\n\n" for event in (*map(_json, chunks), b"[DONE]")]


def _json(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
