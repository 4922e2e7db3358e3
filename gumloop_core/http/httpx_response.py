"""Responses of httpx and httpx2, as the transports that are made of them give them back."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress

import httpx

from gumloop_core.http.ended_stream import remember_end, was_read
from gumloop_core.http.rest_of_body import aread_rest, read_rest


class _HttpxHead:
    __slots__ = ("_response", "headers", "is_success", "status_code")

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.status_code = response.status_code
        self.is_success = response.is_success
        self.headers = response.headers

    @property
    def content_encoding(self) -> str | None:
        """The header of this name."""
        encoding: str | None = self.headers.get("content-encoding")
        return encoding

    @property
    def is_unpacked(self) -> bool:
        """Whether a hook of the caller's client has read the body, and decompressed it."""
        return self._response.is_stream_consumed

    @property
    def is_read(self) -> bool:
        """Whether the body has been read to its end."""
        return was_read(self._response)

    def limit_reads(self, seconds: float | None) -> None:
        """Settle how long a read may take: httpx looks it up when the body's first byte is asked for."""
        timeout = self._response.request.extensions.get("timeout")
        if isinstance(timeout, dict):
            timeout["read"] = seconds


class HttpxResponse(_HttpxHead):
    """A response to a synchronous request.

    Args:
        response: The response, whose body is not read yet.
        release: Called when it is closed.
    """

    __slots__ = ("_release",)

    def __init__(self, response: httpx.Response, release: Callable[[], None] | None = None) -> None:
        super().__init__(response)
        remember_end(response, is_async=False)
        self._release = release

    def pieces(self) -> Iterator[bytes]:
        """The bytes of the body as they come."""
        response = self._response
        return response.iter_bytes() if response.is_stream_consumed else response.iter_raw()

    def read_rest(self, pieces: Iterator[bytes]) -> None:
        """Read the body briefly to its end."""
        read_rest(self._response, pieces)

    def close(self) -> None:
        """Close the response; after that its client can serve another request."""
        if sys.is_finalizing():
            return  # a stream was kept to the interpreter's end: httpx's modules are gone, and Python 3.13.0 crashes
        try:
            with suppress(Exception):  # what was read is read
                self._response.close()
        finally:
            if self._release is not None:
                self._release()


class AsyncHttpxResponse(_HttpxHead):
    """A response to an asynchronous request; see :class:`HttpxResponse`."""

    __slots__ = ("_release",)

    def __init__(self, response: httpx.Response, release: Callable[[], Awaitable[None]] | None = None) -> None:
        super().__init__(response)
        remember_end(response, is_async=True)
        self._release = release

    def pieces(self) -> AsyncIterator[bytes]:
        """The bytes of the body as they come."""
        response = self._response
        return response.aiter_bytes() if response.is_stream_consumed else response.aiter_raw()

    async def read_rest(self, pieces: AsyncIterator[bytes]) -> None:
        """Read the body briefly to its end."""
        await aread_rest(pieces)

    async def aclose(self) -> None:
        """Close the response; after that its client can serve another request."""
        if sys.is_finalizing():
            return  # as above
        try:
            with suppress(Exception):
                await self._response.aclose()
        finally:
            if self._release is not None:
                await self._release()
