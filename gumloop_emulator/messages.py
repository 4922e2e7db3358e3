"""The messages of a conversation: what each role may carry, and that calls and results go together."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from gumloop_core.wire import JSONObject
from gumloop_emulator.contract import Text, by_field, by_type, checked, fault, optional, shape
from gumloop_emulator.failures import invalid

MAX_IMAGE_BYTES = 20 * 1024 * 1024

_DATA_URL = re.compile(r"^data:image/(?P<type>jpeg|jpg|png|gif|webp);base64,", re.IGNORECASE)
_BEGINNINGS = {
    "png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "jpeg": re.compile(rb"\xff\xd8\xff"),
    "gif": re.compile(rb"GIF8[79]a"),
    "webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
}


def _check_image_url(url: str) -> str:
    """Raise when a picture cannot be used; http(s) URLs are believed, nothing is fetched."""
    if not url[:5].lower().startswith("data:"):
        parts = urlsplit(url)
        if parts.scheme.lower() not in ("http", "https") or not parts.netloc:
            raise fault("an image's url must be an http(s) URL or a base64 data URL")
        return url
    match = _DATA_URL.match(url)
    if match is None:
        raise fault("an image's data URL must be base64, and JPEG, PNG, GIF or WebP")
    encoded = url[match.end() :]
    if len(encoded) * 3 // 4 - 2 > MAX_IMAGE_BYTES:
        raise fault("an image may have at most 20 MB")
    try:
        data = base64.b64decode(encoded, validate=True)
    except ValueError:
        raise fault("the image is not valid base64") from None
    declared = match["type"].lower().replace("jpg", "jpeg")
    if not _BEGINNINGS[declared].match(data):
        raise fault(f"the image is declared as {declared}, but its bytes are not")
    return url


def _check_arguments(text: str) -> str:
    try:
        fits = isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        fits = False
    if not fits:
        raise fault("a tool call's arguments must be the JSON text of an object")
    return text


def _check_file(file: JSONObject) -> JSONObject:
    if not (file.get("file_data") or file.get("file_id")):
        raise fault("a file part needs file_data or file_id")
    return file


def _check_says_something(message: JSONObject) -> JSONObject:
    if message.get("content") is None and not any(message.get(key) for key in ("tool_calls", "images", "refusal")):
        raise fault("an assistant message without tool calls needs content", "content")
    return message


CACHE_CONTROL = shape(type=Literal["ephemeral"], ttl=optional(Literal["5m", "1h"]))
_MARKED = {"cache_control": optional(CACHE_CONTROL)}
_IMAGE_URL = shape(url=Annotated[str, AfterValidator(_check_image_url)], detail=optional(str))
_FILE = Annotated[shape(file_data=optional(str), file_id=optional(str)), AfterValidator(_check_file)]
_TEXT_PART = shape(text=str, **_MARKED)
_VIDEO_PART = shape(video_url=shape(url=str), **_MARKED)
_PARTS = {
    "text": _TEXT_PART,
    "image_url": shape(image_url=_IMAGE_URL, **_MARKED),
    "input_audio": shape(input_audio=shape(data=Text, format=Text), **_MARKED),
    "file": shape(file=_FILE, **_MARKED),
    "video_url": _VIDEO_PART,
    "input_video": _VIDEO_PART,
}


def _content(**parts: Any) -> Any:
    many = Annotated[list[by_field("type", **parts)], Field(min_length=1)]  # type: ignore[misc]
    return {"str": str, "list": many}


_IS_CONTENT = "content must be a string or a list of parts"
CONTENT = by_type(_IS_CONTENT, **_content(**_PARTS))
_CALL = shape(
    id=Text,
    type=Literal["function"],
    function=shape(name=Text, arguments=Annotated[str, AfterValidator(_check_arguments)]),
)
_DETAIL = shape(
    type=Literal["reasoning.text", "reasoning.summary", "reasoning.encrypted"],
    text=optional(str),
    signature=optional(str),
    data=optional(str),
)
_SYSTEM = shape(
    content=by_type(_IS_CONTENT, **_content(text=_TEXT_PART)), name=optional(str), tool_calls=optional(None)
)
_ASSISTANT = shape(
    name=optional(str),
    content=optional(CONTENT),
    tool_calls=optional(Annotated[list[_CALL], Field(min_length=1)]),
    reasoning=optional(str),
    reasoning_details=optional(list[_DETAIL]),
    refusal=optional(str),
    images=optional(list[shape(image_url=_IMAGE_URL)]),  # type: ignore[misc]
)
Message = Annotated[
    JSONObject,
    checked(
        by_field(
            "role",
            system=_SYSTEM,
            developer=_SYSTEM,
            user=shape(content=CONTENT, name=optional(str), tool_calls=optional(None)),
            assistant=Annotated[_ASSISTANT, AfterValidator(_check_says_something)],
            tool=shape(content=CONTENT, tool_call_id=Text, name=optional(str), tool_calls=optional(None)),
        )
    ),
]
"""A message of any role."""


def check_turns(messages: Sequence[JSONObject]) -> None:
    """Raise unless every call is answered once, right after the message that made it.

    Args:
        messages: Messages that are right by themselves.
    """
    known: set[str] = set()
    pending: dict[str, str] = {}  # call id -> where the call is
    for index, message in enumerate([*messages, {"role": "end"}]):
        if message["role"] == "tool":
            identifier = message["tool_call_id"]
            if pending.pop(identifier, None) is None:
                says = "no call of the assistant message before it has that id and waits for a result"
                raise invalid(f"{identifier!r} is answered, but {says}.", f"messages[{index}].tool_call_id")
            continue
        for identifier, place in pending.items():
            raise invalid(f"The tool call {identifier!r} has no tool message with its result right after it.", place)
        for position, call in enumerate(message.get("tool_calls") or ()):
            place = f"messages[{index}].tool_calls[{position}].id"
            if call["id"] in known:
                raise invalid(f"The tool call id {call['id']!r} is used twice.", place)
            known.add(call["id"])
            pending[call["id"]] = place
