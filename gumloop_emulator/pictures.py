"""Pictures: coloured fields, drawn from the prompt, as PNG."""

from __future__ import annotations

import hashlib
import re
import struct
import zlib

from gumloop_core.wire import JSONObject

_SIDE = 1024
_LARGEST = 4096
_GRID = 8  # coloured fields in each direction
_PREVIEW = 4  # how much smaller a partial frame is


def draw(prompt: str, config: JSONObject) -> tuple[list[bytes], bytes]:
    """Return the partial frames (small, with the upper part alone) and the picture; both depend on the prompt only."""
    width, height = _size(config)
    frames = config.get("partial_images") or 0
    small = max(width // _PREVIEW, _GRID), max(height // _PREVIEW, _GRID)
    partial = [_png(*small, _fields(prompt, _GRID * (number + 1) // (frames + 1))) for number in range(frames)]
    return partial, _png(width, height, _fields(prompt, _GRID))


def _size(config: JSONObject) -> tuple[int, int]:
    """Return width and height in pixels: the size as given, else by the aspect ratio on a side of 1024."""
    size = config.get("size") or ""
    match = re.match(r"^(\d+)x(\d+)$", size)
    if match:
        return min(max(int(match[1]), 1), _LARGEST), min(max(int(match[2]), 1), _LARGEST)
    side = int(size[0]) * _SIDE if size.endswith("K") else _SIDE
    wide, high = map(int, (config.get("aspect_ratio") or "1:1").split(":"))
    return side * wide // max(wide, high) or 1, side * high // max(wide, high) or 1


def _fields(prompt: str, drawn: int) -> list[list[bytes]]:
    """Return the rows of colours; those that are not drawn yet are grey."""
    colours = hashlib.sha512(prompt.encode(errors="replace")).digest() * 4
    rows = [[colours[3 * (_GRID * row + column) :][:3] for column in range(_GRID)] for row in range(drawn)]
    return rows + [[b"\xd0\xd0\xd0"] * _GRID] * (_GRID - drawn)


def _png(width: int, height: int, fields: list[list[bytes]]) -> bytes:
    """Return a PNG of fields stretched over it: 8 bits, RGB, each line with the filter byte for none."""
    lines = [b"\x00" + b"".join(row[x * _GRID // width] for x in range(width)) for row in fields]
    pixels = b"".join(lines[y * _GRID // height] for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(pixels, 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
