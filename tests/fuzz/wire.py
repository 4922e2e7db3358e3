"""Documents as bytes, and an in-process transport that hands them out."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
from hypothesis import note

from tests.fuzz.deal import Deal


def encoded(document: Any, *, ascii: bool = True) -> bytes:
    """JSON as a server writes it; what is no JSON (NaN, half a surrogate) the way Python's does."""
    return json.dumps(document, ensure_ascii=ascii).encode("utf-8", "surrogatepass")


def event(data: Any, name: str = "") -> bytes:
    """One event of a stream."""
    line = data if isinstance(data, bytes) else encoded(data)
    return (f"event: {name}\n".encode() if name else b"") + b"data: " + line + b"\n\n"


DONE = b"data: [DONE]\n\n"


def stream_of(documents: list[Any], *, done: bool = True) -> bytes:
    """The bytes of a stream, in the plainest form."""
    return b"".join(map(event, documents)) + (DONE if done else b"")


def dressed_stream(deal: Deal, documents: list[Any], *, done: bool = True) -> list[bytes]:
    """The bytes of a stream with what the standard allows around its events, in pieces as a network delivers them."""
    end = deal.one([b"\n", b"\n", b"\r\n", b"\r"])
    space = deal.one([b" ", b""])
    ascii = deal.chance(2)
    noise = deal.one([b"", b"", b": keep-alive", b"event: message", b"id: 1", b"retry: 5"])
    out = bytearray(deal.one([b"", b"", b"\xef\xbb\xbf", b": hello" + end + end]))
    for document in documents:
        if noise:
            out += noise + end + (end if noise.startswith(b":") else b"")
        out += b"data:" + space + encoded(document, ascii=ascii) + end + end
    if done:
        out += b"data:" + space + b"[DONE]" + end + end
    return deal.cut(bytes(out))


class Played:
    """A transport, for both kinds of clients, that gives every request the answer that was set last.

    Attributes:
        unary: Body for requests that ask for no stream.
        streamed: Pieces of the body for those that do.
        status: Status of both.
        bodies: The bodies that were sent, as bytes.
    """

    def __init__(self) -> None:
        self.unary = b""
        self.streamed: list[bytes] = []
        self.status = 200
        self.bodies: list[bytes] = []

    def play(self, *, unary: bytes = b"", streamed: bytes | list[bytes] = b"", status: int = 200) -> None:
        """Set the answer."""
        self.unary, self.status = unary, status
        self.streamed = [streamed] if isinstance(streamed, bytes) else streamed
        self.bodies.clear()
        note(f"played: {self.unary!r}, streamed: {self.streamed!r}")  # which the bytes of a deal do not show

    def sync_client(self) -> httpx.Client:
        """A client whose requests come here."""
        return httpx.Client(transport=httpx.MockTransport(self._answer))

    def async_client(self) -> httpx.AsyncClient:
        """Its asynchronous twin."""
        return httpx.AsyncClient(transport=httpx.MockTransport(self._aanswer))

    def _pieces(self, request: httpx.Request) -> tuple[str, list[bytes]]:
        self.bodies.append(request.content)
        if json.loads(request.content).get("stream"):
            return "text/event-stream", self.streamed
        return "application/json", [self.unary]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        kind, pieces = self._pieces(request)
        return httpx.Response(self.status, headers={"content-type": kind}, content=_given(pieces))

    async def _aanswer(self, request: httpx.Request) -> httpx.Response:
        kind, pieces = self._pieces(request)
        return httpx.Response(self.status, headers={"content-type": kind}, content=_agiven(pieces))


def _given(pieces: list[bytes]) -> Iterator[bytes]:
    yield from pieces


async def _agiven(pieces: list[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
