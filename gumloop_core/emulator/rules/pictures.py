"""Pictures: a real PNG, drawn from the prompt with nothing but zlib."""

from __future__ import annotations

import base64
import hashlib
import re
import struct
import zlib

from gumloop_core.emulator.call import ImageConfig

_DEFAULT = 1024
_LARGEST = 4096
_GRID = 8  # coloured fields in each direction
_GREY = b"\xd0\xd0\xd0"
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
        frames.append(_data_url(_png(prompt, max(width // _PREVIEW, _GRID), max(height // _PREVIEW, _GRID), rows)))
    return frames, _data_url(_png(prompt, width, height, _GRID))


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


def _png(prompt: str, width: int, height: int, drawn_rows: int) -> bytes:
    colours = hashlib.sha512(prompt.encode()).digest() * 4
    lines: list[bytes] = []
    for row in range(_GRID):
        line = b"\x00"  # every scan line begins with its filter: none
        for column in range(_GRID):
            start = (row * _GRID + column) * 3
            colour = colours[start : start + 3] if row < drawn_rows else _GREY
            line += colour * (_edge(column + 1, width) - _edge(column, width))
        lines.append(line * (_edge(row + 1, height) - _edge(row, height)))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits, RGB
    body = zlib.compress(b"".join(lines), 6)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _edge(field: int, length: int) -> int:
    return field * length // _GRID


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _data_url(data: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(data).decode()
