"""Fields that say nothing: what providers put into each chunk against an onlooker, or beside each text. No I/O."""

from __future__ import annotations

from typing import Any

PADDING = frozenset({"obfuscation", "p", "token_id"})
"""Random text that hides the length of a chunk from who sees its encrypted size (OpenAI, Mistral), and the number of
each token (Together)."""

_FILTER_RESULTS = frozenset({"content_filter_results", "content_filter_result", "prompt_filter_results"})

DOUBTFUL = PADDING | _FILTER_RESULTS
"""The fields that :func:`says_nothing` has to be asked of; any other says something, unless it is null."""


def says_nothing(name: str, value: Any) -> bool:
    """Whether a field is padding, or the report of a content filter (Azure) that has found nothing."""
    return name in PADDING or (name in _FILTER_RESULTS and _has_found_nothing(value))


def _has_found_nothing(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_has_found_nothing, value))
    if not isinstance(value, dict):
        return value is None
    for name, inner in value.items():
        if name in ("filtered", "detected"):
            if inner:
                return False
        elif name == "severity":
            if inner not in (None, "safe"):
                return False
        elif name != "prompt_index" and not _has_found_nothing(inner):
            return False
    return True
