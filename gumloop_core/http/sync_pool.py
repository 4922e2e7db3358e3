"""The process's pool for synchronous calls, and the transport that sends with it.

Loading the system's certificates takes milliseconds and a pooled connection saves a handshake, so models share both.
The pool opens at the first request, not before, and again after it was closed. It is dropped in a forked child, which
must not write into its parent's connections.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Protocol

import httpx

from gumloop_core.http import loop_pools
from gumloop_core.http.pool import Connection, Lease, Pool, PoolKey
from gumloop_core.http.settings import Road
from gumloop_core.http.transport import Request, Response


class SyncConnection(Connection, Protocol):
    """What sends one synchronous request at a time."""

    def send(self, request: Request, release: Callable[[], None]) -> Response:
        """Send a request and wait for the head of its response.

        Args:
            request: The request.
            release: Called when the response is closed.
        """

    def end(self) -> None:
        """End the request, whose thread may be waiting."""

    def close(self) -> None:
        """Close the connection. Raises nothing."""


class SyncLease(Lease[SyncConnection]):
    """A connection that is in use for one request of a user."""

    def send(self, request: Request) -> Response:
        """Send the request."""
        try:
            return self.connection.send(request, self.release)
        except BaseException:
            self.release()
            raise

    def end(self) -> None:
        """End the request, whose thread may be waiting."""
        self.connection.end()

    def release(self) -> None:
        """Say that the request and the reading of its answer are over."""
        for surplus in self._pool.release(self):
            surplus.close()


class SyncPool(Pool[SyncConnection, threading.Event, SyncLease]):
    """The process's pool."""

    def __init__(self) -> None:
        super().__init__(threading.Event, SyncLease)

    def make_connection(self, key: PoolKey) -> SyncConnection:
        """A new connection, on the road that the key names."""
        if key[2] == "httpx":
            from gumloop_core.http.httpx_connection import HttpxConnection

            return HttpxConnection(key[0])
        from gumloop_core.http.socket_connection import SocketConnection

        return SocketConnection()

    def close(self) -> None:
        """Close the connections that are not in use, and the others when they are released."""
        for connection in self.close_idle():
            connection.close()


class PooledTransport:
    """Sends with the process's pool, and is one of its users.

    Args:
        road: Which connections to use, ``None`` for the quickest that there are.
    """

    def __init__(self, road: Road | None) -> None:
        self._road = road

    def begin(self) -> threading.Event:
        """Begin a call."""
        with _lock:  # or another thread closes the pool before this user is known
            return _open().join(self)

    def send(self, request: Request, closed: threading.Event) -> Response:
        """Send a request.

        Raises:
            ConnectionAbortedError: If the call was ended by closing.
            ConfigurationError: If the road is not installed.
        """
        return self._acquire(request.url, closed).send(request)

    def close(self) -> None:
        """End this user's calls; the pool closes with its last user."""
        global _pool
        with _lock:
            pool = _pool
            if pool is None:
                return
            is_last = pool.leave(self)
            if is_last:
                _pool = None
        for lease in pool.leases_of(self):
            lease.end()
        if is_last:
            pool.close()

    def _acquire(self, url: httpx.URL, closed: threading.Event) -> SyncLease:
        loop_pools.sweep()
        with _lock:
            if closed.is_set():
                raise ConnectionAbortedError
            pool = _open()  # a child that was forked during the call has another
            pool.users[self] = closed
            return pool.acquire(self, (url.scheme, url.netloc, pool.road(self._road)))


_lock = threading.Lock()
_pool: SyncPool | None = None


def _open() -> SyncPool:
    global _pool
    if _pool is None:
        _pool = SyncPool()
    return _pool


def _forget_in_child() -> None:
    global _lock, _pool
    _lock = threading.Lock()
    _pool = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)
