"""Pictures that are sent: a data URL of a known type and a bearable size, or an http(s) URL."""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import urlsplit

from gumloop_core.emulator.failures import FieldError

MAX_IMAGE_BYTES = 20 * 1024 * 1024

_DATA_URL = re.compile(r"^data:(?P<type>[^;,]*)(?P<options>(?:;[^,]*)?),", re.IGNORECASE)
_TYPES = {
    "image/jpeg": "JPEG",
    "image/jpg": "JPEG",
    "image/png": "PNG",
    "image/gif": "GIF",
    "image/webp": "WebP",
}


def check_image_url(url: object, param: str) -> None:
    """Raise when a picture cannot be used; http(s) URLs are believed, nothing is fetched."""
    if not isinstance(url, str) or not url:
        raise FieldError("An image needs a url.", param)
    if not url[:5].lower().startswith("data:"):
        parts = urlsplit(url)
        if parts.scheme.lower() not in ("http", "https") or not parts.netloc:
            raise FieldError("An image's url must be an http(s) URL or a base64 data URL.", param)
        return
    match = _DATA_URL.match(url[:200])
    if match is None or not match["options"].lower().endswith(";base64"):
        raise FieldError("An image's data URL must be base64.", param)
    declared = match["type"].lower()
    if declared not in _TYPES:
        raise FieldError(f"An image must be JPEG, PNG, GIF or WebP, not {declared or 'untyped'}.", param)
    encoded = url[match.end() :]
    if len(encoded) * 3 // 4 - 2 > MAX_IMAGE_BYTES:
        raise FieldError("An image may have at most 20 MB.", param)
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise FieldError("The image is not valid base64.", param) from None
    found = sniff(data)
    if found is None:
        raise FieldError("The image's bytes are not JPEG, PNG, GIF or WebP.", param)
    if found != _TYPES[declared]:
        raise FieldError(f"The image is declared as {declared}, but its bytes are {found}.", param)


def sniff(data: bytes) -> str | None:
    """Return the type of a picture by its first bytes, None when it is none of the four."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    return None
