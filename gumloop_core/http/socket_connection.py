"""A connection for synchronous calls, on a plain socket."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import httpx

from gumloop_core.http import environment
from gumloop_core.http.http11 import ParsedHead, ResponseParser, request_bytes
from gumloop_core.http.pool import IDLE_SECONDS
from gumloop_core.http.rest_of_body import LONGEST_BYTES, LONGEST_SECONDS
from gumloop_core.http.sockets import is_readable, shut_down_socket
from gumloop_core.http.transport import Request

_READ_BYTES = 64 * 1024


class SocketConnection:
    """Sends one request at a time to one origin, and connects when it has to."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._used_at = 0.0
        self._is_ended = False

    @property
    def is_open(self) -> bool:
        """Whether there is a connection that another request can be sent on."""
        return self._socket is not None

    def send(self, request: Request, release: Callable[[], None]) -> SocketResponse:
        """Send a request and wait for the head of its response.

        Args:
            request: The request.
            release: Called when the response is closed.
        """
        outgoing = request_bytes(request)
        parser = ResponseParser()
        try:
            if self._socket is None or time.monotonic() > self._used_at + IDLE_SECONDS or is_readable(self._socket):
                self._connect(request)
            self._write(outgoing, request.timeouts["write"])
            while not parser.has_head and parser.failure is None:
                self.read(parser, request.timeouts["read"])
            if not parser.has_head and parser.failure is not None:
                raise parser.failure
            return SocketResponse(self, parser, request.timeouts["read"], release)
        except BaseException:
            self.close()
            parser.detach()
            raise

    def read(self, parser: ResponseParser, seconds: float | None) -> None:
        """Read what comes next, and wait for it."""
        try:
            assert self._socket is not None
            self._socket.settimeout(seconds)
            data = self._socket.recv(_READ_BYTES)
        except TimeoutError as error:
            raise httpx.ReadTimeout(str(error)) from error
        except OSError as error:
            raise httpx.ReadError(str(error)) from error
        if data:
            parser.feed(data)
        else:
            parser.finish()

    def settle(self, parser: ResponseParser) -> None:
        """End a request: the connection is kept if nothing is left of it."""
        if parser.keeps_connection and parser.is_complete and not self._is_ended:
            self._used_at = time.monotonic()
        else:
            self.close()
        parser.detach()

    def end(self) -> None:
        """End the request, whose thread may be waiting."""
        self._is_ended = True
        shut_down_socket(self._socket)

    def close(self) -> None:
        """Close the connection."""
        closed, self._socket = self._socket, None
        if closed is not None:
            with suppress(OSError):
                closed.close()

    def _connect(self, request: Request) -> None:
        self.close()
        url = request.url
        is_tls = url.scheme == "https"
        host = url.raw_host.decode("ascii")
        try:
            self._socket = connected = socket.create_connection(
                (host, url.port or (443 if is_tls else 80)), request.timeouts["connect"]
            )
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if is_tls:
                context = environment.tls_context()
                self._socket = secured = context.wrap_socket(
                    connected, server_hostname=host, do_handshake_on_connect=False
                )
                self._raise_if_ended()
                secured.do_handshake()
        except TimeoutError as error:
            raise httpx.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error
        self._raise_if_ended()

    def _raise_if_ended(self) -> None:
        if self._is_ended:
            raise ConnectionAbortedError

    def _write(self, outgoing: bytes, seconds: float | None) -> None:
        assert self._socket is not None
        self._socket.settimeout(seconds)
        rest = memoryview(outgoing)
        try:
            while rest:
                rest = rest[self._socket.send(rest) :]
        except TimeoutError as error:
            raise httpx.WriteTimeout(str(error)) from error
        except OSError:
            pass  # what was answered before is still to be read; if nothing was, the reading fails too


class SocketResponse(ParsedHead):
    """A response to a synchronous request; see :class:`gumloop_core.http.transport.Response`."""

    def __init__(
        self,
        connection: SocketConnection,
        parser: ResponseParser,
        read_timeout: float | None,
        release: Callable[[], None],
    ) -> None:
        super().__init__(parser)
        self._connection = connection
        self._read_timeout = read_timeout
        self._release = release

    def limit_reads(self, seconds: float | None) -> None:
        """Settle how long each piece may be waited for."""
        self._read_timeout = seconds

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
        deadline = time.monotonic() + LONGEST_SECONDS
        length = 0
        with suppress(Exception):
            self._read_timeout = LONGEST_SECONDS
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
