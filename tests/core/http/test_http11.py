"""Responses from their bytes: every cut gives the same, and what is read is what httpx's parser reads."""

from __future__ import annotations

import h11
import httpx
import pytest

from gumloop_core.http.http11 import LONGEST_HEAD, ResponseParser, request_bytes
from gumloop_core.http.transport import Request

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"

GOOD = {
    "a length": OK + b"Content-Length: 2\r\n\r\nok",
    "no body": b"HTTP/1.1 204 No Content\r\n\r\n",
    "not modified": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
    "chunks": CHUNKED + b"1\r\no\r\n1\r\nk\r\n0\r\n\r\n",
    "chunks with extensions and trailers": CHUNKED + b"2;a=b\r\nok\r\n0\r\nX-Trailer: x\r\n\r\n",
    "spaces behind a chunk's size": CHUNKED + b"2  \r\nok\r\n0\r\n\r\n",
    "chunks in capitals": OK + b"TRANSFER-ENCODING: CHUNKED\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "other heads before": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"
    + OK
    + b"Content-Length: 2\r\n\r\nok",
    "empty headers": OK + b"A:\r\nB: \r\nContent-Length: 2\r\n\r\nok",
    "white space around values": OK + b"A: \t b \t\r\nContent-Length: 2\r\n\r\nok",
    "no reason": b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok",
    "letters that are not ASCII": OK + b"A: na\xefve\r\nContent-Length: 2\r\n\r\nok",
    "an old version": b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "several encodings": OK + b"Content-Encoding: deflate\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok",
    # What httptools refuses and h11 takes:
    "a length told twice": OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok",
    "a length told twice in one": OK + b"Content-Length: 2, 2\r\n\r\nok",
    "a header over two lines": OK + b"A: b\r\n  c\r\nContent-Length: 2\r\n\r\nok",
    "a control character": OK + b"A: a\x01b\r\nContent-Length: 2\r\n\r\nok",
    "bare line feeds": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "a length and chunks": OK + b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
}
UNTIL_THE_END = {"no length": OK + b"\r\nok", "no length over two lines": OK + b"A: b\r\n c\r\n\r\nok"}
BAD = {
    "no HTTP": b"\x00\x01garbage\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "a length that is none": OK + b"Content-Length: 2x\r\n\r\nok",
    "lengths that differ": OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    "a header without a name": OK + b": x\r\n\r\n",
    "a name with a space": OK + b"A b: c\r\n\r\n",
    "another transfer encoding": OK + b"Transfer-Encoding: gzip\r\n\r\nok",
    "a chunk longer than it says": CHUNKED + b"2\r\nokXX\r\n0\r\n\r\n",
    "a chunk's size that is none": CHUNKED + b"x\r\nok\r\n",
    "a chunk's size without bounds": CHUNKED + b"f" * 30 + b"\r\nok",
    "another protocol from here on": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nok",
}


def parsed(content: bytes, size: int, *, end: bool = False) -> tuple[ResponseParser, bytes]:
    """A response fed in cuts of a size, and its body."""
    parser = ResponseParser()
    for start in range(0, len(content), size):
        if parser.failure is None:
            parser.feed(content[start : start + size])
    if end:
        parser.finish()
    return parser, parser.take()


def read_by_h11(content: bytes, *, end: bool = False) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """What httpx's parser reads."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="POST", target="/", headers=[("Host", "a")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(content)
    if end:
        connection.receive_data(b"")
    status, headers, body = 0, [], b""
    while not isinstance(event := connection.next_event(), h11.EndOfMessage):
        if event is h11.NEED_DATA or event is h11.PAUSED:
            raise AssertionError("too short")
        if isinstance(event, h11.Response):
            status, headers = event.status_code, event.headers.raw_items()
        elif isinstance(event, h11.Data):
            body += event.data
    return status, lowered(headers), body


def lowered(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Headers in small letters: h11 writes what it knows so."""
    return [(name.lower(), value.lower()) for name, value in headers]


@pytest.mark.parametrize("size", [1, 2, 7, 10_000])
@pytest.mark.parametrize("name", [*GOOD, *UNTIL_THE_END])
def test_what_httpx_reads_is_read(name: str, size: int) -> None:
    is_open = name in UNTIL_THE_END
    content = UNTIL_THE_END[name] if is_open else GOOD[name]
    parser, body = parsed(content, size, end=is_open)
    assert (parser.failure, parser.is_complete, parser.has_head) == (None, True, True)
    assert (parser.status_code, lowered(parser.raw_headers), body) == read_by_h11(content, end=is_open)


@pytest.mark.parametrize("size", [1, 2, 7, 10_000])
@pytest.mark.parametrize("name", BAD)
def test_what_httpx_refuses_is_refused(name: str, size: int) -> None:
    with pytest.raises(h11.RemoteProtocolError):
        read_by_h11(BAD[name], end=True)
    parser, body = parsed(BAD[name], size, end=True)
    assert isinstance(parser.failure, httpx.RemoteProtocolError)
    assert body in (b"", b"ok")
    assert not parser.keeps_connection


@pytest.mark.parametrize("name", ["a length", "chunks", "no body"])
def test_the_connection_can_be_used_again(name: str) -> None:
    assert parsed(GOOD[name], 10_000)[0].keeps_connection


@pytest.mark.parametrize(
    "content",
    [
        GOOD["an old version"],
        OK + b"Connection: close\r\nContent-Length: 2\r\n\r\nok",
        OK + b"Connection: close\r\nContent-Length: 2\r\n\r\nok and more",
        GOOD["a length"] + OK + b"Content-Length: 4\r\n\r\nmore",
        GOOD["a length"] + b"more",
        UNTIL_THE_END["no length"],
    ],
)
def test_the_connection_cannot_be_used_again(content: bytes) -> None:
    parser, body = parsed(content, 10_000, end=b"Length" not in content)
    assert (parser.is_complete, parser.failure, body) == (True, None, b"ok")
    assert not parser.keeps_connection


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 2", OK + b"A: b", GOOD["chunks"][:-8], GOOD["a length"][:-1]])
def test_an_end_that_comes_too_soon(start: bytes) -> None:
    parser, _ = parsed(start, 10_000, end=True)
    assert not parser.is_complete
    says = "without sending complete message body" if parser.has_head else "without answering"
    with pytest.raises(httpx.RemoteProtocolError, match=says):
        raise parser.failure or AssertionError


@pytest.mark.parametrize("method", ["on_message_begin", "on_header", "on_headers_complete", "on_message_complete"])
def test_an_interrupt_is_no_error_of_the_server(method: str) -> None:
    """httptools catches it where it comes within what httptools calls."""

    class Interrupted(ResponseParser):
        def __init__(self) -> None:
            setattr(self, method, self.interrupt)
            super().__init__()

        def interrupt(self, *_: object) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Interrupted().feed(GOOD["a length"])


@pytest.mark.parametrize("start", [OK, OK + b"A: b\r\n c\r\n"], ids=["httptools", "h11"])
def test_a_head_without_end(start: bytes) -> None:
    parser, _ = parsed(start + b"X-Filler: x\r\n" * (LONGEST_HEAD // 10), 1000)
    assert isinstance(parser.failure, httpx.RemoteProtocolError)


def test_a_request() -> None:
    url = httpx.URL("http://[::1]:80/a%20b?c=d")
    sent = request_bytes(Request("POST", url, [("Accept", "*/*")], b"{}", {}))
    assert sent == b"POST /a%20b?c=d HTTP/1.1\r\nHost: [::1]\r\nAccept: */*\r\nContent-Length: 2\r\n\r\n{}"
    assert request_bytes(Request("GET", url, [], None, {})) == b"GET /a%20b?c=d HTTP/1.1\r\nHost: [::1]\r\n\r\n"


@pytest.mark.parametrize("value", ["a\r\nB: c", "a\nb", "a\rb", "na\u00efve"])
def test_a_header_that_would_be_two(value: str) -> None:
    with pytest.raises(httpx.LocalProtocolError):
        request_bytes(Request("GET", httpx.URL("http://a"), [("A", value)], None, {}))
