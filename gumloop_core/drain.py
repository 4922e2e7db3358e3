"""Read the end of a body whose answer is complete, so that its connection can be used again.

A connection whose body was not read to the end must be closed, and the next request pays for a new TCP and TLS
handshake. The end usually comes right behind ``[DONE]``; a server that holds it back is not waited for.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator

import anyio
import httpx

DRAIN_SECONDS = 0.25
"""How long the end of a body is waited for."""

DRAIN_BYTES = 64 * 1024
"""How much of it is read."""


def drain(response: httpx.Response, pieces: Iterator[bytes]) -> None:
    """Read the rest of a body, briefly.

    Args:
        response: The response, which the caller closes.
        pieces: The iteration over its body, as far as it has come.
    """
    stream = response.extensions.get("network_stream")
    if stream is None or response.http_version != "HTTP/1.1":
        return  # an HTTP/2 connection stays usable without this
    deadline = time.monotonic() + DRAIN_SECONDS
    read = stream.read

    # The time that a read may take was settled when the request was sent, and is the stream's idle timeout: minutes.
    def read_briefly(max_bytes: int, timeout: float | None = None) -> bytes:
        data: bytes = read(max_bytes, timeout=max(0.001, deadline - time.monotonic()))
        return data

    try:
        stream.read = read_briefly
    except AttributeError:
        return  # a stream of another make: its connection is closed instead
    length = 0
    try:
        for piece in pieces:
            length += len(piece)
            if length > DRAIN_BYTES:
                break
    except (httpx.HTTPError, httpx.StreamError):
        pass  # the answer is complete; only the connection is lost
    finally:
        del stream.read


async def adrain(pieces: AsyncIterator[bytes]) -> None:
    """Read the rest of a body, briefly; see :func:`drain`."""
    length = 0
    try:
        with anyio.move_on_after(DRAIN_SECONDS):
            async for piece in pieces:
                length += len(piece)
                if length > DRAIN_BYTES:
                    break
    except (httpx.HTTPError, httpx.StreamError):
        pass
