"""The arguments of a tool call: an object, or why they are none. No I/O."""

from __future__ import annotations

from gumloop_core.json_text import decode
from gumloop_core.wire import JSONObject

CUT_OFF_REASONS = frozenset({"length", "content_filter"})
"""Finish reasons of answers that were cut off: their last call may be half of one."""


def read_arguments(text: str, finish_reason: str | None) -> tuple[JSONObject | None, str]:
    """Read the arguments of a finished tool call. No tool runs on half a call.

    Args:
        text: JSON text as the model wrote it, whole or not.
        finish_reason: Why the answer ended. Where it was cut off, no text is not taken for "no arguments".

    Returns:
        The arguments and an empty text; or ``None`` and what is wrong with them, for the model and the caller.
    """
    was_cut_off = finish_reason in CUT_OFF_REASONS
    if not text.strip():
        if was_cut_off:
            return None, f"The answer was cut off ({finish_reason}) before the arguments of this call."
        return {}, ""
    try:
        arguments = decode(text.encode("utf-8", "surrogatepass"))
    except ValueError as error:
        if was_cut_off:
            return None, f"The answer was cut off ({finish_reason}) within the arguments of this call: {error}"
        return None, f"The arguments are not JSON: {error}"
    if isinstance(arguments, dict):
        return arguments, ""
    return None, "The arguments are JSON, but not an object."
