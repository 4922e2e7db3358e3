"""Thinking and forced tools, which Claude refuses together. No I/O."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, MutableMapping
from typing import Any

NO_FORCED_CALL = (
    "A Claude model that thinks cannot be made to call a tool. Have it answer by response_format (in LangChain "
    "method='json_schema'), or leave reasoning out."
)


def is_claude(model: str) -> bool:
    """Whether a model is one of Anthropic's, by its id."""
    return "claude" in model.lower() or model.lower().startswith("anthropic/")


def thinks(body: Mapping[str, Any]) -> bool:
    """Whether a body asks a model to think first, in the wire's words or in Anthropic's or OpenAI's own."""
    reasoning, own = body.get("reasoning"), body.get("thinking")
    if isinstance(own, Mapping) and own.get("type") in ("enabled", "adaptive"):
        return True
    if body.get("reasoning_effort") not in (None, "none", ""):
        return True
    if not isinstance(reasoning, Mapping) or reasoning.get("enabled") is False or reasoning.get("effort") == "none":
        return False
    return any(reasoning.get(name) for name in ("effort", "max_tokens", "enabled"))


def cannot_force_a_call(model: str, options: Mapping[str, Any]) -> bool:
    """Whether a model is one that cannot be made to call a tool, as it is to think first.

    Args:
        model: The model's id.
        options: Fields of the body, ``extra_body`` among them or laid on.
    """
    extra = options.get("extra_body")
    return is_claude(model) and thinks({**options, **extra} if isinstance(extra, Mapping) else options)


def drop_forced_choice(body: MutableMapping[str, Any]) -> None:
    """Take a forced tool choice out of a body that asks Claude to think.

    Its routes refuse the two together ("Thinking may not be enabled when tool_choice forces tool use"); LangChain's own
    integration drops the choice too (langchain-ai/langchain#35544). The model may then answer with text instead.
    """
    choice = body.get("tool_choice")
    if choice in (None, "auto", "none") or not cannot_force_a_call(str(body.get("model")), body):
        return
    if isinstance(choice, Mapping) and choice.get("type") in ("auto", "none"):
        return
    del body["tool_choice"]
    warnings.warn(f"tool_choice {choice!r} is left out, as the model is to think first. {NO_FORCED_CALL}", stacklevel=2)
