"""How long a server asks to wait: in its header, or in the body of its error. No I/O."""

from __future__ import annotations

import time
from collections.abc import Iterable
from email.utils import parsedate_to_datetime
from typing import Any

from gumloop_core.json_text import is_finite_number
from gumloop_core.wire import JSONObject

_LONGEST_VALUE = 100
"""Characters of a value that are looked at."""

_FIELDS = ("retry-after", "retry_after", "retry_after_seconds", "retryAfter", "retryDelay")
"""What bodies call it. ``retryDelay`` is Google's (``google.rpc.RetryInfo``), ``"34s"`` for example."""

_HOLDERS = ("headers", "metadata", "details")
"""Where in an error it may be: OpenRouter repeats a provider's headers under ``metadata.headers``."""

_DEEPEST = 3
"""Levels of these within each other that are looked into."""


def read_retry_after(value: str | None, now: float | None = None) -> float | None:
    """Read a ``Retry-After`` header.

    Args:
        value: Seconds, or an HTTP date.
        now: The present as a POSIX timestamp; the clock's if ``None``.

    Returns:
        Seconds from now, not negative; ``None`` if there is no header or it cannot be read.
    """
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except (TypeError, ValueError):
            return None
        try:
            seconds = moment.timestamp() - (time.time() if now is None else now)
        except (OverflowError, ValueError):
            return None
    if seconds != seconds:
        return None
    return max(0.0, seconds)


def longest_retry_after(values: Iterable[str], now: float | None = None) -> float | None:
    """The longest of several wishes, each a header of its own or, as numbers, behind a comma.

    A proxy adds its own to the server's, and whoever comes sooner than one of them is turned away again.
    """
    found: list[float] = []
    for value in values:
        whole = read_retry_after(value, now)
        parts = [whole] if whole is not None else [read_retry_after(part, now) for part in value.split(",")]
        found += [seconds for seconds in parts if seconds is not None]
    return max(found, default=None)


def retry_after_in(layers: Iterable[JSONObject]) -> float | None:
    """The longest wish in the body of an error: in its objects, the outermost first, or in what they hold."""
    return longest_retry_after(value for layer in layers for value in _wishes(layer, 0))


def _wishes(holder: Any, level: int) -> list[str]:
    if level == _DEEPEST:
        return []
    if isinstance(holder, list):
        return [wish for entry in holder[:20] for wish in _wishes(entry, level + 1)]
    if not isinstance(holder, dict):
        return []
    wishes: list[str] = []
    for name, value in holder.items():
        if name in _FIELDS or name.lower() == _FIELDS[0]:
            wishes += [_text_of(name, entry) for entry in (value if isinstance(value, list) else [value])[:20]]
        elif name in _HOLDERS:
            wishes += _wishes(value, level + 1)
    return wishes


def _text_of(name: str, value: Any) -> str:
    if isinstance(value, str):
        text = value[:_LONGEST_VALUE].strip()
        return text.removesuffix("s") if name == "retryDelay" else text
    return str(float(value)) if is_finite_number(value) and abs(value) < 1e15 else ""
