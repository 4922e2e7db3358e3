"""What the benchmark's server says, in OpenRouter's shape, rendered once; and what a contender must make of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

MODEL = "openai/gpt-4o-mini"
USAGE = {"prompt_tokens": 11, "completion_tokens": 29, "total_tokens": 40}
TOOL = "save_note"
TOOL_CALL_ID = "call_9f86d081"
HEAD: dict[str, Any] = {
    "id": "gen-1747315920-9a3f8c2b14d6e7",
    "created": 1747315920,
    "model": MODEL,
    "system_fingerprint": "fp_1c2d3e4f5a",
}

UNARY_TEXT = "Ottawa is the capital of Canada; it lies on the river of the same name, in the province of Ontario."


def words(count: int) -> list[str]:
    """The pieces of a streamed text. They differ, for one peer breaks off streams that repeat themselves."""
    return [f"word{place} " for place in range(count)]


def argument_pieces(count: int) -> list[str]:
    """The pieces of a tool call's arguments: together ``{"note": "word0 word1 …"}``."""
    return ['{"note": "', *words(count - 2), '"}']


def unary() -> bytes:
    """The body of a unary answer."""
    message = {"role": "assistant", "content": UNARY_TEXT, "refusal": None, "reasoning": None}
    choice = {"index": 0, "finish_reason": "stop", "native_finish_reason": "stop", "logprobs": None, "message": message}
    answer = {**HEAD, "object": "chat.completion", "provider": "OpenAI", "choices": [choice], "usage": USAGE}
    return json.dumps(answer, separators=(",", ":")).encode()


def text_events(count: int) -> list[bytes]:
    """The events of a streamed text of so many pieces."""
    return list(_text_events(count))


def tool_events(count: int) -> list[bytes]:
    """The events of a tool call whose arguments come in so many pieces."""
    return list(_tool_events(count))


def openai_events(count: int, *, padded: bool) -> list[bytes]:
    """The events of a streamed text in the form of OpenAI's recorded streams.

    Args:
        count: Pieces of text.
        padded: Whether each chunk carries ``obfuscation``, random letters against guessing a chunk by its length
            (OpenAI's ``stream_options.include_obfuscation``, on unless it is turned off).
    """
    return list(_openai_events(count, padded))


@lru_cache(maxsize=64)
def _openai_events(count: int, padded: bool) -> tuple[bytes, ...]:
    head = {**HEAD, "object": "chat.completion.chunk", "service_tier": "default", "system_fingerprint": None}
    events = []
    for place, word in enumerate(["", *words(count), ""]):
        delta = {"content": word} if word else {} if place else {"role": "assistant", "content": "", "refusal": None}
        reason = "stop" if place > count else None
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        padding = {"obfuscation": _PADDING[place % 7 : place % 7 + 9]} if padded else {}
        events.append({**head, "choices": [choice], "usage": None, **padding})
    events.append({**head, "choices": [], "usage": USAGE, **({"obfuscation": "Zk3"} if padded else {})})
    rendered = [b"data: " + json.dumps(event, separators=(",", ":")).encode() + b"\n\n" for event in events]
    return (*rendered, b"data: [DONE]\n\n")


_PADDING = "r7KqVz02mXcbTLw9"


@lru_cache(maxsize=64)
def _text_events(count: int) -> tuple[bytes, ...]:
    return tuple(_events(({"role": "assistant", "content": word} for word in words(count)), "stop"))


@lru_cache(maxsize=64)
def _tool_events(count: int) -> tuple[bytes, ...]:
    first: dict[str, Any] = {"index": 0, "id": TOOL_CALL_ID, "type": "function"}
    calls = [{**first, "function": {"name": TOOL, "arguments": ""}}]
    calls += [{"index": 0, "function": {"arguments": piece}} for piece in argument_pieces(count)]
    return tuple(
        _events(({"role": "assistant", "content": None, "tool_calls": [call]} for call in calls), "tool_calls")
    )


def _events(deltas: Iterable[dict[str, Any]], finish_reason: str) -> Iterable[bytes]:
    for delta in deltas:
        yield _event([_choice(delta, None)])
    yield _event([_choice({"role": "assistant", "content": ""}, finish_reason)])
    yield _event([], usage=USAGE)
    yield b"data: [DONE]\n\n"


def _choice(delta: dict[str, Any], finish_reason: str | None) -> dict[str, Any]:
    return {
        "index": 0,
        "delta": delta,
        "finish_reason": finish_reason,
        "native_finish_reason": finish_reason,
        "logprobs": None,
    }


def _event(choices: list[dict[str, Any]], **more: Any) -> bytes:
    chunk = {**HEAD, "object": "chat.completion.chunk", "provider": "OpenAI", "choices": choices, **more}
    return b"data: " + json.dumps(chunk, separators=(",", ":")).encode() + b"\n\n"
