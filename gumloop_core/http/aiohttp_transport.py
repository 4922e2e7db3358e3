"""aiohttp under httpx, for asynchronous calls: it reads in C what httpx's own transport reads in Python.

Needs the extra ``aiohttp``. What httpx means stays so: the URL and the headers go out as they are, nothing is unpacked,
followed, remembered or taken from the environment, errors are httpx's, and what has arrived is read before an error is
raised. The reads of a body are not timed here, since aiohttp settles their time when the request is sent; see
:mod:`gumloop_core.http.timed`.
"""

from __future__ import annotations

import asyncio
import io
import ssl
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import httpx
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from gumloop_core.http.sockets import lose

LONGEST_HEADER = 100 * 1024
"""Bytes of a line of a response's head, as many as httpx's own transport takes in all."""

READ_BYTES = 64 * 1024
"""Bytes that are read ahead of the caller; twice as many stop the reading."""

PIECE_BYTES = 1024 * 1024
"""A longer body is sent in pieces, so that sending it does not hold up the event loop."""


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Sends the requests of one event loop.

    Args:
        tls_context: For https.
        idle_seconds: How long a connection is kept.
    """

    def __init__(self, tls_context: ssl.SSLContext, idle_seconds: float) -> None:
        self._session = aiohttp.ClientSession(
            connector=_Connector(ssl=tls_context, limit=0, keepalive_timeout=idle_seconds),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            read_bufsize=READ_BYTES,
            max_line_size=LONGEST_HEADER,
            max_field_size=LONGEST_HEADER,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and wait for the head of its answer."""
        timeout = request.extensions.get("timeout", {})
        content = await request.aread()
        try:
            response = await self._session.request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=[(name.decode("ascii"), value.decode("latin-1")) for name, value in request.headers.raw],
                data=(io.BytesIO(content) if len(content) > PIECE_BYTES else content) or None,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(connect=timeout.get("connect"), sock_read=timeout.get("read")),
            )
        except (aiohttp.ClientError, OSError) as error:
            failure: httpx.RequestError = _translated(error)
        except ValueError as error:  # headers that contradict the body
            failure = httpx.LocalProtocolError(str(error))
        else:
            return httpx.Response(
                response.status,
                headers=response.raw_headers,
                stream=_Body(response),
                extensions={"http_version": b"HTTP/1.1", "reason_phrase": (response.reason or "").encode()},
            )
        raise failure  # out here, so that it holds on to nothing: aiohttp's errors have the request's headers

    async def aclose(self) -> None:
        """Close the connections."""
        await self._session.close()

    def drop(self) -> None:
        """Close the sockets of a loop that is closed."""
        connector: Any = self._session.connector
        for waiting in getattr(connector, "_conns", {}).values():
            for protocol, _ in waiting:
                lose(protocol.transport)
        for protocol in getattr(connector, "_acquired", ()):
            lose(protocol.transport)
        self._session.detach()

    def __del__(self) -> None:
        # A loop that was dropped with its connections, or a forked child: neither is worth a line in the log.
        self._session.detach()


class _Connector(aiohttp.TCPConnector):
    """Connections that are dropped where they are not closed.

    aiohttp would end them properly, and over TLS that writes: in a forked child, into its parent's connections.
    """

    def __del__(self, *_: object) -> None:
        pass


class _Body(AsyncIterator[bytes], httpx.AsyncByteStream):
    """The bytes of a response as they arrive."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self._failure: httpx.RequestError | None = None
        self._closed: asyncio.Future[None] | None = None
        connection = response.connection
        if connection is not None and connection.protocol is not None:
            self._protocol = connection.protocol
            # aiohttp's timer goes on while nobody reads, and what has arrived would be lost to it.
            self._protocol.read_timeout = None
            self._protocol.start_timeout()
            self._closed = self._protocol.closed
            if self._closed is None:
                self._wake_up()
            else:
                self._closed.remove_done_callback(_look)  # that of an earlier answer on this connection
                self._closed.add_done_callback(_look)
                self._closed.add_done_callback(self._wake_up)

    def _wake_up(self, *_: object) -> None:
        """End the waiting when the connection closes: where its bytes make no sense, aiohttp tells no reader."""
        content = self._response.content
        if not content.is_eof() and content.exception() is None:
            error = self._protocol.exception()
            content.set_exception(error or aiohttp.ClientPayloadError("The connection was closed within the body"))

    async def __anext__(self) -> bytes:
        piece = b""
        if self._failure is None:
            content = self._response.content
            try:
                piece = await content.readany()
            except (aiohttp.ClientError, HttpProcessingError, OSError) as error:
                self._failure = _translated(error)
                piece = content._read_nowait(-1)  # what had arrived before the error; the public call raises it
        if piece:
            return piece
        if self._failure is not None:
            raise self._failure
        raise StopAsyncIteration

    async def aclose(self) -> None:
        if self._closed is not None:
            self._closed.remove_done_callback(self._wake_up)
        self._response.close()


def _look(closed: asyncio.Future[None]) -> None:
    """Look at how a connection closed; asyncio logs errors that nobody has looked at."""
    closed.exception()


def _translated(error: Exception) -> httpx.RequestError:
    """The error of httpx that says the same."""
    words = str(error).split("\n")[0].rstrip(": ") or type(error).__name__
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return httpx.ConnectTimeout(words)
    if isinstance(error, TimeoutError | aiohttp.ServerTimeoutError):
        return httpx.ReadTimeout(words)
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ClientConnectorCertificateError):
        return httpx.ConnectError(words)
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return httpx.RemoteProtocolError("Server disconnected without sending a response")
    if isinstance(error, aiohttp.ClientConnectionError | OSError):
        return httpx.ReadError(words)
    if isinstance(error, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError):
        return httpx.UnsupportedProtocol(words)
    if isinstance(error, aiohttp.ClientResponseError | HttpProcessingError):
        words = error.message.split("\n")[0].rstrip(": ")
    return httpx.RemoteProtocolError(words)
