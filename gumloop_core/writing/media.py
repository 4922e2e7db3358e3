"""Images and files on their way to the wire: data URLs, and what kind of image some bytes are."""

from __future__ import annotations

import base64

from gumloop_core.wire import ContentPart, ImageURL

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


def image_mime_type(data: bytes) -> str | None:
    """The media type of an image's first bytes, for the four kinds that the endpoint takes; else ``None``."""
    for signature, mime_type in _SIGNATURES:
        if data.startswith(signature):
            return mime_type
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return None


def data_url(data: bytes | str, mime_type: str) -> str:
    """A base64 data URL from bytes, or from text that is base64 already. Text that is a data URL stays as it is."""
    if isinstance(data, str) and data.startswith("data:"):
        return data
    text = data if isinstance(data, str) else base64.b64encode(data).decode("ascii")
    return f"data:{mime_type};base64,{text}"


def file_name(mime_type: str) -> str:
    """A name for a file that has none, which providers need: ``file.pdf``."""
    import mimetypes

    return "file" + (mimetypes.guess_extension(mime_type, strict=False) or "")


def image_part(url: str, detail: str | None = None) -> ContentPart:
    """The content part for an image.

    Args:
        url: An http(s) URL or a base64 data URL: JPEG, PNG, GIF or WebP, at most 20 MB.
        detail: ``low``, ``high`` or ``auto``; not sent if ``None``.
    """
    image: ImageURL = {"url": url}
    if detail:
        image["detail"] = detail
    return {"type": "image_url", "image_url": image}
