"""HTTP/1.1 without I/O: a request's bytes, and a response from its own as they come.

httptools takes a response apart, in C. A head that it refuses is given to h11, the parser of httpx, which knows more of
what servers send: a header folded over two lines, a length that is told twice. So both roads read the same.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Generic, TypeVar

import httpx
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from gumloop_core.http.transport import Request

LONGEST_HEAD = 100 * 1024
"""Bytes of a response's head that are read at most, as many as httpx reads."""

AnyConnection = TypeVar("AnyConnection")
AnyRelease = TypeVar("AnyRelease")


def request_bytes(request: Request) -> bytes:
    """A request as it goes out: its head, and its body behind it.

    Raises:
        LocalProtocolError: If a header cannot be sent.
    """
    url, content = request.url, request.content
    lines = [f"{request.method} {url.raw_path.decode('ascii')} HTTP/1.1", f"Host: {url.netloc.decode('ascii')}"]
    lines += [f"{name}: {value}" for name, value in request.headers]
    if content is not None:
        lines.append(f"Content-Length: {len(content)}")
    head = "\r\n".join(lines)
    if not head.isascii() or head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1:
        raise httpx.LocalProtocolError("Illegal header value")
    return b"%s\r\n\r\n%s" % (head.encode("ascii"), content or b"")


def address_of(url: httpx.URL) -> tuple[str, int, bool]:
    """A server's host and port, and whether it speaks TLS."""
    is_tls = url.scheme == "https"
    return url.raw_host.decode("ascii"), url.port or (443 if is_tls else 80), is_tls


class ResponseParser:
    """One response, read from its bytes as they come. httptools calls the methods whose names begin with ``on``.

    Attributes:
        raw_headers: The head's headers.
        has_head: Whether the head is there.
        pieces: Those of the body that were not taken yet.
        is_complete: Whether the body is there to its end.
        keeps_connection: Whether its connection can be used again.
        failure: What is wrong with the bytes, or with their end. What came before is good.
    """

    def __init__(self) -> None:
        self.status_code = 0
        self.raw_headers: list[tuple[bytes, bytes]] = []
        self.content_encoding: str | None = None
        self.has_head = self.is_complete = self.keeps_connection = self._ends_with_connection = False
        self.failure: Exception | None = None
        self.pieces: list[bytes] = []
        self.on_body = self.pieces.append
        self._head = b""  # what has come of it
        self._parser: Any = HttpResponseParser(self)
        self._parser.set_dangerous_leniencies(lenient_spaces_after_chunk_size=True)  # h11 lets them pass too

    def feed(self, data: bytes) -> None:
        """Read the next bytes."""
        if not self.has_head:
            self._head += data
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            raised = error.__context__  # in a method that httptools called, which may have been interrupted
            if raised is not None and not isinstance(raised, Exception):
                raise raised from None
            if self.is_complete:
                self.keeps_connection = False  # it brings what nobody asked for
            elif self.has_head:
                self.failure = httpx.RemoteProtocolError(str(error))
            else:
                self.raw_headers.clear()
                self._parser = _H11Parser(self)
                self._parser.feed_data(self._head)
        if len(self._head) > LONGEST_HEAD and self.failure is None:
            self.failure = httpx.RemoteProtocolError("Receive buffer too long")

    def finish(self) -> None:
        """Say that no more bytes will come."""
        self.keeps_connection = False
        if self._ends_with_connection:
            self.is_complete = True
        elif not self.is_complete and self.failure is None:
            missing = "sending complete message body" if self.has_head else "answering"
            self.failure = httpx.RemoteProtocolError(f"the connection was closed without {missing}")

    def take(self) -> bytes:
        """The bytes of the body that have come since the last time."""
        piece = self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)
        self.pieces.clear()
        return piece

    def detach(self) -> None:
        """Let go of what holds on to this in turn."""
        self._parser = None

    def on_message_begin(self) -> None:  # noqa: D102
        if self.is_complete:
            raise ValueError("a response that nobody asked for")

    def on_header(self, name: bytes, value: bytes) -> None:  # noqa: D102
        if not self.has_head:  # or it is one behind the body
            self.raw_headers.append((name, value.strip(b" \t")))

    def on_headers_complete(self) -> None:  # noqa: D102
        status = self._parser.get_status_code()
        if status < 200:  # it announces another head
            self.raw_headers.clear()
        else:
            self.begin_body(status)

    def on_message_complete(self) -> None:  # noqa: D102
        if self.has_head:
            self.is_complete = True
            self.keeps_connection = self._parser.should_keep_alive()

    def begin_body(self, status: int) -> None:
        """Note what the head says."""
        told = {name.lower(): value for name, value in self.raw_headers}
        coding = told.get(b"transfer-encoding")
        if coding is not None and coding.lower() != b"chunked":
            raise ValueError("only chunks can be read")
        if b"content-encoding" in told:
            named = [value for name, value in self.raw_headers if name.lower() == b"content-encoding"]
            self.content_encoding = b", ".join(named).decode("latin-1")
        self._ends_with_connection = coding is None and b"content-length" not in told
        self.status_code, self.has_head, self._head = status, True, b""


class _H11Parser:
    """Reads with h11 what httptools does not."""

    def __init__(self, response: ResponseParser) -> None:
        import h11  # hardly ever

        self._h11, self._response = h11, response
        self._connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=LONGEST_HEAD)
        self._connection.send(h11.Request(method="POST", target="/", headers=[("Host", "-")]))
        self._connection.send(h11.EndOfMessage())

    def feed_data(self, data: bytes) -> None:
        h11, response = self._h11, self._response
        try:
            self._connection.receive_data(data)
            while not response.is_complete:
                event = self._connection.next_event()
                if event is h11.NEED_DATA or event is h11.PAUSED:
                    return
                if isinstance(event, h11.Response):
                    response.raw_headers.extend(event.headers.raw_items())
                    response.begin_body(event.status_code)
                elif isinstance(event, h11.Data):
                    response.on_body(bytes(event.data))
                elif isinstance(event, h11.EndOfMessage):
                    response.is_complete = True
        except h11.RemoteProtocolError as error:
            response.failure = httpx.RemoteProtocolError(str(error))


class ParsedResponse(Generic[AnyConnection, AnyRelease]):
    """A response of a connection, but for the reading; see :class:`gumloop_core.http.transport.Head`.

    Args:
        connection: What reads.
        parser: The response, with its head.
        read_timeout: Seconds that each piece may be waited for.
        release: Called when it is closed.
    """

    is_unpacked = is_read = False

    def __init__(
        self, connection: AnyConnection, parser: ResponseParser, read_timeout: float | None, release: AnyRelease
    ) -> None:
        self.status_code = parser.status_code
        self.is_success = 200 <= parser.status_code < 300
        self.content_encoding = parser.content_encoding
        self._connection, self._parser, self._read_timeout, self._release = connection, parser, read_timeout, release

    @cached_property
    def headers(self) -> httpx.Headers:
        """The headers, which hardly any call asks for."""
        return httpx.Headers(self._parser.raw_headers)

    def limit_reads(self, seconds: float | None) -> None:
        """Settle how long each piece may be waited for."""
        self._read_timeout = seconds
