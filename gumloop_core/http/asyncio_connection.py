"""A connection for asynchronous calls, on a transport of asyncio's; its twin is the one on a plain socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

import httpx

from gumloop_core.http import environment, sockets
from gumloop_core.http.http11 import ParsedHead, ResponseParser, request_bytes
from gumloop_core.http.pool import IDLE_SECONDS
from gumloop_core.http.rest_of_body import aread_rest
from gumloop_core.http.transport import Request

_READ_AHEAD = 256 * 1024
"""Bytes that may wait to be taken before the reading pauses."""

_WRITE_BYTES = 1024 * 1024
"""A longer body is handed over in pieces, so that packing it for TLS does not hold up the event loop."""


class AsyncioConnection(asyncio.Protocol):
    """Sends one request at a time to one origin, and connects when it has to."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._parser: ResponseParser | None = None  # of the request that is under way
        self._waiter: asyncio.Future[None] | None = None
        self._wait_ends = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._connecting: asyncio.Timeout | None = None
        self._unread = 0
        self._is_full = False  # what is to be written has to wait
        self._used_at = 0.0
        self._is_ended = False
        self._kind: type[httpx.TimeoutException] = httpx.ReadTimeout  # of the error to raise when the wait ends

    @property
    def is_open(self) -> bool:
        """Whether there is a connection that another request can be sent on."""
        return self._transport is not None and not self._transport.is_closing()

    async def send(self, request: Request, release: Callable[[], Awaitable[None]]) -> AsyncioResponse:
        """Send a request and wait for the head of its response.

        Args:
            request: The request.
            release: Called when the response is closed.
        """
        outgoing = request_bytes(request)
        parser = ResponseParser()
        try:
            if not self.is_open or self._loop.time() > self._used_at + IDLE_SECONDS:
                await self._connect(request)
            self._parser = parser
            await self._write(outgoing, request.timeouts["write"])
            while not parser.has_head and parser.failure is None:
                await self.wait(request.timeouts["read"])
            if not parser.has_head and parser.failure is not None:
                raise parser.failure
            return AsyncioResponse(self, parser, request.timeouts["read"], release)
        except BaseException:
            self.close()
            parser.detach()
            raise

    def take(self, parser: ResponseParser) -> bytes:
        """What has come."""
        if self._unread > _READ_AHEAD and self._transport is not None:
            self._transport.resume_reading()
        self._unread = 0
        return parser.take()

    def settle(self, parser: ResponseParser) -> None:
        """End a request: the connection is kept if nothing is left of it."""
        self._parser = None
        if parser.keeps_connection and parser.is_complete and not self._is_ended and self._unread <= _READ_AHEAD:
            self._used_at = self._loop.time()
            self._unread = 0
        else:
            self.close()
        parser.detach()

    async def end(self) -> None:
        """End the request, whose task may be waiting."""
        self._is_ended = True
        if self._connecting is not None:
            self._connecting.reschedule(self._loop.time())
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection; its socket is closed when the event loop comes to it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._loop.is_closed():
            self.drop()
        elif self._transport is not None:
            self._transport.abort()

    def drop(self) -> None:
        """Close the socket of a loop that is closed."""
        sockets.lose(self._transport)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """There is a connection."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        parser = self._parser
        if parser is None:
            self.close()  # nobody asked for them
            return
        parser.feed(data)
        self._unread += len(data)
        if self._unread > _READ_AHEAD and self._transport is not None:
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        """No more will come."""
        if self._parser is not None:
            self._parser.finish()
            self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        """There is no connection any more."""
        self._transport = None
        self._is_full = False
        parser = self._parser
        if parser is not None and not parser.is_complete:
            if error is not None and parser.failure is None:
                parser.failure = httpx.ReadError(str(error))
            parser.finish()
        self._wake()

    def pause_writing(self) -> None:
        """What is written does not get through."""
        self._is_full = True

    def resume_writing(self) -> None:
        """It gets through again."""
        self._is_full = False
        self._wake()

    async def _connect(self, request: Request) -> None:
        self.close()
        url = request.url
        is_tls = url.scheme == "https"
        host = url.raw_host.decode("ascii")
        context = environment.tls_context() if is_tls else None
        try:
            async with asyncio.timeout(request.timeouts["connect"]) as self._connecting:
                await self._loop.create_connection(
                    lambda: self, host, url.port or (443 if is_tls else 80), ssl=context, **_options(self._loop)
                )
        except TimeoutError:
            if self._is_ended:
                raise ConnectionAbortedError from None
            raise httpx.ConnectTimeout("") from None
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error
        finally:
            self._connecting = None

    async def _write(self, outgoing: bytes, seconds: float | None) -> None:
        for start in range(0, len(outgoing), _WRITE_BYTES):
            if self._transport is None:
                return  # what was answered before is still to be read
            self._transport.write(outgoing[start : start + _WRITE_BYTES])
            while self._is_full:
                await self.wait(seconds, httpx.WriteTimeout)

    async def wait(self, seconds: float | None, kind: type[httpx.TimeoutException] = httpx.ReadTimeout) -> None:
        """Wait until something happens, and raise an error of this kind if nothing does.

        A timer is set only where none is, and looks when it goes off how long there is still to wait: setting one for
        each piece of a stream would cost as much as reading it.
        """
        loop = self._loop
        waiter = self._waiter = loop.create_future()
        if seconds is not None:
            self._wait_ends = loop.time() + seconds
            if self._timer is None or self._timer.when() > self._wait_ends:
                self._set_timer()
        else:
            self._wait_ends = float("inf")
        self._kind = kind
        try:
            await waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._wait_ends, self._look_at_clock)

    def _look_at_clock(self) -> None:
        self._timer = None
        waiter = self._waiter
        if waiter is None or waiter.done() or self._wait_ends == float("inf"):
            return
        if self._loop.time() >= self._wait_ends:
            waiter.set_exception(self._kind(""))
        else:
            self._set_timer()


def _options(loop: asyncio.AbstractEventLoop) -> Any:
    """What makes a connection where one of a host's addresses does not answer; uvloop has no such argument."""
    return {"happy_eyeballs_delay": 0.25} if isinstance(loop, asyncio.BaseEventLoop) else {}


class AsyncioResponse(ParsedHead):
    """A response to an asynchronous request; see :class:`gumloop_core.http.transport.AsyncResponse`."""

    def __init__(
        self,
        connection: AsyncioConnection,
        parser: ResponseParser,
        read_timeout: float | None,
        release: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(parser)
        self._connection = connection
        self._read_timeout = read_timeout
        self._release = release

    def limit_reads(self, seconds: float | None) -> None:
        """Settle how long each piece may be waited for."""
        self._read_timeout = seconds

    def pieces(self) -> AsyncIterator[bytes]:
        """The bytes of the body as they come."""
        return self

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        parser = self._parser
        while not parser.pieces:
            if parser.failure is not None:
                raise parser.failure
            if parser.is_complete:
                self.is_read = True
                raise StopAsyncIteration
            await self._connection.wait(self._read_timeout)
        return self._connection.take(parser)

    async def read_rest(self, pieces: AsyncIterator[bytes]) -> None:
        """Read the body briefly to its end."""
        if not self._parser.is_complete:
            await aread_rest(pieces)

    async def aclose(self) -> None:
        """Say that the reading is over; after that the connection can serve another request."""
        self._connection.settle(self._parser)
        await self._release()
