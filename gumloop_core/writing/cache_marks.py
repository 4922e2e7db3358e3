"""Marks for prompt caching: ``cache_control`` on a part says that the prompt is cached up to there. No I/O.

Source: OpenRouter's guide ``docs/guides/best-practices/prompt-caching``; the endpoint has its chat shape. Claude takes
four marks in a request, and none on an empty text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gumloop_core.errors import InvalidRequestError
from gumloop_core.shown import shown
from gumloop_core.wire import ContentPart, JSONObject, MessageParam

MOST_MARKS = 4
"""How many of them Claude takes in a request."""


def checked_mark(mark: Any) -> JSONObject:
    """A mark as a dict of its own.

    Raises:
        InvalidRequestError: If it is no dict.
    """
    if isinstance(mark, Mapping):
        return dict(mark)
    raise InvalidRequestError(f"cache_control must be a dict, {{'type': 'ephemeral'}} say, not {shown(mark)}.")


def is_blank(part: ContentPart) -> bool:
    """Whether a part is a text that says nothing."""
    return part["type"] == "text" and not part["text"].strip()


def mark_last(parts: list[ContentPart], mark: JSONObject) -> bool:
    """Mark the last part that is no empty text, unless it has a mark. The part is replaced in the list, not changed.

    Returns:
        Whether there is such a part.
    """
    for place in reversed(range(len(parts))):
        if not is_blank(parts[place]):
            parts[place] = {**parts[place], "cache_control": parts[place].get("cache_control") or mark}
            return True
    return False


def mark_message(message: MessageParam, mark: JSONObject) -> None:
    """Mark the end of a message, in place. One without content to mark stays as it is."""
    content = message.get("content")
    parts: list[ContentPart]
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else list(content or ())
    if mark_last(parts, mark):
        message["content"] = parts
