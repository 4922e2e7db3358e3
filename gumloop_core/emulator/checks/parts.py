"""The content of a message: a string, or parts of the kinds that its role may carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gumloop_core.emulator.checks import fields
from gumloop_core.emulator.checks.images import check_image_url
from gumloop_core.emulator.failures import FieldError

_TEXT_ONLY = frozenset({"system", "developer"})


@dataclass(frozen=True)
class Content:
    """What a message's content amounts to; see `Message` for the fields."""

    text: str = ""
    images: int = 0
    attachments: int = 0
    cached_characters: int = 0


def parse_content(value: object, role: str, where: str) -> Content:
    """Check a message's content and return what it amounts to.

    Args:
        value: The `content` of the message.
        role: The message's role.
        where: The path of the content in the body, for `param`.
    """
    if isinstance(value, str):
        return Content(text=value)
    if not isinstance(value, list):
        raise FieldError(f"{where} must be a string or a list of parts.", where)
    if not value:
        raise FieldError(f"{where} must not be an empty list.", where)
    texts: list[str] = []
    images = attachments = cached = 0
    for position, part in enumerate(value):
        place = f"{where}[{position}]"
        if not isinstance(part, dict):
            raise FieldError(f"{place} must be an object.", place)
        kind = part.get("type")
        if kind == "text":
            text = fields.string(part, "text", param=f"{place}.text")
            if text is None:
                raise FieldError(f"{place}.text must be a string.", f"{place}.text")
            texts.append(text)
        elif role in _TEXT_ONLY:
            raise FieldError(f"A {role} message can carry text only, not {kind!r}.", f"{place}.type")
        elif kind == "image_url":
            images += 1
            _check_image(part, place)
        else:
            attachments += 1
            _check_attachment(part, kind, place)
        if _check_cache_control(part, place):
            cached = sum(map(len, texts))
    return Content("\n".join(texts), images, attachments, cached)


def _check_image(part: Mapping[str, Any], place: str) -> None:
    image = fields.mapping(part, "image_url", param=f"{place}.image_url")
    if image is None:
        raise FieldError("An image part needs image_url.", f"{place}.image_url")
    fields.string(image, "detail", param=f"{place}.image_url.detail")
    check_image_url(image.get("url"), f"{place}.image_url.url")


def _check_attachment(part: Mapping[str, Any], kind: object, place: str) -> None:
    """Check the parts that the vendor's SDK knows besides text and images."""
    if kind == "input_audio":
        audio = fields.mapping(part, "input_audio", param=f"{place}.input_audio")
        if audio is None:
            raise FieldError("An audio part needs input_audio.", f"{place}.input_audio")
        fields.string(audio, "data", param=f"{place}.input_audio.data", required=True)
        fields.string(audio, "format", param=f"{place}.input_audio.format", required=True)
    elif kind == "file":
        file = fields.mapping(part, "file", param=f"{place}.file")
        if not file or not (file.get("file_data") or file.get("file_id")):
            raise FieldError("A file part needs file.file_data.", f"{place}.file")
    elif kind in ("video_url", "input_video"):
        video = fields.mapping(part, "video_url", param=f"{place}.video_url")
        if not video or not isinstance(video.get("url"), str):
            raise FieldError("A video part needs video_url.url.", f"{place}.video_url")
    else:
        raise FieldError(f"Unknown content part type {kind!r}.", f"{place}.type")


def _check_cache_control(part: Mapping[str, Any], place: str) -> bool:
    """Check a part's `cache_control` and return whether there is one."""
    mark = fields.mapping(part, "cache_control", param=f"{place}.cache_control")
    if mark is None:
        return False
    if mark.get("type") != "ephemeral":
        raise FieldError("cache_control.type must be ephemeral.", f"{place}.cache_control.type")
    if mark.get("ttl") not in (None, "5m", "1h"):
        raise FieldError("cache_control.ttl must be 5m or 1h.", f"{place}.cache_control.ttl")
    return True
