"""Plausible token counts: four characters are a token, a picture has a flat price."""

from __future__ import annotations

import json
from collections.abc import Iterable

from gumloop_core.emulator import models
from gumloop_core.emulator.call import Call
from gumloop_core.emulator.failures import ProviderRejectedError
from gumloop_core.emulator.reply import Reply
from gumloop_core.emulator.shapes import Usage

IMAGE_INPUT_TOKENS = 1_000
IMAGE_OUTPUT_TOKENS = 1_290
ATTACHMENT_TOKENS = 500

_MESSAGE_TOKENS = 3  # what the frame of a message costs
_PROMPT_PRICE = 0.6e-6  # USD per token
_COMPLETION_PRICE = 2.4e-6
_CACHE_DISCOUNT = 0.9


def count_tokens(text: str) -> int:
    """Return how many tokens a text has."""
    return (len(text) + 3) // 4


def prompt_tokens(call: Call) -> int:
    """Return how many tokens a request has."""
    tokens = 0
    for message in call.messages:
        tokens += _MESSAGE_TOKENS + count_tokens(message.text)
        tokens += message.images * IMAGE_INPUT_TOKENS + message.attachments * ATTACHMENT_TOKENS
        tokens += sum(count_tokens(record.name + json.dumps(record.arguments)) for record in message.tool_calls)
        tokens += sum(count_tokens(str(detail.get("text") or "")) for detail in message.reasoning_details)
    for tool in call.tools:
        tokens += count_tokens(tool.name + tool.description + json.dumps(tool.parameters))
    return tokens


def check_context(call: Call) -> None:
    """Refuse a prompt that does not fit into the model's context window."""
    model = models.find(call.model)
    tokens = prompt_tokens(call)
    if model is not None and tokens > model.context:
        raise ProviderRejectedError(f"prompt is too long: {tokens} tokens > {model.context} maximum", param="messages")


def count_usage(reply: Reply, call: Call) -> Usage:
    """Return the usage of an answer.

    The part of the prompt before a `cache_control` mark counts as read from the cache when an assistant
    message follows it (the conversation was there before), else as written to it.
    """
    prompt = prompt_tokens(call)
    reasoning = count_tokens(reply.reasoning or _hidden(reply))
    completion = reasoning + count_tokens(reply.text or reply.refusal or "")
    completion += len(reply.images) * IMAGE_OUTPUT_TOKENS
    completion += _count_all(entry["function"]["name"] + entry["function"]["arguments"] for entry in reply.tool_calls)
    cached, written = _cache_tokens(call)
    usage: Usage = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {
            "cached_tokens": min(cached, prompt),
            "cache_write_tokens": min(written, prompt),
            "audio_tokens": 0,
            "video_tokens": 0,
        },
        "completion_tokens_details": {
            "reasoning_tokens": reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
    model = models.find(call.model)
    if model is not None and model.routed:
        prompt_cost = (prompt - cached * _CACHE_DISCOUNT) * _PROMPT_PRICE
        completion_cost = completion * _COMPLETION_PRICE
        usage["cost"] = round(prompt_cost + completion_cost, 9)
        usage["is_byok"] = False
        usage["cost_details"] = {
            "upstream_inference_prompt_cost": round(prompt_cost, 9),
            "upstream_inference_completions_cost": round(completion_cost, 9),
        }
    return usage


def _cache_tokens(call: Call) -> tuple[int, int]:
    """Return how many tokens were read from the cache, and how many were written to it."""
    marked = [position for position, message in enumerate(call.messages) if message.cached_characters]
    if not marked:
        return 0, 0
    last = marked[-1]
    tokens = _count_all(message.text for message in call.messages[:last])
    tokens += (call.messages[last].cached_characters + 3) // 4
    seen = any(message.role == "assistant" for message in call.messages[last:])
    return (tokens, 0) if seen else (0, tokens)


def _count_all(texts: Iterable[str]) -> int:
    return sum(count_tokens(text) for text in texts)


def _hidden(reply: Reply) -> str:
    return "".join(str(detail.get("data") or "") for detail in reply.reasoning_details)
