"""The arguments of a tool call: an object, or why they are none. No I/O."""

from __future__ import annotations

from gumloop_core.json_text import decode_text
from gumloop_core.wire import JSONObject

_CUT_OFF_REASONS = frozenset(
    {"length", "max_tokens", "max_output_tokens", "max_length", "model_length", "token_limit", "context_length"}
    | {"model_context_window_exceeded", "incomplete", "content_filter", "content_filtered", "guardrail_intervened"}
    | {"safety", "recitation", "blocklist", "prohibited_content", "spii", "image_safety", "abort", "cancelled"}
)
"""How the wire and the providers behind it (Anthropic, Google, Mistral, Amazon, Azure, vLLM) say that an answer was cut
off: its last call may be half of one."""


def was_cut_off(finish_reason: object) -> bool:
    """Whether a finish reason says that the answer was cut off, in any provider's spelling.

    Args:
        finish_reason: A message's; one that another integration made may hold anything.
    """
    return isinstance(finish_reason, str) and _spelled(finish_reason) in _CUT_OFF_REASONS


def is_failure(finish_reason: str) -> bool:
    """Whether a finish reason says that the provider failed: ``error``, or Google's word for a call it cannot read."""
    reason = _spelled(finish_reason)
    return reason == "error" or reason.endswith("malformed_function_call")


def _spelled(finish_reason: str) -> str:
    return finish_reason[:100].rpartition(".")[2].strip().lower().replace("-", "_")


def read_arguments(text: str, finish_reason: object) -> tuple[JSONObject | None, str]:
    """Read the arguments of a finished tool call. No tool runs on half a call.

    Args:
        text: JSON text as the model wrote it, whole or not.
        finish_reason: Why the answer ended. Where it was cut off, no text is not taken for "no arguments".

    Returns:
        The arguments and an empty text; or ``None`` and what is wrong with them, for the model and the caller.
    """
    if text.strip() in ("", "null"):
        if was_cut_off(finish_reason):
            return None, f"The answer was cut off ({finish_reason}) before the arguments of this call."
        return {}, ""
    try:
        arguments = decode_text(text)
    except ValueError as error:
        if was_cut_off(finish_reason):
            return (
                None,
                f"The answer was cut off ({finish_reason}), and the arguments of this call are not JSON: {error}",
            )
        return None, f"The arguments are not JSON: {error}"
    if isinstance(arguments, dict):
        return arguments, ""
    return None, "The arguments are JSON, but not an object."
