"""The whole body: JSON, the model, the parameters, and what belongs together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal, NoReturn

from gumloop_core.emulator import models
from gumloop_core.emulator.call import Call
from gumloop_core.emulator.checks import fields
from gumloop_core.emulator.checks.formats import parse_image_config, parse_modalities, parse_response_format
from gumloop_core.emulator.checks.messages import parse_messages
from gumloop_core.emulator.checks.tools import parse_tool_choice, parse_tools
from gumloop_core.emulator.failures import FieldError
from gumloop_core.emulator.shapes import JsonObject

_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_SUMMARIES = ("auto", "concise", "detailed")
_MOST_TOKENS = 10_000_000


def parse_body(raw: bytes) -> JsonObject:
    """Return a body as a JSON object, or raise the 400 that says why it is none."""
    try:
        body = json.loads(raw, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise FieldError("The body is not valid JSON.", None) from None
    if not isinstance(body, dict):
        raise FieldError("The body must be a JSON object.", None)
    return body


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)  # NaN and the infinities, which Python's parser lets through


def parse_call(body: JsonObject) -> Call:
    """Check a chat request and return it typed; unknown fields are ignored, known ones must be right."""
    model, fallbacks = _parse_models(body)
    messages = parse_messages(body)
    tools, server_tools = parse_tools(body)
    _check_sampling(body)
    _check_bookkeeping(body)
    return Call(
        model=model.slug,
        messages=messages,
        stream=_required_boolean(body, "stream"),
        tools=tools,
        tool_choice=parse_tool_choice(body, tools, server_tools),
        parallel_tool_calls=fields.boolean(body, "parallel_tool_calls") is not False,
        server_tools=[*server_tools, *_parse_plugins(body)],
        response_format=parse_response_format(body),
        max_tokens=_parse_max_tokens(body),
        stop=_parse_stop(body),
        seed=fields.integer(body, "seed", -(2**63), 2**63 - 1),
        include_usage=_parse_stream_options(body),
        reasoning=_parse_reasoning(body),
        modalities=parse_modalities(body, model),
        image_config=parse_image_config(body, model),
        service_tier=fields.string(body, "service_tier"),
        fallback_models=fallbacks,
        fingerprint=_fingerprint(body),
    )


def _parse_models(body: Mapping[str, Any]) -> tuple[models.Model, list[str]]:
    slug = fields.string(body, "model", required=True) or ""
    model = models.find(slug)
    if model is None:
        raise FieldError(f"Unknown model {slug!r}. GET /models lists the models.", "model")
    fallbacks = fields.strings(body, "models") or []
    for position, fallback in enumerate(fallbacks):
        if models.find(fallback) is None:
            raise FieldError(f"Unknown model {fallback!r}.", f"models[{position}]")
    return model, fallbacks


def _check_sampling(body: Mapping[str, Any]) -> None:
    fields.number(body, "temperature", 0, 2)
    fields.number(body, "top_p", 0, 1)
    fields.number(body, "frequency_penalty", -2, 2)
    fields.number(body, "presence_penalty", -2, 2)
    top = fields.integer(body, "top_logprobs", 0, 20)
    if fields.boolean(body, "logprobs") is not True and top is not None:
        raise FieldError("top_logprobs needs logprobs: true.", "top_logprobs")
    for token, bias in (fields.mapping(body, "logit_bias") or {}).items():
        fields.number({"bias": bias}, "bias", -100, 100, param=f"logit_bias.{token}")


def _check_bookkeeping(body: Mapping[str, Any]) -> None:
    """Check the fields that change nothing in an answer."""
    fields.string(body, "user")
    fields.string(body, "session_id")
    fields.mapping(body, "trace")
    for key, value in (fields.mapping(body, "metadata") or {}).items():
        if not isinstance(value, str):
            raise FieldError("metadata maps strings to strings.", f"metadata.{key}")
    provider = fields.mapping(body, "provider") or {}
    for name in ("order", "only", "ignore", "quantizations"):
        fields.strings(provider, name, param=f"provider.{name}")
    for name in ("allow_fallbacks", "require_parameters"):
        fields.boolean(provider, name, param=f"provider.{name}")
    mark = fields.mapping(body, "cache_control")
    if mark is not None and mark.get("type") != "ephemeral":
        raise FieldError("cache_control.type must be ephemeral.", "cache_control.type")


def _required_boolean(body: Mapping[str, Any], name: str) -> bool:
    if name in body and body[name] is None:
        raise FieldError(f"{name} must be a boolean.", name)
    return fields.boolean(body, name) or False


def _parse_plugins(body: Mapping[str, Any]) -> list[str]:
    plugins = fields.objects(body, "plugins") or []
    return [
        fields.string(plugin, "id", param=f"plugins[{position}].id", required=True) or ""
        for position, plugin in enumerate(plugins)
    ]


def _parse_max_tokens(body: Mapping[str, Any]) -> int | None:
    newer = fields.integer(body, "max_completion_tokens", 1, _MOST_TOKENS)
    older = fields.integer(body, "max_tokens", 1, _MOST_TOKENS)
    return newer if newer is not None else older


def _parse_stop(body: Mapping[str, Any]) -> list[str]:
    raw = body.get("stop")
    if raw is None:
        return []
    if isinstance(raw, str):
        if not raw:
            raise FieldError("stop must not be empty.", "stop")
        return [raw]
    if not isinstance(raw, list):
        raise FieldError("stop must be a string or a list of strings.", "stop")
    return fields.strings(body, "stop") or []


def _parse_stream_options(body: Mapping[str, Any]) -> bool:
    options = fields.mapping(body, "stream_options")
    if options is None:
        return True
    if body.get("stream") is not True:
        raise FieldError("stream_options needs stream: true.", "stream_options")
    return fields.boolean(options, "include_usage", param="stream_options.include_usage") is not False


def _parse_reasoning(body: Mapping[str, Any]) -> Literal["default", "on", "off"]:
    reasoning = fields.mapping(body, "reasoning")
    if "reasoning" in body and reasoning is None:
        raise FieldError("reasoning must be an object.", "reasoning")
    if not reasoning:
        return "default"
    effort = fields.string(reasoning, "effort", param="reasoning.effort")
    if effort is not None and effort not in _EFFORTS:
        raise FieldError(f"Unknown effort {effort!r}.", "reasoning.effort")
    summary = fields.string(reasoning, "summary", param="reasoning.summary")
    if summary is not None and summary not in _SUMMARIES:
        raise FieldError(f"Unknown summary {summary!r}.", "reasoning.summary")
    budget = fields.integer(reasoning, "max_tokens", 1, _MOST_TOKENS, param="reasoning.max_tokens")
    enabled = fields.boolean(reasoning, "enabled", param="reasoning.enabled")
    fields.boolean(reasoning, "exclude", param="reasoning.exclude")
    if enabled is False or effort == "none":
        return "off"
    return "on" if enabled or effort or budget or summary else "default"


def _fingerprint(body: JsonObject) -> str:
    """Return a digest of what was asked: ids are made from it, so that equal requests get equal ids."""
    asked = {key: body[key] for key in ("model", "messages", "tools", "seed") if key in body}
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
