"""Bodies of httpx2's responses that remember whether they were read to their end.

httpx closes a response once its body has been read. httpx2 closes it also where the reading failed, so that a closed
response says nothing of its body: half an answer would pass for a whole one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from gumloop_core.http.http_library import StreamWrapper, library_of, of_library


class _EndedStream(StreamWrapper):
    has_ended = False


class _Pieces(_EndedStream):
    def __iter__(self) -> Iterator[bytes]:
        yield from self._stream
        self.has_ended = True

    def close(self) -> None:
        self._stream.close()


class _AsyncPieces(_EndedStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._stream:
            yield piece
        self.has_ended = True

    async def aclose(self) -> None:
        await self._stream.aclose()


def remember_end(response: Any, *, is_async: bool) -> None:
    """Have a response of httpx2 remember whether its body was read to its end; one of httpx does.

    Args:
        response: The response, whose body is not read yet.
        is_async: Whether it is one to an asynchronous request.
    """
    if type(response).__module__ == "httpx":  # nearly all are, and this is the quickest to ask
        return
    library = library_of(response)
    if library is None or library.__name__ == "httpx":
        return
    kind, base = (_AsyncPieces, library.AsyncByteStream) if is_async else (_Pieces, library.SyncByteStream)
    if isinstance(response.stream, base):
        response.stream = of_library(kind, base)(response.stream)


def was_read(response: Any) -> bool:
    """Whether a response's body has been read to its end."""
    stream = response.stream
    return stream.has_ended if isinstance(stream, _EndedStream) else bool(response.is_closed)
