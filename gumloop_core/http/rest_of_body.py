"""Read the end of a body whose answer is complete, so that its connection can be used again.

A connection whose body was not read to the end must be closed, and the next request pays for a new TCP and TLS
handshake. The end usually comes right behind ``[DONE]``; a server that holds it back is not waited for.
"""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress

import anyio
import httpx

LONGEST_SECONDS = 0.25
"""How long the end of a body is waited for."""

LONGEST_BYTES = 64 * 1024
"""How much of it is read."""


class _BriefRead:
    """A connection's way of reading, that is cut short for the threads that read the rest of a body.

    The time that a read may take was settled when the request was sent, and is the stream's idle timeout: minutes. This
    stays in its place once it is there: as soon as a body has ended, another thread may be using the connection.
    """

    def __init__(self, read: Callable[..., bytes]) -> None:
        self._read = read
        self.deadlines: dict[int, float] = {}  # by thread

    def __call__(self, max_bytes: int, timeout: float | None = None) -> bytes:
        deadline = self.deadlines.get(threading.get_ident())
        if deadline is not None:
            timeout = max(0.001, deadline - time.monotonic())
        return self._read(max_bytes, timeout=timeout)


def read_rest(response: httpx.Response, pieces: Iterator[bytes]) -> None:
    """Read the rest of a body, briefly.

    Args:
        response: The response, which the caller closes.
        pieces: The iteration over its body, as far as it has come.
    """
    stream = response.extensions.get("network_stream")
    if stream is None or response.http_version != "HTTP/1.1":
        return  # an HTTP/2 connection stays usable without this
    if not isinstance(stream.read, _BriefRead):
        try:
            stream.read = _BriefRead(stream.read)
        except AttributeError:
            return  # a stream of another make: its connection is closed instead
    deadlines = stream.read.deadlines
    thread = threading.get_ident()
    deadlines[thread] = time.monotonic() + LONGEST_SECONDS
    length = 0
    try:
        for piece in pieces:
            length += len(piece)
            if length > LONGEST_BYTES:
                break
    except Exception:  # noqa: S110 - the answer is complete; only the connection is lost
        pass
    finally:
        del deadlines[thread]


async def aread_rest(pieces: AsyncIterator[bytes]) -> None:
    """Read the rest of a body, briefly; see :func:`read_rest`."""
    length = 0
    with suppress(Exception), anyio.move_on_after(LONGEST_SECONDS):
        async for piece in pieces:
            length += len(piece)
            if length > LONGEST_BYTES:
                break
