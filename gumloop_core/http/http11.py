"""HTTP/1.1 as bytes: those of a request, and a response's as they come. No I/O.

httptools takes a response apart, in C. A head that it refuses is given to h11, the parser of httpx, which knows more of
what servers send: a header folded over two lines, a length that is told twice. So both roads read the same.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import httpx
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from gumloop_core.http.transport import Request

LONGEST_HEAD = 100 * 1024
"""Bytes of a response's head that are read at most, as many as httpx reads."""


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


class ResponseParser:
    """One response, read from its bytes as they come.

    Attributes:
        status_code: The status; 0 until the head is there.
        raw_headers: The head's headers.
        content_encoding: What the body is packed with, ``None`` if the head names nothing.
        has_head: Whether the head is there.
        is_complete: Whether the body is there to its end.
        failure: What is wrong with the bytes, or with their end. What came before is good.
        pieces: Of the body, those that were not taken yet.
    """

    __slots__ = (
        "_ends_with_connection",
        "_head",
        "_parser",
        "content_encoding",
        "failure",
        "has_head",
        "is_complete",
        "keeps_connection",
        "on_body",
        "pieces",
        "raw_headers",
        "status_code",
    )

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
        if self.has_head:
            self._feed(data)
            return
        self._head += data
        self._feed(data)
        if self.has_head:
            self._head = b""
        elif len(self._head) > LONGEST_HEAD and self.failure is None:
            self.failure = httpx.RemoteProtocolError("the head of the response is too long")

    def finish(self) -> None:
        """Say that no more bytes will come."""
        self.keeps_connection = False
        if self._ends_with_connection:
            self.is_complete = True
        elif not self.is_complete and self.failure is None:
            self.failure = httpx.RemoteProtocolError(
                "peer closed connection without sending complete message body"
                if self.has_head
                else "Server disconnected without sending a response."
            )

    def take(self) -> bytes:
        """The bytes of the body that have come since the last time."""
        pieces = self.pieces
        piece = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        return piece

    def detach(self) -> None:
        """Let go of what holds on to this in turn."""
        self._parser = None

    def on_message_begin(self) -> None:
        """Another response begins; httptools calls this, and what follows."""
        if self.is_complete:
            raise ValueError("nothing was asked for")

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer behind the body."""
        if not self.has_head:
            self.raw_headers.append((name, value.strip(b" \t")))

    def on_headers_complete(self) -> None:
        """The head is there."""
        status = self._parser.get_status_code()
        if status < 200:  # announces another head
            self.raw_headers.clear()
        else:
            self.begin_body(status)

    def on_message_complete(self) -> None:
        """The body is there."""
        if self.has_head:
            self.is_complete = True
            self.keeps_connection = self._parser.should_keep_alive()

    def begin_body(self, status: int) -> None:
        """Note what the head says of the body."""
        has_length = False
        encodings = []
        for name, value in self.raw_headers:
            lowered = name.lower()
            if lowered == b"content-length":
                has_length = True
            elif lowered == b"transfer-encoding":
                if value.lower() != b"chunked":
                    raise ValueError("only chunks can be read")
                has_length = True
            elif lowered == b"content-encoding":
                encodings.append(value.decode("latin-1"))
        if encodings:
            self.content_encoding = ", ".join(encodings)
        self._ends_with_connection = not has_length
        self.status_code = status
        self.has_head = True

    def _feed(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            if self.is_complete:
                self.keeps_connection = False  # it brings what nobody asked for
            elif self.has_head:
                self.failure = httpx.RemoteProtocolError(str(error))
            else:
                self.raw_headers.clear()
                self._parser = _H11Parser(self)
                self._feed(self._head)


class ParsedHead:
    """The head of a response that a parser reads; see :class:`gumloop_core.http.transport.Head`."""

    is_unpacked = False
    is_read = False

    def __init__(self, parser: ResponseParser) -> None:
        self._parser = parser
        self.status_code = parser.status_code
        self.is_success = 200 <= parser.status_code < 300
        self.content_encoding = parser.content_encoding

    @cached_property
    def headers(self) -> httpx.Headers:
        """The headers, which hardly any call asks for."""
        return httpx.Headers(self._parser.raw_headers)


class _H11Parser:
    """Reads with h11 what httptools does not. The connection is not used again."""

    def __init__(self, response: ResponseParser) -> None:
        import h11  # hardly ever

        self._h11 = h11
        self._response = response
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
