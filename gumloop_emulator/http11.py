"""HTTP/1.1 on asyncio: requests are parsed by h11, answers are written piece by piece, with pauses and breaks.

It knows nothing of Gumloop's wire: a `Service` answers each request with a `Response`, whose body is made of steps.
"""

from __future__ import annotations

import asyncio
import math
import socket
import struct
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import h11

from gumloop_emulator.script import Drip, Drop, Pause, Repeat, Step, WaitFor
from gumloop_emulator.traffic import ReceivedRequest, Traffic

MAX_BODY_BYTES = 64 * 1024 * 1024

_MAX_HEAD_BYTES = 256 * 1024
_BREATH = 8  # pieces after which other answers get their turn
_GLANCE = 0.005  # seconds between two looks at an event of another thread


def _nothing() -> None:
    pass


@dataclass
class Response:
    """An answer as the server writes it.

    Attributes:
        pieces: The steps of the body.
        status: The HTTP status.
        headers: The headers.
        delay: Seconds of silence before the head.
        streamed: Whether this counts as a stream, and is framed in chunks instead of having a length.
        raw: Whether the pieces are the whole response, its head included.
        finished: Called once at the end, however it ends.
    """

    pieces: Iterable[Step] | AsyncIterable[Step]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    streamed: bool = False
    raw: bool = False
    finished: Callable[[], None] = _nothing


class Service(Traffic):
    """Answers requests; subclasses say how."""

    async def respond(self, request: ReceivedRequest) -> Response:
        """Answer one request."""
        raise NotImplementedError

    def unreadable(self, status: int, message: str) -> Response:
        """Answer what cannot be read as a request; the connection closes behind it."""
        return Response([f"{message}\n"], status, {"content-type": "text/plain; charset=utf-8"})


class Connection(asyncio.Protocol):
    """One connection, kept alive from request to request."""

    transport: asyncio.Transport

    def __init__(self, service: Service, connections: set[Connection], on_connect: Iterable[Step] = ()) -> None:
        self._service = service
        self._connections = connections
        self._on_connect = on_connect
        self._number = 0
        self._parser = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD_BYTES)
        self._head: h11.Request | None = None
        self._body = bytearray()
        self._size = 0
        self._work: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._dropped = False

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to listen to a client."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._connections.add(self)
        self._service._count(connections=1, open_connections=1)
        self._number = self._service.connections
        if self._on_connect:
            self._start(self._play(Response(self._on_connect, raw=True)))

    def data_received(self, data: bytes) -> None:
        """Go on reading."""
        self._parser.receive_data(data)
        if self._work is None:
            self._read()

    def pause_writing(self) -> None:
        """The client does not read as fast as it is written to."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """The client has read."""
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over, whoever ended it."""
        self._connections.discard(self)
        gone_away = self._work is not None and not self._dropped
        self._service._count(open_connections=-1, disconnects=int(gone_away))
        self._writable.set()
        if self._work is not None:
            self._work.cancel()

    # Reading.

    def _read(self) -> None:
        """Read until a request is whole, then answer it."""
        try:
            while self._work is None:
                event = self._parser.next_event()
                if event is h11.NEED_DATA:
                    if self._parser.they_are_waiting_for_100_continue:
                        self._write(self._parser.send(h11.InformationalResponse(status_code=100, headers=[])))
                    return
                if isinstance(event, h11.Request):
                    self._head, self._body, self._size = event, bytearray(), 0
                elif isinstance(event, h11.Data):
                    self._size += len(event.data)
                    # What is too much is read all the same: a client that is still sending would miss the refusal.
                    if self._size <= MAX_BODY_BYTES:
                        self._body += event.data
                elif not isinstance(event, h11.EndOfMessage):
                    return
                elif self._size > MAX_BODY_BYTES:
                    self._refuse(413, f"The body is larger than {MAX_BODY_BYTES} bytes.")
                else:
                    self._start(self._answer(self._received()))
        except h11.RemoteProtocolError as error:
            self._refuse(400, f"This is not HTTP/1.1: {error}.")

    def _received(self) -> ReceivedRequest:
        assert self._head is not None
        target = urlsplit(self._head.target.decode("latin-1"))
        return ReceivedRequest(
            method=self._head.method.decode("latin-1"),
            path=unquote(target.path),
            query=dict(parse_qsl(target.query, keep_blank_values=True)),
            headers={name.decode("latin-1"): value.decode("latin-1") for name, value in self._head.headers},
            body=bytes(self._body),
            connection=self._number,
        )

    def _refuse(self, status: int, message: str) -> None:
        response = self._service.unreadable(status, message)
        response.headers = {**response.headers, "connection": "close"}
        self._start(self._play(response))

    # Answering.

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._work = asyncio.get_running_loop().create_task(work)
        self._work.add_done_callback(self._done)

    def _done(self, work: asyncio.Task[None]) -> None:
        self._work = None
        if not work.cancelled() and (error := work.exception()) is not None:
            self.transport.abort()
            raise error  # a fault of this server must not pass in silence: the loop reports it
        if self.transport.is_closing():
            return
        if self._parser.our_state is h11.DONE and self._parser.their_state is h11.DONE:
            self._parser.start_next_cycle()
        elif self._parser.our_state is not h11.IDLE:
            self.transport.close()
            return
        self._read()

    async def _answer(self, request: ReceivedRequest) -> None:
        self._service._add(request)
        await self._play(await self._service.respond(request))

    async def _play(self, response: Response) -> None:
        streams = int(response.streamed)
        self._service._count(active_requests=1, active_streams=streams)
        try:
            await _rest(response.delay)
            await (self._write_raw(response) if response.raw else self._write_framed(response))
        finally:
            self._service._count(active_requests=-1, active_streams=-streams)
            response.finished()

    async def _write_framed(self, response: Response) -> None:
        headers = {name.lower(): value for name, value in response.headers.items()}
        pieces = response.pieces
        if not response.streamed and not isinstance(pieces, AsyncIterable):
            pieces = list(pieces)
            written = [_encoded(piece) for piece in pieces if isinstance(piece, (bytes, str))]
            if len(written) == len(pieces):
                headers["content-length"] = str(sum(map(len, written)))
        head = h11.Response(status_code=response.status, headers=list(headers.items()))
        begun = False
        async for step in _each(pieces):
            if isinstance(step, Drop):
                await self._drop(step)
                return
            if not begun:
                self._write(self._parser.send(head))
                begun = True
            await self._perform(step, framed=True)
        if not begun:
            self._write(self._parser.send(head))
        self._write(self._parser.send(h11.EndOfMessage()))

    async def _write_raw(self, response: Response) -> None:
        async for step in _each(response.pieces):
            if isinstance(step, Drop):
                await self._drop(step)
                return
            await self._perform(step, framed=False)
        # h11 has not seen what was written, so a new parser goes on, with the bytes that have come since.
        rest, _ = self._parser.trailing_data
        self._parser = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD_BYTES)
        if rest:
            self._parser.receive_data(rest)

    async def _perform(self, step: Step, *, framed: bool) -> None:
        """Do one step that leaves the connection open."""
        if isinstance(step, (bytes, str)):
            await self._send(_encoded(step), framed=framed)
        elif isinstance(step, Pause):
            await _rest(step.seconds)
        elif isinstance(step, WaitFor):
            while not step.event.is_set():
                await asyncio.sleep(_GLANCE)
        elif isinstance(step, Drip):
            for start in range(0, len(step.data), step.size):
                await self._send(step.data[start : start + step.size], framed=framed)
                await asyncio.sleep(step.seconds)
        elif isinstance(step, Repeat):
            while True:
                await self._send(step.data, framed=framed)
                await asyncio.sleep(0)

    async def _send(self, data: bytes, *, framed: bool) -> None:
        self._write(self._parser.send(h11.Data(data=data)) if framed else data)
        await self._writable.wait()

    def _write(self, data: bytes | None) -> None:
        if data and not self.transport.is_closing():
            self.transport.write(data)

    async def _drop(self, drop: Drop) -> None:
        await _rest(drop.delay)
        self._dropped = True
        if not drop.reset:
            self.transport.close()
            return
        connection = self.transport.get_extra_info("socket")
        if connection is not None:
            # Lingering for zero seconds makes the kernel send a reset instead of a farewell.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    async def end(self) -> None:
        """Break off whatever is under way; the server stops."""
        self._dropped = True
        work = self._work
        self.transport.abort()
        if work is not None:
            work.cancel()
            await asyncio.wait({work}, timeout=1)


def _encoded(piece: bytes | str) -> bytes:
    return piece.encode() if isinstance(piece, str) else piece


async def _each(steps: Iterable[Step] | AsyncIterable[Step]) -> AsyncIterator[Step]:
    """Yield the steps, and let others have their turn now and then."""
    if isinstance(steps, AsyncIterable):
        async for step in steps:
            yield step
        return
    for count, step in enumerate(steps, start=1):
        yield step
        if count % _BREATH == 0:
            await asyncio.sleep(0)


async def _rest(seconds: float) -> None:
    if seconds == math.inf:
        await asyncio.Event().wait()  # until the client goes away or the server stops
    elif seconds > 0:
        await asyncio.sleep(seconds)
