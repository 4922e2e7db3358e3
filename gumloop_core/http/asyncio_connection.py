"""A connection for asynchronous calls, on a transport of asyncio; its twin is the one on a plain socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from math import inf
from typing import Any

import httpx

from gumloop_core.http import environment, sockets
from gumloop_core.http.http11 import ParsedResponse, ResponseParser, address_of, request_bytes
from gumloop_core.http.pool import IDLE_SECONDS
from gumloop_core.http.rest_of_body import aread_rest
from gumloop_core.http.transport import Request

_READ_AHEAD = 256 * 1024  # bytes that may wait to be taken before the reading pauses
_WRITE_BYTES = 1024 * 1024  # a longer body is handed over in pieces: packing it for TLS would hold up the event loop


class AsyncioConnection(asyncio.Protocol):
    """Connects where it has to; see :class:`gumloop_core.http.async_pool.AsyncConnection`."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: Any = None
        self._connecting: asyncio.Timeout | None = None
        self._parser: ResponseParser | None = None  # of the request that is under way
        self._unread = 0
        self._is_full = False  # what is to be written has to wait
        self._waiter: asyncio.Future[None] | None = None
        self._wait_ends = inf
        self._timeout_kind: type[httpx.TimeoutException] = httpx.ReadTimeout
        self._timer: asyncio.TimerHandle | None = None
        self._used_at = 0.0
        self._is_ended = False

    @property
    def is_open(self) -> bool:
        """Whether another request can be sent."""
        return self._transport is not None and not self._transport.is_closing() and not self._is_ended

    async def send(self, request: Request, release: Callable[[], Awaitable[None]]) -> AsyncioResponse:
        """Send a request and wait for the head of its response."""
        outgoing, parser, timeouts = request_bytes(request), ResponseParser(), request.timeouts
        try:
            if not self.is_open or self._loop.time() > self._used_at + IDLE_SECONDS:
                await self._connect(request.url, timeouts["connect"])
            self._parser = parser
            await self._write(outgoing, timeouts["write"])
            while not parser.has_head:
                if parser.failure is not None:
                    raise parser.failure
                await self.wait(timeouts["read"])
            return AsyncioResponse(self, parser, timeouts["read"], release)
        except BaseException:
            self.close()
            parser.detach()
            raise

    async def wait(self, seconds: float | None, kind: type[httpx.TimeoutException] = httpx.ReadTimeout) -> None:
        """Wait until something happens, and raise an error of this kind if nothing does.

        A timer is set where none goes off soon enough, and looks then how long there is still to wait. To set one for
        each piece of a stream takes a third of what the connection takes.
        """
        self._timeout_kind = kind
        self._wait_ends = inf if seconds is None else self._loop.time() + seconds
        if self._wait_ends < (inf if self._timer is None else self._timer.when()):
            self._set_timer()
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def take(self, parser: ResponseParser) -> bytes:
        """What has come."""
        if self._unread > _READ_AHEAD and self._transport is not None:
            self._transport.resume_reading()
        self._unread = 0
        return parser.take()

    def settle(self, parser: ResponseParser) -> None:
        """End a request: the connection is kept if nothing is left of it."""
        if self._parser is not parser:
            return
        self._parser = None
        self._used_at = self._loop.time()
        if not parser.keeps_connection or self._is_ended or self._unread > _READ_AHEAD:
            self.close()
        self._unread = 0
        self._cancel_timer()
        parser.detach()

    async def end(self) -> None:
        """End the request, whose task may be waiting."""
        self._is_ended = True
        if self._connecting is not None:
            self._connecting.reschedule(self._loop.time())
        self.close()

    async def aclose(self) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection; its socket follows when the event loop comes to it."""
        self._cancel_timer()
        if self._loop.is_closed():
            self.drop()
        elif self._transport is not None:
            self._transport.abort()

    def drop(self) -> None:
        """Close the socket of a loop that is closed."""
        sockets.lose(self._transport)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # noqa: D102
        self._transport = transport

    def data_received(self, data: bytes) -> None:  # noqa: D102
        if self._parser is None:
            self.close()  # nobody asked for them
            return
        self._parser.feed(data)
        self._unread += len(data)
        if self._unread > _READ_AHEAD:
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:  # noqa: D102
        if self._parser is not None:
            self._parser.finish()
        self._wake()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: D102
        self._transport, self._is_full = None, False
        parser = self._parser
        if parser is not None:
            if error is not None and not parser.is_complete and parser.failure is None:
                parser.failure = httpx.ReadError(str(error))
            parser.finish()
        self._wake()

    def pause_writing(self) -> None:  # noqa: D102
        self._is_full = True

    def resume_writing(self) -> None:  # noqa: D102
        self._is_full = False
        self._wake()

    async def _connect(self, url: httpx.URL, seconds: float | None) -> None:
        self.close()
        host, port, is_tls = address_of(url)
        context = environment.tls_context() if is_tls else None
        # Where one of a host's addresses does not answer. It takes twice the time; uvloop has no such argument.
        is_race = not environment.is_address(host) and isinstance(self._loop, asyncio.BaseEventLoop)
        options: Any = {"happy_eyeballs_delay": 0.25} if is_race else {}
        try:
            async with asyncio.timeout(seconds) as self._connecting:
                await self._loop.create_connection(lambda: self, host, port, ssl=context, **options)
        except OSError as error:
            if self._is_ended or not isinstance(error, TimeoutError):
                raise httpx.ConnectError(str(error)) from error
            raise httpx.ConnectTimeout(str(error)) from error
        finally:
            self._connecting = None

    async def _write(self, outgoing: bytes, seconds: float | None) -> None:
        for start in range(0, len(outgoing), _WRITE_BYTES):
            if self._transport is None:
                return  # what was answered before is still to be read
            self._transport.write(outgoing[start : start + _WRITE_BYTES])
            while self._is_full:
                await self.wait(seconds, httpx.WriteTimeout)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _set_timer(self) -> None:
        self._cancel_timer()
        self._timer = self._loop.call_at(self._wait_ends, self._look_at_clock)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_at_clock(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done() or self._wait_ends == inf:
            return
        if self._loop.time() < self._wait_ends:
            self._set_timer()
        else:
            self._waiter.set_exception(self._timeout_kind(""))


class AsyncioResponse(ParsedResponse[AsyncioConnection, Callable[[], Awaitable[None]]]):
    """See :class:`gumloop_core.http.transport.AsyncResponse`."""

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
