"""Unpack compressed bodies in bounded steps. No I/O.

A few kilobytes can unpack to gigabytes. What reads a body counts its bytes and looks at the clock between two pieces,
so that no piece may be large.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from itertools import chain

import httpx

PIECE_BYTES = 256 * 1024
"""Bytes that are unpacked at once."""

_MOST_LAYERS = 2
"""Encodings on top of each other; no server that means well uses more."""

_ZLIB = {"gzip": 31, "x-gzip": 31, "deflate": 15}
"""What can be unpacked, and zlib's number for its format."""

Unpack = Callable[[bytes], Iterator[bytes]]


def layers_of(content_encoding: str) -> list[str]:
    """The encodings that a response names, in the order in which they were applied."""
    names = [name.strip().lower() for name in content_encoding.split(",")]
    return [name for name in names if name not in ("", "identity")]


def was_asked_for(layers: list[str], accept_encoding: str) -> bool:
    """Whether a body comes in encodings that were asked for, and that are unpacked here."""
    asked = {item.partition(";")[0].strip().lower() for item in accept_encoding.split(",")}
    if "gzip" in asked:
        asked.add("x-gzip")
    return len(layers) <= _MOST_LAYERS and all(name in asked and name in _ZLIB for name in layers)


def unpacker(layers: list[str]) -> Unpack:
    """What unpacks a body that arrives piece by piece, to pieces of a bounded size."""
    unpack: Unpack | None = None
    for name in reversed(layers):
        unpack = _Layer(_ZLIB[name]).unpack if unpack is None else _chained(unpack, _Layer(_ZLIB[name]).unpack)
    assert unpack is not None
    return unpack


def _chained(first: Unpack, second: Unpack) -> Unpack:
    def unpack(data: bytes) -> Iterator[bytes]:
        return chain.from_iterable(map(second, first(data)))

    return unpack


class _Layer:
    """One encoding."""

    def __init__(self, wbits: int) -> None:
        self._wbits = wbits
        self._inflate: zlib._Decompress | None = None
        self._held = b""

    def unpack(self, data: bytes) -> Iterator[bytes]:
        """Unpack the next bytes; a piece may be empty.

        Raises:
            DecodingError: If they are damaged.
        """
        if self._inflate is None:
            data, self._held = self._held + data, b""
            if len(data) < 2:
                self._held = data
                return
            # Some servers leave out the envelope that "deflate" should have.
            is_bare = self._wbits == 15 and (data[0] & 15 != 8 or int.from_bytes(data[:2], "big") % 31)
            self._inflate = zlib.decompressobj(-15 if is_bare else self._wbits)
        while data:
            try:
                piece = self._inflate.decompress(data, PIECE_BYTES)
            except zlib.error as error:
                raise httpx.DecodingError(str(error)) from None
            yield piece
            data = self._inflate.unconsumed_tail
