"""The usage object, read tolerantly: any field may be missing, null or of another type."""

from __future__ import annotations

from typing import Any

from gumloop_core.answer import Usage


def read_usage(usage: Any) -> Usage | None:
    """Read a usage object.

    Args:
        usage: The ``usage`` of an answer or a chunk.

    Returns:
        The counts, or ``None`` where the usage has neither a count nor a cost.
    """
    if not isinstance(usage, dict):
        return None
    prompt, completion = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    total, cost = _count(usage.get("total_tokens")), _amount(usage.get("cost"))
    if prompt is None and completion is None and total is None and cost is None:
        return None
    read = _dict(usage.get("prompt_tokens_details"))
    written = _dict(usage.get("completion_tokens_details"))
    is_byok = usage.get("is_byok")
    cost_details = usage.get("cost_details")
    return Usage(
        prompt_tokens=prompt or 0,
        completion_tokens=completion or 0,
        total_tokens=total if total is not None else (prompt or 0) + (completion or 0),
        cached_tokens=_count(read.get("cached_tokens")),
        cache_write_tokens=_count(read.get("cache_write_tokens")),
        reasoning_tokens=_count(written.get("reasoning_tokens")),
        prompt_audio_tokens=_count(read.get("audio_tokens")),
        completion_audio_tokens=_count(written.get("audio_tokens")),
        cost=cost,
        cost_details=cost_details if isinstance(cost_details, dict) else None,
        is_byok=is_byok if isinstance(is_byok, bool) else None,
        raw=usage,
    )


def _count(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return value if isinstance(value, int) else None


def _amount(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if value == value else None


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
