"""A server that says exactly the bytes it is told to, in the cuts and pauses it is told to, and breaks where told to.

It is the emulator's HTTP server, with a script of bytes for each request in place of Gumloop's wire.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from gumloop_emulator.http11 import LocalServer, Response
from gumloop_emulator.script import Drop, Pause
from gumloop_emulator.traffic import ReceivedRequest
from tests.support.certificates import certificates

LONGEST_WAIT = 20.0
"""Seconds after which waiting for something gives up, so that no test hangs on its server."""

CLOSE = Drop()
"""Close the connection properly."""

RESET = Drop(reset=True)
"""Break the connection with a TCP reset."""

SILENCE = Pause()
"""Say nothing more, until the client goes away."""

Piece: TypeAlias = "bytes | Pause | Drop"
Script: TypeAlias = "bytes | Sequence[Piece | Iterable[Piece]]"
"""What is sent, each piece in a write of its own: `itertools.repeat` of bytes sends without an end."""

Player: TypeAlias = Callable[[ReceivedRequest], Script]


def drip(data: bytes, size: int = 1, seconds: float = 0.0) -> list[Piece]:
    """Bytes in small writes, with a pause after each."""
    cuts = [data[start : start + size] for start in range(0, len(data), size)]
    return [piece for cut in cuts for piece in (cut, Pause(seconds))] if seconds else [*cuts]


@dataclass(frozen=True)
class WaitFor:
    """Say nothing until the test sets the event."""

    event: threading.Event

    def __iter__(self) -> Iterator[Pause]:
        while not self.event.is_set():
            yield Pause(0.002)


class ByteServer(LocalServer):
    """A loopback server that plays scripts; a context manager.

    Args:
        *scripts: What to answer: one script a request, over all connections, in order of arrival. The last one is
            played for all further requests. A callable is given the request and returns a script; all servers share
            a thread, so it must not wait for anything.
        on_connect: Sent on each new connection before anything is read.
        tls: Whether to speak TLS.
        keep_requests: How many requests are remembered, the newest ones.
    """

    def __init__(
        self, *scripts: Script | Player, on_connect: Sequence[Piece] = (), tls: bool = False, keep_requests: int = 1000
    ) -> None:
        super().__init__(
            on_connect=on_connect,
            tls=certificates()[1] if tls else None,
            loop=_shared_loop(),
            keep_requests=keep_requests,
        )
        self._scripts = list(reversed(scripts))

    async def respond(self, request: ReceivedRequest) -> Response:
        """Play the next script."""
        script = self._scripts.pop() if len(self._scripts) > 1 else self._scripts[0]
        script = script(request) if callable(script) else script
        return Response([script] if isinstance(script, bytes) else _pieces(script), raw=True)

    @property
    def clients_gone(self) -> int:
        """Connections that are closed; where no script closes them, the clients did."""
        return self.connections - self.open_connections

    def wait_until(self, condition: Callable[[], bool], seconds: float = LONGEST_WAIT) -> bool:
        """Wait until something is so; whether it became so."""
        return self.wait_for(lambda _: condition(), seconds)

    def wait_until_gone(self, count: int = 1, seconds: float = LONGEST_WAIT) -> bool:
        """Wait until clients have left; whether they have."""
        return self.wait_for(lambda server: server.clients_gone >= count, seconds)


def _pieces(script: Iterable[Piece | Iterable[Piece]]) -> Iterator[Piece]:
    for step in script:
        if isinstance(step, (bytes, Pause, Drop)):
            yield step
        else:
            yield from step


@lru_cache(maxsize=1)
def _shared_loop() -> asyncio.AbstractEventLoop:
    """The event loop of all servers of this process: the tests start thousands, and a loop for each costs more."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="byte-servers", daemon=True).start()
    return loop


def unused_port() -> int:
    """A port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
