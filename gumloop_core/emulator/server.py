"""The server: a real HTTP endpoint on loopback, in a thread of its own."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gumloop_core.emulator.app import PREFIX, Endpoint, build_app
from gumloop_core.emulator.credentials import TOKEN_PREFIX, Credentials
from gumloop_core.emulator.delivery import Connections
from gumloop_core.emulator.recording import Counters, Journal, Predicate, QueuedItem, RecordedRequest
from gumloop_core.emulator.rendering import Renderer
from gumloop_core.emulator.scripting import Scripted

if TYPE_CHECKING:
    from types import TracebackType

    import uvicorn
    from typing_extensions import Self
    from uvicorn.protocols.http.h11_impl import H11Protocol

INSTALL_HINT = 'The emulator needs starlette and uvicorn: pip install "gumloop-llms[emulator]"'

_BACKLOG = 2048
_START_SECONDS = 30.0
_STOP_SECONDS = 5.0
_KEEP_ALIVE_SECONDS = 75


class Emulator:
    """A local endpoint that speaks Gumloop's wire.

    Use it as a context manager, or call `start` and `stop`:

        with Emulator() as server:
            client = Gumloop(server.api_key, user_id=server.user_id, base_url=server.base_url)

    Args:
        host: The address to listen on.
        port: The port to listen on; 0 takes a free one.
        credentials: The credentials to accept.
        keep_requests: How many requests are remembered, the newest ones.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        credentials: Credentials | None = None,
        keep_requests: int = 10_000,
    ) -> None:
        self.host = host
        self.credentials = credentials or Credentials()
        self._wanted_port = port
        self._port: int | None = None
        self._journal = Journal(keep_requests)
        self._counters = Counters()
        self._connections = Connections(self._counters)
        self._server: uvicorn.Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    # Where it is and who may ask.

    @property
    def port(self) -> int:
        """The port that it listens on; raises `RuntimeError` when it does not run."""
        if self._port is None:
            raise RuntimeError("The emulator is not running; use it as a context manager or call start().")
        return self._port

    @property
    def base_url(self) -> str:
        """The base URL for chat, models and routing, `http://127.0.0.1:PORT/api/v1`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}{PREFIX}"

    @property
    def api_key(self) -> str:
        """An API key that is accepted together with `user_id`."""
        return self.credentials.api_key

    @property
    def access_token(self) -> str:
        """An OAuth access token that is accepted by itself."""
        return f"{TOKEN_PREFIX}emulator"

    @property
    def user_id(self) -> str:
        """The user id that goes with the keys."""
        return self.credentials.user_id

    @property
    def team_id(self) -> str:
        """The team of the team key."""
        return self.credentials.team_id

    def environment(self) -> dict[str, str]:
        """Return the environment variables that point a client here."""
        return {
            "GUMLOOP_API_KEY": self.api_key,
            "GUMLOOP_USER_ID": self.user_id,
            "GUMLOOP_BASE_URL": self.base_url,
            "GUMLOOP_STREAM_BASE_URL": self.base_url,
        }

    # What it was asked.

    @property
    def requests(self) -> list[RecordedRequest]:
        """The requests so far, refused ones included, in the order of their arrival."""
        return self._journal.requests()

    @property
    def chat_requests(self) -> list[RecordedRequest]:
        """The requests for chat completions so far."""
        return [request for request in self.requests if request.is_chat]

    @property
    def last_body(self) -> dict[str, Any]:
        """The JSON body of the last chat request; raises `LookupError` when there is none."""
        for request in reversed(self.chat_requests):
            if isinstance(request.json, dict):
                return request.json
        raise LookupError("There was no chat request with a JSON body yet.")

    @property
    def connections(self) -> int:
        """How many TCP connections it has accepted."""
        return self._counters.connections

    @property
    def open_connections(self) -> int:
        """How many TCP connections are open."""
        return self._counters.open_connections

    @property
    def active_requests(self) -> int:
        """How many answers are being given."""
        return self._counters.active_requests

    @property
    def active_streams(self) -> int:
        """How many streams are being sent."""
        return self._counters.active_streams

    @property
    def disconnects(self) -> int:
        """How many answers were cut short because the client went away."""
        return self._counters.disconnects

    def wait_for(self, condition: Callable[[Emulator], bool], timeout: float = 5.0) -> bool:
        """Wait until a condition holds, and return whether it does.

        Args:
            condition: Called with this server, `lambda server: server.active_streams == 0` for example.
            timeout: Seconds to wait at most.
        """
        return self._counters.wait_for(lambda: condition(self), timeout)

    # What it shall answer.

    def queue(self, *answers: Scripted, when: Predicate | None = None, unchecked: bool = False) -> None:
        """Queue answers that are given, in order, before the rules are asked.

        Args:
            answers: Answers, exact bodies or streams, failures, drops.
            when: Serve them only to requests for which this holds; chat requests by default.
            unchecked: Serve them without checking credentials and body.
        """
        self._journal.enqueue([QueuedItem(answer, when, unchecked) for answer in answers])

    @property
    def queued(self) -> int:
        """How many queued answers have not been given yet."""
        return self._journal.pending()

    def clear(self) -> None:
        """Forget requests, queued answers and the totals of connections and disconnects."""
        self._journal.clear()
        self._counters.reset_totals()

    # Its life.

    def start(self) -> Self:
        """Start it in a thread of its own and wait until it answers.

        Raises:
            OSError: The port is taken.
            RuntimeError: It runs already, or did not start in time.
        """
        if self._thread is not None:
            raise RuntimeError("The emulator is running already.")
        server = self._build_server()
        listener = self._listen()
        self._port = listener.getsockname()[1]
        self._server = server
        self._thread = threading.Thread(target=self._run, args=(listener,), name="gumloop-emulator", daemon=True)
        self._thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while not server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError("The emulator did not start.")
            time.sleep(0.005)
        return self

    def stop(self) -> None:
        """Stop it; answers under way are broken off."""
        server, thread, loop = self._server, self._thread, self._loop
        if server is not None:
            server.should_exit = True
        if thread is not None:
            if loop is not None and thread.is_alive():
                self._break_off(loop)
            thread.join(_STOP_SECONDS)
        self._server = self._thread = self._loop = self._port = None

    def serve(self, ready: Callable[[], None] | None = None) -> None:
        """Serve in the calling thread until it is interrupted; for the command line.

        Args:
            ready: Called once it listens.
        """
        server = self._build_server()
        listener = self._listen()
        self._port = listener.getsockname()[1]
        try:
            if ready is not None:
                ready()
            server.run(sockets=[listener])
        finally:
            self._port = None

    def _break_off(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            loop.call_soon_threadsafe(self._connections.drop_all)
        except RuntimeError:  # the loop has closed in the meantime: nothing is left to break off
            return

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
        return listener

    def _build_server(self) -> uvicorn.Server:
        try:
            import starlette  # noqa: F401 - only to say early what is missing
            import uvicorn
        except ImportError as error:
            raise ImportError(INSTALL_HINT) from error
        endpoint = Endpoint(self.credentials, self._journal, Renderer(self._counters, self._connections))
        config = uvicorn.Config(
            build_app(endpoint),
            http=_tracked_protocol(self._connections),
            loop="asyncio",
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            backlog=_BACKLOG,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=2,
        )
        return uvicorn.Server(config)

    def _run(self, listener: socket.socket) -> None:
        server = self._server
        if server is not None:
            asyncio.run(self._serve(server, listener))

    async def _serve(self, server: uvicorn.Server, listener: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        await server.serve(sockets=[listener])

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.start)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self.stop)

    def __repr__(self) -> str:
        return f"Emulator({self.base_url!r})" if self._port else "Emulator(stopped)"


def _tracked_protocol(connections: Connections) -> type[H11Protocol]:
    """Return uvicorn's protocol with an eye on the connections."""
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class TrackedProtocol(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            connections.opened(transport)
            super().connection_made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            connections.closed(self.transport)
            super().connection_lost(exc)

    return TrackedProtocol
