"""Putting an answer on the wire: pieces, pauses, broken connections, and clients that go away."""

from __future__ import annotations

import asyncio
import math
import socket
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gumloop_core.emulator.recording import Counters
from gumloop_core.emulator.scripting import Drop, Pause

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

Piece = bytes | Pause | Drop

_BREATH = 8  # pieces after which other answers get their turn


class Connections:
    """The open connections by the client's address, so that one can be broken."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._transports: dict[tuple[str, int], asyncio.Transport] = {}

    def opened(self, transport: asyncio.Transport) -> None:
        """Remember a connection."""
        self._transports[_peer(transport)] = transport
        self._counters.add(connections=1, open_connections=1)

    def closed(self, transport: asyncio.Transport) -> None:
        """Forget a connection."""
        if self._transports.pop(_peer(transport), None) is not None:
            self._counters.add(open_connections=-1)

    def drop(self, client: tuple[str, int], *, reset: bool) -> None:
        """Close a connection in the middle of whatever it carries."""
        transport = self._transports.get(client)
        if transport is None:
            return
        if not reset:
            transport.close()
            return
        connection = transport.get_extra_info("socket")
        if connection is not None:
            # Lingering for zero seconds makes the kernel send a reset instead of a farewell.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()

    def drop_all(self) -> None:
        """Close all connections."""
        for transport in list(self._transports.values()):
            transport.abort()


def _peer(transport: asyncio.Transport) -> tuple[str, int]:
    name = transport.get_extra_info("peername")
    return (str(name[0]), int(name[1])) if name else ("", 0)


@dataclass
class Delivery:
    """An ASGI response made of pieces.

    Attributes:
        pieces: The body's bytes, pauses and drops.
        counters: Where streams and disconnects are counted.
        connections: Where a connection is broken.
        status: The HTTP status.
        headers: The response's headers.
        delay: Seconds of silence before the head.
        streamed: Whether this counts as a stream, and has no content length.
    """

    pieces: Iterable[Piece]
    counters: Counters
    connections: Connections
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    streamed: bool = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer; stop quietly when the client goes away."""
        counted = int(self.streamed)
        self.counters.add(active_requests=1, active_streams=counted)
        gone = asyncio.ensure_future(_until_gone(receive))
        work = asyncio.ensure_future(self._send_all(scope, send, gone))
        try:
            await asyncio.wait({gone, work}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                await work  # an error of ours must not pass in silence
            else:
                self.counters.add(disconnects=1)
        finally:
            gone.cancel()
            work.cancel()
            self.counters.add(active_requests=-1, active_streams=-counted)

    async def _send_all(self, scope: Scope, send: Send, gone: asyncio.Future[None]) -> None:
        await _rest(self.delay)
        pieces: Iterable[Piece] = self.pieces
        headers = {key.lower(): value for key, value in self.headers.items()}
        if not self.streamed:
            pieces = list(pieces)
            if all(isinstance(piece, bytes) for piece in pieces):
                headers["content-length"] = str(sum(len(piece) for piece in pieces if isinstance(piece, bytes)))
        started = False
        for count, piece in enumerate(pieces):
            if isinstance(piece, Pause):
                if not started:
                    started = await self._start(send, headers)
                await _rest(piece.seconds)
            elif isinstance(piece, Drop):
                await _rest(piece.delay)
                client = scope.get("client") or ("", 0)
                self.connections.drop((str(client[0]), int(client[1])), reset=piece.reset)
                # The server would complain of an unfinished answer until it has noticed that.
                await asyncio.wait({gone}, timeout=5)
                return
            else:
                if not started:
                    started = await self._start(send, headers)
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                if count % _BREATH == _BREATH - 1:
                    await asyncio.sleep(0)
        if not started:
            await self._start(send, headers)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _start(self, send: Send, headers: Mapping[str, str]) -> bool:
        encoded = [(key.encode("latin-1"), value.encode("latin-1")) for key, value in headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": encoded})
        return True


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _rest(seconds: float) -> None:
    if seconds == math.inf:
        await asyncio.Event().wait()  # until the client goes away or the server stops
    elif seconds > 0:
        await asyncio.sleep(seconds)
