"""Plausible token counts: four characters are a token, a picture has a flat price."""

from __future__ import annotations

import json
from typing import TypedDict

from gumloop_core.wire import JSONObject
from gumloop_emulator.failures import rejected_by_provider
from gumloop_emulator.request import ChatRequest
from gumloop_emulator.script import Answer
from gumloop_emulator.traffic import text_of

_FRAME = 3  # tokens around a message
_ATTACHMENT = 1_000
_DRAWN = 1_290
_PROMPT_PRICE = 0.6e-6  # USD a token
_COMPLETION_PRICE = 2.4e-6


class PromptTokensDetails(TypedDict, total=False):
    """How the prompt's tokens divide up."""

    cached_tokens: int | None
    cache_write_tokens: int | None
    audio_tokens: int | None
    video_tokens: int | None


class CompletionTokensDetails(TypedDict, total=False):
    """How the completion's tokens divide up."""

    reasoning_tokens: int | None
    audio_tokens: int | None
    accepted_prediction_tokens: int | None
    rejected_prediction_tokens: int | None


class UsageObject(TypedDict, total=False):
    """The usage object; ``cost`` is in USD and comes on OpenRouter routes only."""

    prompt_tokens: int | None
    completion_tokens: int | None
    total_tokens: int | None
    prompt_tokens_details: PromptTokensDetails | None
    completion_tokens_details: CompletionTokensDetails | None
    cost: float | None
    cost_details: JSONObject | None
    is_byok: bool | None


def count_tokens(text: str) -> int:
    """Return how many tokens a text has."""
    return (len(text) + 3) // 4


def prompt_tokens(request: ChatRequest) -> int:
    """Return how many tokens a request has."""
    return sum(map(_message_tokens, request.body["messages"])) + count_tokens(json.dumps(request.functions or ""))


def check_context(request: ChatRequest) -> None:
    """Refuse a prompt that does not fit into the model's context window."""
    tokens, most = prompt_tokens(request), request.model.context
    if tokens > most:
        raise rejected_by_provider(f"prompt is too long: {tokens} tokens > {most} maximum", "messages")


def count_usage(answer: Answer, request: ChatRequest) -> UsageObject:
    """Return the usage of an answer whose calls have their arguments as text."""
    prompt = prompt_tokens(request)
    hidden = "".join(str(detail.get("data") or "") for detail in answer.reasoning_details or ())
    reasoning = count_tokens(answer.reasoning or hidden)
    calls = sum(count_tokens(f"{call.name}{call.arguments}") for call in answer.tool_calls)
    said = reasoning + count_tokens(answer.text or answer.refusal or "") + calls + len(answer.images) * _DRAWN
    usage: UsageObject = {
        "prompt_tokens": prompt,
        "completion_tokens": said,
        "total_tokens": prompt + said,
        "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": reasoning, "audio_tokens": 0},
    }
    if request.model.routed:
        usage["cost"] = round(prompt * _PROMPT_PRICE + said * _COMPLETION_PRICE, 9)
        usage["is_byok"] = False
    return usage


def _message_tokens(message: JSONObject) -> int:
    content = message.get("content")
    attached = [part for part in content if part["type"] != "text"] if isinstance(content, list) else []
    attached += message.get("images") or []
    spoken = [text_of(content), text_of(message.get("reasoning_details")), json.dumps(message.get("tool_calls") or "")]
    return _FRAME + sum(map(count_tokens, spoken)) + len(attached) * _ATTACHMENT
