"""How requests are sent: the interface between a client and what has the connections.

A transport takes a request with its time limits, and gives back a response's head and the pieces of its body as they
come. It knows nothing of models, credentials, retries or server-sent events, and the clients know nothing of pools or
sockets. There are two for each kind of client: the pools (:mod:`gumloop_core.http.sync_pool`,
:mod:`gumloop_core.http.async_pool`), and clients of the caller's (:mod:`gumloop_core.http.callers_transport`). What has
one connection of a pool is a road, of which there are two as well: :mod:`gumloop_core.http.road`.

What fails raises an error of httpx or httpx2, ``OSError`` or ``ssl.SSLError``, whatever the transport is made of; what
the caller has to correct raises a :class:`~gumloop_core.errors.ConfigurationError`.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Protocol

import httpx


class Request:
    """A request as it goes out in one attempt.

    Args:
        method: The HTTP method.
        url: Where to.
        headers: All headers, but for those that follow from the URL and the content.
        content: The body, ``None`` for no body.
        timeouts: Seconds by httpx's names, ``connect``, ``read``, ``write`` and ``pool``, ``None`` for no limit. The
            transport may change it.
    """

    __slots__ = ("content", "headers", "method", "timeouts", "url")

    def __init__(
        self,
        method: str,
        url: httpx.URL,
        headers: list[tuple[str, str]],
        content: bytes | None,
        timeouts: dict[str, float | None],
    ) -> None:
        self.method = method
        self.url = url
        self.headers = headers
        self.content = content
        self.timeouts = timeouts


class Head(Protocol):
    """A response's head, and what needs no waiting."""

    @property
    def status_code(self) -> int:
        """The HTTP status."""

    @property
    def is_success(self) -> bool:
        """Whether the status is a 2xx."""

    @property
    def headers(self) -> httpx.Headers:
        """The headers."""

    @property
    def content_encoding(self) -> str | None:
        """The header of this name, which each call asks for."""

    @property
    def is_unpacked(self) -> bool:
        """Whether the pieces come decompressed already. Asked before they are."""

    @property
    def is_read(self) -> bool:
        """Whether the body has been read to its end."""

    def limit_reads(self, seconds: float | None) -> None:
        """Settle how long each piece of the body may be waited for, before the first is asked for."""


class Response(Head, Protocol):
    """A response whose body is to be read."""

    def pieces(self) -> Iterator[bytes]:
        """The bytes of the body as they come."""

    def read_rest(self, pieces: Iterator[bytes]) -> None:
        """Read a body briefly to its end, so that its connection can be used again. Raises nothing.

        Args:
            pieces: The iteration over the body, as far as it has come.
        """

    def close(self) -> None:
        """Say that the reading is over. Raises nothing."""


class Transport(Protocol):
    """What sends the requests of a synchronous client, in any thread."""

    def begin(self) -> threading.Event:
        """Begin a call, which may take several attempts.

        Returns:
            An event that is set when :meth:`close` ends the call, whatever it waits for.
        """

    def send(self, request: Request, closed: threading.Event) -> Response:
        """Send a request and wait for the head of its response.

        Args:
            request: The request.
            closed: What :meth:`begin` gave the call.
        """

    def close(self) -> None:
        """End the calls that are under way. A later call begins anew."""


class AsyncResponse(Head, Protocol):
    """A response whose body is to be read; see :class:`Response`."""

    def pieces(self) -> AsyncIterator[bytes]:
        """The bytes of the body as they come."""

    async def read_rest(self, pieces: AsyncIterator[bytes]) -> None:
        """Read a body briefly to its end."""

    async def aclose(self) -> None:
        """Say that the reading is over."""


class AsyncTransport(Protocol):
    """What sends the requests of an asynchronous client, in any event loop; see :class:`Transport`."""

    async def begin(self) -> asyncio.Event:
        """Begin a call."""

    async def send(self, request: Request, closed: asyncio.Event) -> AsyncResponse:
        """Send a request and wait for the head of its response."""

    async def aclose(self) -> None:
        """End the calls that are under way in the running loop."""
