"""Images: their kinds, and how they are written."""

from __future__ import annotations

import pytest

from gumloop_core import Image
from gumloop_core.writing.media import data_url, image_mime_type, image_part


def test_the_parts_of_a_data_url() -> None:
    image = Image("data:image/png;base64,AAEC")
    assert (image.mime_type, image.base64, image.data) == ("image/png", "AAEC", b"\x00\x01\x02")
    image = Image("https://x.example/a.png")
    assert (image.mime_type, image.base64, image.data) == (None, None, None)
    assert Image("data:,x").mime_type is None
    assert Image("data:image/png,x").data is None
    with pytest.raises(ValueError):
        Image("data:image/png;base64,A").data  # noqa: B018


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n...", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVE", None),
        (b"%PDF-1.7", None),
        (b"", None),
    ],
)
def test_kinds_of_images(data: bytes, kind: str | None) -> None:
    assert image_mime_type(data) == kind


def test_image_parts() -> None:
    assert data_url(b"\x00", "image/png") == data_url("AA==", "image/png") == "data:image/png;base64,AA=="
    assert image_part("u") == {"type": "image_url", "image_url": {"url": "u"}}
    assert image_part("u", "low")["image_url"] == {"url": "u", "detail": "low"}
