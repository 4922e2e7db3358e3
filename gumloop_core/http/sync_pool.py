"""The process's pool for synchronous calls, and the transport that sends with it.

Loading the system's certificates takes milliseconds and a pooled connection saves a handshake, so models share both.
The pool opens at the first request, not before, and again after it was closed. It is dropped in a forked child, which
must not write into its parent's connections.
"""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from typing import Any

import httpx

from gumloop_core.http import environment, loop_pools, sockets
from gumloop_core.http.httpx_response import HttpxResponse
from gumloop_core.http.pool import ONE_CONNECTION, Cookieless, Lease, Pool, PoolKey, httpx_request
from gumloop_core.http.transport import Request


class SyncLease(Lease[httpx.Client]):
    """A client that is in use for one request of a user."""

    _opening: socket.socket | None

    def trace(self, event: str, info: dict[str, Any]) -> None:
        """Follow the request: a connection that is being opened is not yet the client's. httpx calls this."""
        if event.endswith("connect_tcp.complete"):
            # While TLS shakes hands, the socket is in nobody's hands but its own.
            self._opening = sockets.duplicate(info["return_value"])
            if self.is_ended:
                sockets.shut_down_socket(self._opening)
        elif event.endswith("send_request_headers.started") and info["request"].method != b"CONNECT":
            info["request"].extensions.pop("trace", None)  # what follows is not worth being told of
            self._has_opened()

    def _has_opened(self) -> None:
        if self._opening is not None:
            self._opening.close()
            self._opening = None

    def end(self) -> None:
        """End the request, whose thread may be waiting."""
        self.is_ended = True
        sockets.shut_down_socket(self._opening)
        sockets.shut_down(self.client)

    def release(self) -> None:
        """Say that the request and the reading of its answer are over."""
        self._has_opened()
        for surplus in self._pool.release(self):
            with suppress(Exception):  # it is not used again
                surplus.close()


class SyncPool(Pool[httpx.Client, threading.Event, SyncLease]):
    """The process's pool."""

    def __init__(self) -> None:
        super().__init__(threading.Event, SyncLease)

    def make_client(self, key: PoolKey) -> httpx.Client:
        """A new client, with the proxies of the environment."""
        return environment.with_proxies(_make_client)

    def close(self) -> None:
        """Close the connections that are not in use, and the others when they are released."""
        for client in self.close_idle():
            with suppress(Exception):
                client.close()


class PooledTransport:
    """Sends with the process's pool, and is one of its users."""

    def begin(self) -> threading.Event:
        """Begin a call."""
        with _lock:  # or another thread closes the pool before this user is known
            return _open().join(self)

    def send(self, request: Request, closed: threading.Event) -> HttpxResponse:
        """Send a request.

        Raises:
            ConnectionAbortedError: If the call was ended by closing.
        """
        lease = self._acquire(request.url, closed)
        try:
            sent = httpx_request(request, lease.trace)
            response = lease.client.send(sent, stream=True, auth=None, follow_redirects=False)
            return HttpxResponse(response, lease.release)
        except BaseException:
            lease.release()
            raise

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
            return pool.acquire(self, (url.scheme, url.netloc, "httpx"))


_lock = threading.Lock()
_pool: SyncPool | None = None


def _open() -> SyncPool:
    global _pool
    if _pool is None:
        _pool = SyncPool()
    return _pool


def _make_client() -> httpx.Client:
    return Cookieless(verify=environment.tls_context(), limits=ONE_CONNECTION, timeout=None)


def _forget_in_child() -> None:
    global _lock, _pool
    _lock = threading.Lock()
    _pool = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)
