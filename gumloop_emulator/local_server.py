"""A server's life: on loopback, in a thread of its own or in the caller's."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gumloop_emulator.http11 import Connection, Service
from gumloop_emulator.script import Pieces

if TYPE_CHECKING:
    from typing_extensions import Self

PREFIX = "/api/v1"

_BACKLOG = 4096
_START_SECONDS = 30.0
_STOP_SECONDS = 5.0


class LocalServer(Service):
    """Listens; subclasses say what is answered. A context manager, also an asynchronous one.

    Args:
        host: The address to listen on.
        port: The port to listen on; 0 takes a free one.
        keep_requests: How many requests are remembered, the newest ones.
        tls: A server's TLS context; None speaks plain HTTP.
        on_connect: What is sent on each new connection before anything is read.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        keep_requests: int = 10_000,
        tls: ssl.SSLContext | None = None,
        on_connect: Pieces = (),
    ) -> None:
        super().__init__(keep_requests)
        self.host = host
        self._wanted_port = port
        self._tls = tls
        self._on_connect = on_connect
        self._port: int | None = None
        self._thread: threading.Thread | None = None
        self._stop: Callable[[], None] = lambda: None

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
        """Start it in a thread of its own and wait until it answers; raises `OSError` when the port is taken."""
        if self._thread is not None:
            raise RuntimeError("The server is running already.")
        listener, ready = self._listen(), threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(listener, ready.set)), name="gumloop-emulator", daemon=True
        )
        self._thread.start()
        if not ready.wait(_START_SECONDS):
            self.stop()
            raise RuntimeError("The server did not start.")
        return self

    def stop(self) -> None:
        """Stop it; answers under way are broken off."""
        with contextlib.suppress(RuntimeError):  # the loop may have closed in the meantime
            self._stop()
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)
        self._thread = self._port = None

    def serve(self, ready: Callable[[], None]) -> None:
        """Serve in the calling thread until it is interrupted; `ready` is called once it listens."""
        asyncio.run(self._serve(self._listen(), ready))

    async def _serve(self, listener: socket.socket, ready: Callable[[], None]) -> None:
        connections: set[Connection] = set()
        loop, stopping = asyncio.get_running_loop(), asyncio.Event()
        self._stop = lambda: loop.call_soon_threadsafe(stopping.set) and None
        server = await loop.create_server(
            lambda: Connection(self, connections, self._on_connect), sock=listener, backlog=_BACKLOG, ssl=self._tls
        )
        try:
            ready()
            await stopping.wait()
        finally:
            server.close()
            await asyncio.gather(*(connection.end() for connection in list(connections)))
            await self._ended()

    async def _ended(self) -> None:
        """Close what the service opened in the server's event loop."""

    def _listen(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        # The protocol is named because asyncio turns Nagle's algorithm off only where it sees TCP; with it on,
        # each answer would wait 40 ms for an acknowledgement.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((self.host, self._wanted_port))
            listener.listen(_BACKLOG)
        except OSError:
            listener.close()
            raise
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
