"""A local server: HTTP/1.1 on asyncio and h11, whose answers are written piece by piece, with pauses and breaks.

It knows nothing of Gumloop's wire: subclasses of `LocalServer` answer each request with a `Response`.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

import h11

from gumloop_emulator.script import Drop, Pause, Piece, Pieces
from gumloop_emulator.traffic import ReceivedRequest, Traffic

if TYPE_CHECKING:
    from typing import Self

PREFIX = "/api/v1"
MAX_BODY_BYTES = 64 * 1024 * 1024

_MAX_HEAD_BYTES = 256 * 1024
_BACKLOG = 4096
_START_SECONDS = 30.0
_STOP_SECONDS = 5.0


@dataclass
class Response:
    """An answer as the server writes it."""

    pieces: Pieces
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case
    delay: float = 0.0  # seconds of silence before the head
    streamed: bool = False  # whether this counts as a stream, and is framed in chunks instead of having a length
    raw: bool = False  # whether the pieces are the whole response, its head included
    finished: Callable[[], None] = lambda: None


class LocalServer(Traffic):
    """Listens; subclasses say what is answered. A context manager, also an asynchronous one.

    Args:
        host: The address to listen on.
        port: The port to listen on; 0 takes a free one.
        keep_requests: How many requests are remembered, the newest ones.
        tls: A server's TLS context; None speaks plain HTTP.
        on_connect: What is sent on each new connection before anything is read.
        loop: An event loop that another thread runs; None starts one in a thread of the server's own.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        keep_requests: int = 10_000,
        tls: ssl.SSLContext | None = None,
        on_connect: Pieces = (),
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(keep_requests)
        self.host = host
        self._wanted_port = port
        self._tls = tls
        self._on_connect = on_connect
        self._loop = loop
        self._port: int | None = None
        self._stop: Callable[[], object] = bool  # nothing to stop yet
        self._join: Callable[[float], object] = bool  # waits until it has stopped, for some seconds at most

    async def respond(self, request: ReceivedRequest) -> Response:
        """Answer one request."""
        raise NotImplementedError

    @property
    def port(self) -> int:
        """The port that it listens on; raises `RuntimeError` when it does not run."""
        if self._port is None:
            raise RuntimeError("The server is not running; use it as a context manager or call start().")
        return self._port

    @property
    def base_url(self) -> str:
        """The base URL for chat, models and routing, `http://127.0.0.1:PORT/api/v1`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}{PREFIX}"

    def start(self) -> Self:
        """Start it in another thread and wait until it answers; raises `OSError` when the port is taken."""
        if self._port is not None:
            raise RuntimeError("The server is running already.")
        ready = threading.Event()
        serving = self._serve(self._listen(), ready.set)
        if self._loop is None:
            thread = threading.Thread(target=asyncio.run, args=(serving,), name="gumloop-emulator", daemon=True)
            thread.start()
            self._join = thread.join
        else:
            self._join = partial(concurrent.futures.wait, [asyncio.run_coroutine_threadsafe(serving, self._loop)])
        if not ready.wait(_START_SECONDS):
            self.stop()
            raise RuntimeError("The server did not start.")
        return self

    def stop(self) -> None:
        """Stop it; answers under way are broken off."""
        with contextlib.suppress(RuntimeError):  # the loop may have closed in the meantime
            self._stop()
        self._join(_STOP_SECONDS)
        self._port = None

    def serve(self, ready: Callable[[], None]) -> None:
        """Serve in the calling thread until it is interrupted; `ready` is called once it listens."""
        asyncio.run(self._serve(self._listen(), ready))

    async def _serve(self, listener: socket.socket, ready: Callable[[], None]) -> None:
        connections: set[_Connection] = set()
        loop, stopping = asyncio.get_running_loop(), asyncio.Event()
        self._stop = partial(loop.call_soon_threadsafe, stopping.set)
        server = await loop.create_server(
            lambda: _Connection(self, connections, stopping, self._on_connect),
            sock=listener,
            backlog=_BACKLOG,
            ssl=self._tls,
        )
        try:
            ready()
            await stopping.wait()
        finally:
            # What was accepted has its transport a turn later; on 3.13.0 that fails where the server is closed already.
            with contextlib.suppress(NotImplementedError):  # Windows' event loop reads in another way
                loop.remove_reader(listener)
            await asyncio.sleep(0)
            server.close()
            await asyncio.gather(*(connection.end() for connection in list(connections)))
            await self._ended()

    async def _ended(self) -> None:
        """Close what the service opened in the server's event loop."""

    def _listen(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        listener = socket.create_server((self.host, self._wanted_port), family=family, backlog=_BACKLOG)
        self._port = listener.getsockname()[1]
        return listener

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *error: Any) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.start)

    async def __aexit__(self, *error: Any) -> None:
        await asyncio.to_thread(self.stop)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_url!r})" if self._port else f"{type(self).__name__}(stopped)"


_new_parser = partial(h11.Connection, h11.SERVER, max_incomplete_event_size=_MAX_HEAD_BYTES)


class _Connection(asyncio.Protocol):
    """One connection, kept alive from request to request."""

    transport: asyncio.Transport

    def __init__(
        self,
        service: LocalServer,
        connections: set[_Connection],
        stopping: asyncio.Event,
        on_connect: Pieces = (),
    ) -> None:
        self._service = service
        self._connections = connections
        self._stopping = stopping
        self._on_connect = on_connect
        self._parser = _new_parser()
        self._work: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._dropped = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        # asyncio would do so only where it sees TCP, not in create_server's sockets; each answer would wait 40 ms.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connections.add(self)
        self._service._count(connections=1, open_connections=1)
        self._number = self._service.connections
        if self._stopping.is_set():  # it was accepted just before, and the server no longer waits for it
            transport.abort()
        elif self._on_connect:
            self._start(self._play(Response(self._on_connect, raw=True)))

    def data_received(self, data: bytes) -> None:
        self._parser.receive_data(data)
        if self._work is None:
            self._read()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        self._service._count(open_connections=-1, disconnects=int(self._work is not None and not self._dropped))
        self._writable.set()
        if self._work is not None:
            self._work.cancel()

    def _read(self) -> None:
        """Read until a request is whole, then answer it."""
        try:
            while self._work is None:
                event = self._parser.next_event()
                if isinstance(event, h11.Request):
                    self._head, self._body, self._size = event, bytearray(), 0
                elif isinstance(event, h11.Data):
                    self._size += len(event.data)
                    # What is too much is read all the same: a client that is still sending would miss the refusal.
                    if self._size <= MAX_BODY_BYTES:
                        self._body += event.data
                elif not isinstance(event, h11.EndOfMessage):
                    if self._parser.they_are_waiting_for_100_continue:
                        self._write(self._parser.send(h11.InformationalResponse(status_code=100, headers=[])))
                    return
                elif self._size > MAX_BODY_BYTES:
                    self._refuse(413, f"The body is larger than {MAX_BODY_BYTES} bytes.")
                else:
                    self._start(self._answer())
        except h11.RemoteProtocolError as error:
            self._refuse(400, f"This is not HTTP/1.1: {error}.")

    def _refuse(self, status: int, message: str) -> None:
        headers = {"content-type": "text/plain; charset=utf-8", "connection": "close"}
        self._start(self._play(Response([message.encode()], status, headers)))

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

    async def _answer(self) -> None:
        method, target = self._head.method.decode("latin-1"), self._head.target.decode("latin-1")
        url = urlsplit(target)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        fields = {name.decode("latin-1"): value.decode("latin-1") for name, value in self._head.headers}
        raw = self._head.headers.raw_items()
        asked = ReceivedRequest(method, unquote(url.path), query, fields, bytes(self._body), self._number, target, raw)
        self._service._count(asked)
        await self._play(await self._service.respond(asked))

    async def _play(self, response: Response) -> None:
        streams = int(response.streamed)
        self._service._count(active_requests=1, active_streams=streams)
        try:
            await _rest(response.delay)
            async with contextlib.aclosing(_each(response.pieces)) as pieces:
                await self._write_all(response, pieces)
        finally:
            self._service._count(active_requests=-1, active_streams=-streams)
            response.finished()

    async def _write_all(self, response: Response, pieces: AsyncIterator[Piece]) -> None:
        head = None if response.raw else _head_of(response)
        async for piece in pieces:
            if isinstance(piece, Drop):
                await self._drop(piece)
                return
            if head is not None:
                self._write(self._parser.send(head))
                head = None
            if isinstance(piece, Pause):
                await _rest(piece.seconds)
            else:
                data = piece.encode() if isinstance(piece, str) else piece
                self._write(data if response.raw else self._parser.send(h11.Data(data=data)))
                await self._writable.wait()
        if response.raw:
            # h11 has not seen what was written, so a new parser goes on, with the bytes that have come since.
            rest, _ = self._parser.trailing_data
            self._parser = _new_parser()
            if rest:
                self._parser.receive_data(rest)
            return
        if head is not None:
            self._write(self._parser.send(head))
        self._write(self._parser.send(h11.EndOfMessage()))

    def _write(self, data: bytes | None) -> None:
        if data and not self.transport.is_closing():
            self.transport.write(data)

    async def _drop(self, drop: Drop) -> None:
        await _rest(drop.delay)
        self._dropped = True
        if not drop.reset:
            self.transport.close()
            return
        # Lingering for zero seconds makes the kernel send a reset instead of a farewell.
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    async def end(self) -> None:
        """Break off whatever is under way; the server stops."""
        self._dropped, work = True, self._work
        self.transport.abort()
        if work is not None:
            work.cancel()
            await asyncio.wait({work}, timeout=1)


def _head_of(response: Response) -> h11.Response:
    headers, pieces = dict(response.headers), response.pieces
    if isinstance(pieces, list) and not response.streamed and all(isinstance(piece, bytes) for piece in pieces):
        headers["content-length"] = str(sum(map(len, pieces)))
    return h11.Response(status_code=response.status, headers=list(headers.items()))


async def _each(pieces: Pieces) -> AsyncGenerator[Piece, None]:
    """Yield the pieces, and let others have their turn in between."""
    if isinstance(pieces, AsyncGenerator):
        async with contextlib.aclosing(pieces):
            async for piece in pieces:
                yield piece
    else:
        for piece in pieces:
            yield piece
            await asyncio.sleep(0)


async def _rest(seconds: float) -> None:
    if seconds > 0:  # may be infinite: until the client goes away or the server stops
        await asyncio.sleep(seconds)
