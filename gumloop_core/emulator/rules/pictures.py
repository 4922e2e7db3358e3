"""Pictures: coloured fields, drawn from the prompt."""

from __future__ import annotations

import base64
import hashlib
import re

from gumloop_core.emulator.call import ImageConfig
from gumloop_core.emulator.rules.bitmaps import FORMATS, Bitmap, Colour

_DEFAULT = 1024
_LARGEST = 4096
_GRID = 8  # coloured fields in each direction
_GREY: Colour = (0xD0, 0xD0, 0xD0)
_PREVIEW = 4  # how much smaller a partial frame is


def draw(prompt: str, config: ImageConfig) -> tuple[list[str], str]:
    """Return the partial frames and the final picture as data URLs.

    The same prompt gives the same picture. A partial frame is a small preview of which only the upper part is
    drawn yet.
    """
    width, height = size_of(config)
    frames = []
    for number in range(config.partial_images):
        rows = _GRID * (number + 1) // (config.partial_images + 1)
        size = max(width // _PREVIEW, _GRID), max(height // _PREVIEW, _GRID)
        frames.append(_data_url(Bitmap(*size, _fields(prompt, rows)), config.output_format))
    return frames, _data_url(Bitmap(width, height, _fields(prompt, _GRID)), config.output_format)


def size_of(config: ImageConfig) -> tuple[int, int]:
    """Return width and height in pixels: the size as given, else by the aspect ratio on a side of 1024."""
    match = re.match(r"^(\d+)x(\d+)$", config.size or "")
    if match:
        return min(max(int(match[1]), 1), _LARGEST), min(max(int(match[2]), 1), _LARGEST)
    side = int(config.size[0]) * 1024 if config.size and config.size.endswith("K") else _DEFAULT
    if not config.aspect_ratio:
        return side, side
    wide, high = map(int, config.aspect_ratio.split(":"))
    if wide >= high:
        return side, max(side * high // wide, 1)
    return max(side * wide // high, 1), side


def _fields(prompt: str, drawn_rows: int) -> list[list[Colour]]:
    colours = iter(hashlib.sha512(prompt.encode()).digest() * 4)
    drawn = [[(next(colours), next(colours), next(colours)) for _ in range(_GRID)] for _ in range(drawn_rows)]
    return drawn + [[_GREY] * _GRID for _ in range(_GRID - drawn_rows)]


def _data_url(bitmap: Bitmap, output_format: str) -> str:
    data = FORMATS[output_format](bitmap)
    return f"data:image/{output_format};base64," + base64.b64encode(data).decode()
