"""A connection for synchronous calls, on a plain socket."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import httpx

from gumloop_core.http import environment, sockets
from gumloop_core.http.http11 import ParsedResponse, ResponseParser, address_of, request_bytes
from gumloop_core.http.pool import IDLE_SECONDS
from gumloop_core.http.rest_of_body import LONGEST_BYTES, LONGEST_SECONDS
from gumloop_core.http.transport import Request

_READ_BYTES = 64 * 1024


class SocketConnection:
    """Connects where it has to; see :class:`gumloop_core.http.sync_pool.SyncConnection`."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._used_at = 0.0
        self._is_ended = False

    @property
    def is_open(self) -> bool:
        """Whether another request can be sent."""
        return self._socket is not None and not self._is_ended

    def send(self, request: Request, release: Callable[[], None]) -> SocketResponse:
        """Send a request and wait for the head of its response."""
        outgoing, parser, timeouts = request_bytes(request), ResponseParser(), request.timeouts
        try:
            kept = self._socket
            if kept is None or time.monotonic() > self._used_at + IDLE_SECONDS or sockets.is_readable(kept):
                self._connect(request.url, timeouts["connect"])
            self._write(outgoing, timeouts["write"])
            while not parser.has_head:
                if parser.failure is not None:
                    raise parser.failure
                self.read(parser, timeouts["read"])
            return SocketResponse(self, parser, timeouts["read"], release)
        except BaseException:
            self.close()
            parser.detach()
            raise

    def read(self, parser: ResponseParser, seconds: float | None) -> None:
        """Read what comes next, and wait for it."""
        assert self._socket is not None
        try:
            _set_timeout(self._socket, seconds)
            data = self._socket.recv(_READ_BYTES)
        except OSError as error:
            kind = httpx.ReadTimeout if isinstance(error, TimeoutError) else httpx.ReadError
            raise kind(str(error)) from error
        if data:
            parser.feed(data)
        else:
            parser.finish()

    def settle(self, parser: ResponseParser) -> None:
        """End a request: the connection is kept if nothing is left of it."""
        self._used_at = time.monotonic()
        if not parser.keeps_connection or self._is_ended:
            self.close()
        parser.detach()

    def end(self) -> None:
        """End the request, whose thread may be waiting."""
        self._is_ended = True
        sockets.shut_down_socket(self._socket)

    def close(self) -> None:
        """Close the connection."""
        closed, self._socket = self._socket, None
        if closed is not None:
            with suppress(OSError):
                closed.close()

    def _connect(self, url: httpx.URL, seconds: float | None) -> None:
        self.close()
        host, port, is_tls = address_of(url)
        try:
            made = self._socket = socket.create_connection((host, port), seconds)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if is_tls:
                context = environment.tls_context()
                made = self._socket = context.wrap_socket(made, server_hostname=host, do_handshake_on_connect=False)
            if self._is_ended:  # before there was a socket to shut down
                raise ConnectionAbortedError
            if isinstance(made, ssl.SSLSocket):
                made.do_handshake()
        except OSError as error:
            kind = httpx.ConnectTimeout if isinstance(error, TimeoutError) else httpx.ConnectError
            raise kind(str(error)) from error

    def _write(self, outgoing: bytes, seconds: float | None) -> None:
        assert self._socket is not None
        _set_timeout(self._socket, seconds)
        rest = memoryview(outgoing)
        try:
            while rest:
                rest = rest[self._socket.send(rest) :]
        except TimeoutError as error:
            raise httpx.WriteTimeout(str(error)) from error
        except OSError:
            pass  # what was answered before is still to be read; if nothing was, the reading fails too


class SocketResponse(ParsedResponse[SocketConnection, Callable[[], None]]):
    """See :class:`gumloop_core.http.transport.Response`."""

    def pieces(self) -> Iterator[bytes]:
        """The bytes of the body as they come."""
        parser = self._parser
        while True:
            if parser.pieces:
                yield parser.take()
            elif parser.failure is not None:
                raise parser.failure
            elif parser.is_complete:
                self.is_read = True
                return
            else:
                self._connection.read(parser, self._read_timeout)

    def read_rest(self, pieces: Iterator[bytes]) -> None:
        """Read the body briefly to its end."""
        deadline, length = time.monotonic() + LONGEST_SECONDS, 0
        self._read_timeout = LONGEST_SECONDS
        with suppress(Exception):
            for piece in pieces:
                length += len(piece)
                if length > LONGEST_BYTES:
                    break
                self._read_timeout = max(0.001, deadline - time.monotonic())

    def close(self) -> None:
        """Say that the reading is over; after that the connection can serve another request."""
        try:
            self._connection.settle(self._parser)
        finally:
            self._release()


def _set_timeout(waiting: socket.socket, seconds: float | None) -> None:
    if seconds != waiting.gettimeout():  # to set it is a system call, in which another thread may go on
        waiting.settimeout(seconds)
