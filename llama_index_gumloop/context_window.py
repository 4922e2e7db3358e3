"""The window that pipelines are told of: LlamaIndex asks for a number, also where none is known."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any

from gumloop_core.json_text import positive_count

DEFAULT_CONTEXT_WINDOW = 128_000
"""Tokens that a model is taken to read when nothing is known of it: most read as many or more."""

logger = logging.getLogger(__name__)


def window_of(model: str, *known: Any) -> int:
    """The first window that is one, or else the default, with a warning the first time.

    Args:
        model: The model's id.
        known: What was set, and what is known: any values.
    """
    for window in known:
        tokens = positive_count(window)
        if tokens is not None:
            return tokens
    _warn(model)
    return DEFAULT_CONTEXT_WINDOW


@lru_cache(maxsize=1024)
def _warn(model: str) -> None:
    logger.warning(
        "The context window of %r is not known: %s tokens are assumed. Pass context_window= if you know it, or call "
        "refresh_models() to ask the endpoint.",
        model,
        DEFAULT_CONTEXT_WINDOW,
    )
