"""A server that says exactly the bytes it is told to, in the cuts and pauses it is told to, and breaks where told to.

It reads HTTP requests and plays a script for each. It counts what a client library may hide: connections, requests,
and when the client went away.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias

LONGEST_WAIT = 20.0
"""Seconds after which every wait in here gives up, so that no test hangs on its server."""


@dataclass(frozen=True)
class Pause:
    """Say nothing for a while."""

    seconds: float


@dataclass(frozen=True)
class Drip:
    """Send bytes in small writes.

    Attributes:
        data: What to send.
        size: Bytes per write.
        seconds: The pause after each.
    """

    data: bytes
    size: int = 1
    seconds: float = 0.0


@dataclass(frozen=True)
class WaitFor:
    """Say nothing until the test sets the event."""

    event: threading.Event


class _Ending:
    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


CLOSE = _Ending("CLOSE")
"""Close the connection properly."""

RESET = _Ending("RESET")
"""Break the connection with a TCP reset."""

SILENCE = _Ending("SILENCE")
"""Say nothing more, until the client goes away."""

ENDLESS = _Ending("ENDLESS")
"""Send the bytes before this again and again, until the client goes away."""

Step: TypeAlias = "bytes | Pause | Drip | WaitFor | _Ending"
Script: TypeAlias = "Sequence[Step] | bytes"


@dataclass(frozen=True)
class ReceivedRequest:
    """A request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    raw_head: bytes
    body: bytes
    connection: int

    @property
    def json(self) -> Any:
        """The parsed body."""
        return json.loads(self.body)


Player: TypeAlias = Callable[[ReceivedRequest], Script]


@dataclass
class _Connection:
    number: int
    sock: socket.socket
    gone: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None


@lru_cache(maxsize=1)
def certificates() -> tuple[Any, ssl.SSLContext]:
    """A certificate authority of our own, and the server's TLS context."""
    import trustme

    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return authority, context


def trusting_context() -> ssl.SSLContext:
    """A client's TLS context that trusts the server's certificate."""
    context = ssl.create_default_context()
    certificates()[0].configure_trust(context)
    return context


class ByteServer:
    """A loopback server that plays scripts; a context manager.

    Args:
        *scripts: What to answer: one script a request, over all connections, in order of arrival. The last one is
            played for all further requests. A callable is given the request and returns a script.
        on_connect: Played on each new connection before anything is read.
        tls: Whether to speak TLS.
    """

    def __init__(self, *scripts: Script | Player, on_connect: Script = (), tls: bool = False) -> None:
        self.scripts: list[Script | Player] = list(scripts)
        self.requests: list[ReceivedRequest] = []
        self.connections = 0
        self._on_connect = on_connect
        self._tls = tls
        self._open: dict[int, _Connection] = {}
        self._gone = 0
        self._played = 0
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, name="byte-server", daemon=True)

    @property
    def base_url(self) -> str:
        """The base for ``base_url``."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/api/v1"

    @property
    def open_connections(self) -> int:
        """Connections that neither side has closed."""
        with self._changed:
            return len(self._open)

    @property
    def clients_gone(self) -> int:
        """Connections that the client closed or broke."""
        with self._changed:
            return self._gone

    def wait_until(self, condition: Callable[[], bool], seconds: float = LONGEST_WAIT) -> bool:
        """Wait until something is so; whether it became so."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.002)
        return True

    def wait_until_gone(self, count: int = 1, seconds: float = LONGEST_WAIT) -> bool:
        """Wait until clients have left; whether they have."""
        return self.wait_until(lambda: self.clients_gone >= count, seconds)

    def __enter__(self) -> ByteServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()  # wakes accept()
        self._thread.join(2)
        self._listener.close()
        with self._changed:
            connections = list(self._open.values())
        for connection in connections:
            _shut(connection.sock)
        for connection in connections:
            if connection.thread is not None:
                connection.thread.join(2)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            if self._stopping.is_set():
                sock.close()
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._changed:
                self.connections += 1
                connection = _Connection(self.connections, sock)
                self._open[connection.number] = connection
            connection.thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            connection.thread.start()

    def _serve(self, connection: _Connection) -> None:
        try:
            connection.sock.settimeout(LONGEST_WAIT)
            if self._play(connection, self._on_connect):
                return
            if self._tls:
                connection.sock = certificates()[1].wrap_socket(connection.sock, server_side=True)
            reader = _RequestReader(connection)
            while not self._stopping.is_set():
                request = reader.next()
                if request is None:
                    self._client_left()
                    return
                if self._play(connection, self._script_for(request)):
                    return
        except (OSError, ValueError):
            self._client_left()
        finally:
            connection.sock.close()
            with self._changed:
                self._open.pop(connection.number, None)

    def _client_left(self) -> None:
        if not self._stopping.is_set():
            with self._changed:
                self._gone += 1

    def _script_for(self, request: ReceivedRequest) -> Script:
        with self._changed:
            self.requests.append(request)
            place = min(self._played, len(self.scripts) - 1)
            self._played += 1
        script = self.scripts[place]
        return script(request) if callable(script) else script

    def _play(self, connection: _Connection, script: Script) -> bool:
        """Play a script; whether the connection is over."""
        sock = connection.sock
        sent: list[bytes] = []
        for step in [script] if isinstance(script, bytes) else script:
            if isinstance(step, bytes):
                sock.sendall(step)
                sent.append(step)
            elif isinstance(step, Pause):
                self._stopping.wait(step.seconds)
            elif isinstance(step, Drip):
                for start in range(0, len(step.data), step.size):
                    sock.sendall(step.data[start : start + step.size])
                    if step.seconds:
                        self._stopping.wait(step.seconds)
            elif isinstance(step, WaitFor):
                step.event.wait(LONGEST_WAIT)
            elif step is CLOSE:
                return True
            elif step is RESET:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return True
            elif step is ENDLESS:
                while not self._stopping.is_set():
                    sock.sendall(sent[-1])
                return True
            elif step is SILENCE:
                while sock.recv(65536):
                    pass
                self._client_left()
                return True
        return False


class _RequestReader:
    """Reads the requests of one connection."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection
        self._buffer = b""

    def next(self) -> ReceivedRequest | None:
        """The next request, ``None`` where the client closed instead."""
        while b"\r\n\r\n" not in self._buffer:
            if not self._more():
                return None
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", 0))
        while len(self._buffer) < length:
            if not self._more():
                return None
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        return ReceivedRequest(method, target, headers, head, body, self._connection.number)

    def _more(self) -> bool:
        data = self._connection.sock.recv(1 << 20)
        self._buffer += data
        return bool(data)


def _shut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def unused_port() -> int:
    """A port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def joined(script: Iterable[Step]) -> bytes:
    """The bytes of a script, as one piece."""
    return b"".join(step for step in script if isinstance(step, bytes))
