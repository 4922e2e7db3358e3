"""Pictures: decodable, the same for the same prompt, of the size that was asked for."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

import pytest

from gumloop_emulator import Emulator
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
def test_sizes(server: Emulator, config: dict[str, Any], size: tuple[int, int]) -> None:
    message = drawn(server, image_config=config)
    assert decode(message["images"][0]["image_url"]["url"])[:2] == size


def test_another_prompt_another_picture(server: Emulator) -> None:
    small = {"image_config": {"size": "32x32"}}
    first, again, other = (drawn(server, prompt, **small)["images"] for prompt in ("a", "a", "b"))
    assert first == again != other


@pytest.mark.parametrize("output_format", ["png", "jpeg", "webp"])
def test_they_are_png_whatever_was_asked_for(server: Emulator, output_format: str) -> None:
    config = {"size": "8x8", "output_format": output_format}
    assert decode(drawn(server, image_config=config)["images"][0]["image_url"]["url"])[:2] == (8, 8)


@pytest.mark.parametrize("output_format", ["gif", "PNG", ""])
def test_other_formats_are_refused(server: Emulator, output_format: str) -> None:
    config = {"output_format": output_format}
    answer = post(server, {**body("A red boat", image_config=config), "model": "gpt-image-1.5"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "image_config.output_format")


@pytest.mark.parametrize(
    ("model", "fields", "text"),
    [
        ("gpt-image-1.5", {}, None),
        ("gpt-image-1.5", {"modalities": ["image"]}, None),
        ("dall-e-3", {"modalities": ["image", "text"]}, None),
        (GEMINI, {}, "A picture."),
        (GEMINI, {"modalities": ["text", "image"]}, "A picture."),
        (GEMINI, {"modalities": ["image"]}, None),
    ],
)
def test_who_draws(server: Emulator, model: str, fields: dict[str, Any], text: str | None) -> None:
    message = drawn(server, model=model, **fields)
    assert (len(message["images"]), message["content"]) == (1, text)


def test_gemini_can_be_asked_for_text_alone(server: Emulator) -> None:
    message = drawn(server, "Capital of Canada?", model=GEMINI, modalities=["text"])
    assert message == {"role": "assistant", "content": "Capital of Canada?"}


def test_chat_models_ignore_image_config(server: Emulator) -> None:
    message = drawn(server, "Capital of Canada?", model="gpt-4o-mini", image_config={"size": "64x64"})
    assert message == {"role": "assistant", "content": "Capital of Canada?"}


@pytest.mark.parametrize("partial", [0, 1, 3])
def test_partial_frames_come_first(server: Emulator, partial: int) -> None:
    config = {"size": "128x128", "partial_images": partial}
    final = drawn(server, image_config=config)["images"]
    request = {**body("A red boat", image_config=config, stream=True), "model": "gpt-image-1.5"}
    frames = list(deltas(events(post(server, request)), "images"))
    assert len(frames) == partial + 1
    assert frames[-1] == final
    sizes = [decode(frame[0]["image_url"]["url"])[0] for frame in frames]
    assert sizes == [32] * partial + [128]
    assert len({frame[0]["image_url"]["url"] for frame in frames}) == partial + 1
