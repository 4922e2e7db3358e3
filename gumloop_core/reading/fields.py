"""Fields of an answer, in whatever form they came. No I/O."""

from __future__ import annotations

from typing import Any

from gumloop_core.reading.reasoning import is_reasoning_part
from gumloop_core.secrets.redaction import NO_SECRETS, Redactor
from gumloop_core.wire import JSONObject


def read_parts(parts: list[Any]) -> tuple[str, list[JSONObject], list[Any], list[Any]]:
    """The text, the reasoning's parts, the images, and all else of content that came as parts."""
    text: list[str] = []
    reasoning: list[JSONObject] = []
    images: list[Any] = []
    others: list[Any] = []
    for part in parts:
        if isinstance(part, str):
            text.append(part)
        elif isinstance(part, dict):
            if part.get("type") == "image_url":
                images.append(part)
            elif is_reasoning_part(part):
                reasoning.append(part)
            elif isinstance(part.get("text"), str):
                text.append(part["text"])
            else:
                others.append(part)
        elif part is not None:
            others.append(part)
    return "".join(text), reasoning, images, others


def image_url(entry: Any) -> str | None:
    """The address in an image part, an image entry or a bare string, ``None`` if there is none."""
    if isinstance(entry, str):
        return entry or None
    if not isinstance(entry, dict):
        return None
    found = entry.get("image_url", entry.get("url"))
    if isinstance(found, dict):
        found = found.get("url")
    return found if isinstance(found, str) and found else None


def text_id(value: Any) -> str | None:
    """An id as text; some servers count them. An empty one is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and value else None


def kind_of(value: Any) -> str:
    """What a JSON value is, for an error message."""
    if value is None:
        return "null"
    names = {list: "an array", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return names.get(type(value), "something else")


def excerpt(content: bytes, redactor: Redactor = NO_SECRETS) -> str:
    """The beginning of bytes that made no sense, for an error message."""
    text = redactor.data(content[:200]).decode("utf-8", "replace")
    return repr(text) + (" …" if len(content) > 200 else "")
