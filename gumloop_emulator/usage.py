"""Plausible token counts: four characters are a token, a picture has a flat price."""

from __future__ import annotations

import json
from collections.abc import Sequence

from gumloop_core.wire import JSONObject, UsagePayload
from gumloop_emulator.failures import rejected_by_provider
from gumloop_emulator.request import ChatRequest
from gumloop_emulator.script import Answer
from gumloop_emulator.traffic import text_of

_MESSAGE = 3  # what the frame of a message costs
_PART = {"text": 0, "image_url": 1_000}
_ATTACHMENT = 500
_DRAWN = 1_290
_PRICES = {"prompt": 0.6e-6, "completions": 2.4e-6}  # USD a token
_CACHE_DISCOUNT = 0.9


def count_tokens(text: str) -> int:
    """Return how many tokens a text has."""
    return (len(text) + 3) // 4


def prompt_tokens(request: ChatRequest) -> int:
    """Return how many tokens a request has."""
    tools = (
        tool["name"] + (tool.get("description") or "") + json.dumps(tool.get("parameters") or {})
        for tool in request.functions
    )
    return sum(map(_message_tokens, request.body.messages)) + sum(map(count_tokens, tools))


def check_context(request: ChatRequest) -> None:
    """Refuse a prompt that does not fit into the model's context window."""
    tokens, most = prompt_tokens(request), request.model.context
    if tokens > most:
        raise rejected_by_provider(f"prompt is too long: {tokens} tokens > {most} maximum", "messages")


def count_usage(answer: Answer, request: ChatRequest) -> UsagePayload:
    """Return the usage of an answer whose calls have their arguments as text.

    The part of the prompt before a `cache_control` mark counts as read from the cache when an assistant
    message follows it (the conversation was there before), else as written to it.
    """
    prompt = prompt_tokens(request)
    hidden = "".join(str(detail.get("data") or "") for detail in answer.reasoning_details or ())
    reasoning = count_tokens(answer.reasoning or hidden)
    calls = sum(count_tokens(f"{call.name}{call.arguments}") for call in answer.tool_calls)
    said = reasoning + count_tokens(answer.text or answer.refusal or "") + calls + len(answer.images) * _DRAWN
    cached, written = _cache_tokens(request.body.messages)
    usage: UsagePayload = {
        "prompt_tokens": prompt,
        "completion_tokens": said,
        "total_tokens": prompt + said,
        "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": reasoning, "audio_tokens": 0},
    }
    if request.model.routed:
        costs = {"prompt": prompt - cached * _CACHE_DISCOUNT, "completions": float(said)}
        costs = {part: round(tokens * _PRICES[part], 9) for part, tokens in costs.items()}
        usage["cost"] = round(sum(costs.values()), 9)
        usage["is_byok"] = False
        usage["cost_details"] = {f"upstream_inference_{part}_cost": cost for part, cost in costs.items()}
    return usage


def _message_tokens(message: JSONObject) -> int:
    parts = message["content"] if isinstance(message.get("content"), list) else []
    texts = [
        text_of(message.get("content")),
        *(str(d.get("text") or "") for d in message.get("reasoning_details") or ()),
    ]
    texts += [call["function"]["name"] + call["function"]["arguments"] for call in message.get("tool_calls") or ()]
    shown = [_PART.get(part["type"], _ATTACHMENT) for part in parts] + [_PART["image_url"]] * len(
        message.get("images") or ()
    )
    return _MESSAGE + sum(map(count_tokens, texts)) + sum(shown)


def _cache_tokens(messages: Sequence[JSONObject]) -> tuple[int, int]:
    """Return how many tokens were read from the cache, and how many were written to it."""
    before = marked = 0
    seen = False  # whether an assistant message follows the last mark
    for message in messages:
        parts = message["content"] if isinstance(message.get("content"), list) else []
        for place, part in enumerate(parts):
            if part.get("cache_control"):
                marked, seen = before + count_tokens(text_of(parts[: place + 1])), False
        before += count_tokens(text_of(message.get("content")))
        seen = seen or message["role"] == "assistant"
    return (marked, 0) if seen else (0, marked)
