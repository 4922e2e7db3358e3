"""A grid of coloured fields as PNG, JPEG or WebP, with nothing but the standard library."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeAlias, TypeVar

Colour: TypeAlias = tuple[int, int, int]
"""Red, green and blue, 0 to 255 each."""

Field = TypeVar("Field")


@dataclass(frozen=True)
class Bitmap:
    """Coloured fields, stretched over a picture.

    Attributes:
        width: Pixels in a line.
        height: Lines.
        fields: The rows of fields, from the top.
    """

    width: int
    height: int
    fields: Sequence[Sequence[Colour]]

    def lines(self) -> Iterator[tuple[list[Colour], int]]:
        """Yield each different line, and how often it follows itself."""
        for row, count in _stretched(self.fields, self.height):
            if count:
                yield [colour for colour, times in _stretched(row, self.width) for _ in range(times)], count


def _stretched(fields: Sequence[Field], length: int) -> Iterator[tuple[Field, int]]:
    """Yield each field, and how many of the pixels are its."""
    for place, field in enumerate(fields):
        yield field, (place + 1) * length // len(fields) - place * length // len(fields)


def png(bitmap: Bitmap) -> bytes:
    """Return a PNG: 8 bits, RGB, unfiltered."""
    # Every scan line begins with its filter: none.
    lines = b"".join((b"\x00" + b"".join(map(bytes, line))) * count for line, count in bitmap.lines())
    header = struct.pack(">IIBBBBB", bitmap.width, bitmap.height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )


def jpeg(bitmap: Bitmap) -> bytes:
    """Return a baseline JPEG of which every block of 8 by 8 pixels has one colour.

    A block of one colour has a single coefficient. Of the two Huffman tables one gives each size of a difference four
    bits, the other has nothing but the end of a block.
    """
    levels = bytes([8] * 64)  # by 8, the coefficient is the colour's distance from grey
    frame = struct.pack(">BHHB", 8, bitmap.height, bitmap.width, 3) + b"\x01\x11\0\x02\x11\0\x03\x11\0"
    sizes = b"\x00" + bytes([0, 0, 0, 12] + [0] * 12) + bytes(range(12))
    ends = b"\x10" + bytes([1] + [0] * 15) + b"\x00"
    scan = b"\x03\x01\x00\x02\x00\x03\x00\x00\x3f\x00"
    parts = (
        (0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
        (0xDB, b"\0" + levels),
        (0xC0, frame),
        (0xC4, sizes),
        (0xC4, ends),
        (0xDA, scan),
    )
    head = b"".join(struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data for marker, data in parts)
    bits = "".join(_jpeg_blocks(bitmap))
    bits += "1" * (-len(bits) % 8)
    data = int(bits, 2).to_bytes(len(bits) // 8, "big")
    return b"\xff\xd8" + head + data.replace(b"\xff", b"\xff\x00") + b"\xff\xd9"


def _jpeg_blocks(bitmap: Bitmap) -> Iterator[str]:
    """Yield the bits of the blocks. A block has the colour of a pixel in its middle, or of the last that there is."""
    lines = [line for line, count in bitmap.lines() for _ in range(count)]
    before = (0, 0, 0)
    for y in range(0, bitmap.height, 8):
        line = lines[min(y + 4, bitmap.height - 1)]
        for colour, alike in groupby(line[min(x + 4, bitmap.width - 1)] for x in range(0, bitmap.width, 8)):
            levels = _luma_and_chroma(colour)
            yield "".join(map(_difference, levels, before))
            yield _difference(0, 0) * 3 * (len(list(alike)) - 1)
            before = levels


def _difference(level: int, before: int) -> str:
    """Return a block's coefficient as its difference from the last block's, and the end of the block."""
    difference = level - before
    size = abs(difference).bit_length()
    value = difference if difference > 0 else difference + (1 << size) - 1
    return f"{size:04b}" + (f"{value:0{size}b}" if size else "") + "0"


def _luma_and_chroma(colour: Colour) -> Colour:
    """Return a colour as JPEG has it, each level from -128 to 127."""
    red, green, blue = colour
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return round(luma) - 128, min(round(0.564 * (blue - luma)), 127), min(round(0.713 * (red - luma)), 127)


def webp(bitmap: Bitmap) -> bytes:
    """Return a lossless WebP. Of the greens only the even ones are used: the other codes say how long a run is."""
    bits = "".join(_webp_bits(bitmap))
    bits += "0" * (-len(bits) % 8)
    # The bits of a byte are read from the lowest on.
    data = b"\x2f" + int(bits[::-1], 2).to_bytes(len(bits) // 8, "little")
    padded = data + b"\0" * (len(data) % 2)
    return b"RIFF" + struct.pack("<I", 12 + len(padded)) + b"WEBPVP8L" + struct.pack("<I", len(data)) + padded


def _webp_bits(bitmap: Bitmap) -> Iterator[str]:
    yield _low_first(bitmap.width - 1, 14) + _low_first(bitmap.height - 1, 14)
    yield "0" + "000"  # no alpha; version 0
    yield "0" + "0" + "0"  # no transforms, no colour cache, one group of codes
    # Eight bits for each even green, five for each of the first 16 of runs. Lengths are written 8: 0, 0: 10, 5: 11.
    yield "0" + _low_first(8, 4) + "".join(_low_first({0: 2, 5: 2, 8: 1}.get(n, 0), 3) for n in _LENGTH_ORDER) + "0"
    yield "010" * 128 + "11" * 16 + "10" * 8
    for _ in ("red", "blue"):  # eight bits for each value. Lengths are written 0: 0, 8: 1.
        yield "0" + _low_first(8, 4) + "".join(_low_first({0: 1, 8: 1}.get(n, 0), 3) for n in _LENGTH_ORDER) + "0"
        yield "1" * 256
    yield "1" + "0" + "1" + _low_first(255, 8)  # alpha: always 255
    yield "1" + "0" + "0" + "1"  # distance: always 1, which is the pixel to the left
    runs = (run for line, count in bitmap.lines() for _ in range(count) for run in groupby(line))
    for (red, green, blue), alike in runs:
        yield f"{128 + green // 2:08b}{red:08b}{blue:08b}"
        yield _run(len(list(alike)) - 1)


_LENGTH_ORDER = (17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8)
"""The order in which WebP writes how long the codes of code lengths are."""


def _run(pixels: int) -> str:
    """Return the repetitions of the last pixel, 256 at a time at most."""
    bits = ""
    while pixels:
        length = min(pixels, 256)
        pixels -= length
        symbol, extra, value = _prefix(length)
        bits += f"{symbol:05b}" + _low_first(value, extra)
    return bits


def _prefix(length: int) -> tuple[int, int, int]:
    """Return a length's prefix code, how many further bits it has, and what they say."""
    if length <= 4:
        return length - 1, 0, 0
    extra = (length - 1).bit_length() - 2
    half = (length - 1) >> extra & 1
    return 2 * extra + 2 + half, extra, (length - 1) & ((1 << extra) - 1)


def _low_first(value: int, count: int) -> str:
    return f"{value:0{count}b}"[::-1] if count else ""


FORMATS: Mapping[str, Callable[[Bitmap], bytes]] = {"png": png, "jpeg": jpeg, "webp": webp}
"""What `image_config.output_format` may say, and who writes it."""
