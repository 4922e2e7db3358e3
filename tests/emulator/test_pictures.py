"""Pictures: decodable, the same for the same prompt, of the size that was asked for."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from typing import Any

import pytest

from gumloop_core.emulator import Emulator
from tests.emulator.support import body, deltas, events, post

GEMINI = "google/gemini-3.1-flash-image-preview"


def decode(url: str) -> tuple[int, int, bytes]:
    """Return width, height and the raw lines of a PNG; every checksum must fit."""
    data = base64.b64decode(url.removeprefix("data:image/png;base64,"), validate=True)
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    position, parts = 8, {}
    while position < len(data):
        (length,) = struct.unpack(">I", data[position : position + 4])
        kind = data[position + 4 : position + 8]
        content = data[position + 8 : position + 8 + length]
        (checksum,) = struct.unpack(">I", data[position + 8 + length : position + 12 + length])
        assert checksum == zlib.crc32(kind + content)
        parts[kind] = content
        position += 12 + length
    width, height = struct.unpack(">II", parts[b"IHDR"][:8])
    lines = zlib.decompress(parts[b"IDAT"])
    assert len(lines) == height * (1 + 3 * width)
    return width, height, lines


def drawn(server: Emulator, prompt: str = "A red boat", model: str = "gpt-image-1.5", **fields: Any) -> dict[str, Any]:
    answer = post(server, {**body(prompt, **fields), "model": model})
    assert answer.status_code == 200, answer.text
    return answer.json()["choices"][0]["message"]


@pytest.mark.parametrize(
    ("config", "size"),
    [
        ({}, (1024, 1024)),
        ({"size": "64x32"}, (64, 32)),
        ({"size": "auto", "aspect_ratio": "16:9"}, (1024, 576)),
        ({"aspect_ratio": "1:2"}, (512, 1024)),
        ({"size": "1x1"}, (1, 1)),
        ({"size": "2K"}, (2048, 2048)),
    ],
)
def test_sizes(gumloop_emulator: Emulator, config: dict[str, Any], size: tuple[int, int]) -> None:
    message = drawn(gumloop_emulator, image_config=config)
    assert decode(message["images"][0]["image_url"]["url"])[:2] == size


def test_another_prompt_another_picture(gumloop_emulator: Emulator) -> None:
    small = {"image_config": {"size": "32x32"}}
    first, again, other = (drawn(gumloop_emulator, prompt, **small)["images"] for prompt in ("a", "a", "b"))
    assert first == again != other


@pytest.mark.parametrize("output_format", ["png", "jpeg", "webp"])
@pytest.mark.parametrize("size", ["64x64", "1x1", "301x17"])
def test_the_format_is_the_one_that_was_asked_for(gumloop_emulator: Emulator, output_format: str, size: str) -> None:
    image = pytest.importorskip("PIL.Image")
    pictures = []
    for asked in (output_format, "png"):
        config = {"size": size, "output_format": asked}
        head, _, data = drawn(gumloop_emulator, image_config=config)["images"][0]["image_url"]["url"].partition(",")
        assert head == f"data:image/{asked};base64"
        opened = image.open(io.BytesIO(base64.b64decode(data)))
        opened.load()
        assert (f"{opened.width}x{opened.height}", opened.format) == (size, asked.upper())
        pictures.append(opened.convert("RGB"))
    picture, reference = pictures
    # Rounding may change a level by one. A JPEG's blocks are those of the fields where these have 8 pixels a side.
    if size == "64x64" or output_format != "jpeg":
        for point in ((x, y) for x in range(picture.width) for y in range(picture.height)):
            levels = zip(picture.getpixel(point), reference.getpixel(point), strict=True)
            assert all(abs(level - right) <= 1 for level, right in levels), point


@pytest.mark.parametrize("output_format", ["gif", "PNG", ""])
def test_other_formats_are_refused(gumloop_emulator: Emulator, output_format: str) -> None:
    config = {"output_format": output_format}
    answer = post(gumloop_emulator, {**body("A red boat", image_config=config), "model": "gpt-image-1.5"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "image_config.output_format")


def test_partial_frames_have_the_pictures_format(gumloop_emulator: Emulator) -> None:
    config = {"size": "64x64", "partial_images": 1, "output_format": "webp"}
    request = {**body("A red boat", image_config=config, stream=True), "model": "gpt-image-1.5"}
    frames = list(deltas(events(post(gumloop_emulator, request)), "images"))
    assert [frame[0]["image_url"]["url"][:16] for frame in frames] == ["data:image/webp;"] * 2


@pytest.mark.parametrize(
    ("model", "fields", "text"),
    [
        ("gpt-image-1.5", {}, None),
        ("gpt-image-1.5", {"modalities": ["image"]}, None),
        ("dall-e-3", {"modalities": ["image", "text"]}, None),
        (GEMINI, {}, "Here is the picture."),
        (GEMINI, {"modalities": ["text", "image"]}, "Here is the picture."),
        (GEMINI, {"modalities": ["image"]}, None),
    ],
)
def test_who_draws(gumloop_emulator: Emulator, model: str, fields: dict[str, Any], text: str | None) -> None:
    message = drawn(gumloop_emulator, model=model, **fields)
    assert (len(message["images"]), message["content"]) == (1, text)


def test_gemini_can_be_asked_for_text_alone(gumloop_emulator: Emulator) -> None:
    message = drawn(gumloop_emulator, "Capital of Canada?", model=GEMINI, modalities=["text"])
    assert message == {"role": "assistant", "content": "Ottawa."}


def test_chat_models_ignore_image_config(gumloop_emulator: Emulator) -> None:
    message = drawn(gumloop_emulator, "Capital of Canada?", model="gpt-4o-mini", image_config={"size": "64x64"})
    assert message == {"role": "assistant", "content": "Ottawa."}


@pytest.mark.parametrize("partial", [0, 1, 3])
def test_partial_frames_come_first(gumloop_emulator: Emulator, partial: int) -> None:
    config = {"size": "128x128", "partial_images": partial}
    final = drawn(gumloop_emulator, image_config=config)["images"]
    request = {**body("A red boat", image_config=config, stream=True), "model": "gpt-image-1.5"}
    frames = list(deltas(events(post(gumloop_emulator, request)), "images"))
    assert len(frames) == partial + 1
    assert frames[-1] == final
    sizes = [decode(frame[0]["image_url"]["url"])[0] for frame in frames]
    assert sizes == [32] * partial + [128]
    assert len({frame[0]["image_url"]["url"] for frame in frames}) == partial + 1
