"""The connections: one TLS context a process, one pool a process for sync calls and one an event loop for async ones.

Loading the system's certificates takes milliseconds and a pooled connection saves a handshake, so models share both.
A pool opens at the first request, not before, and again after it was closed. It is dropped in a forked child, which
must not write into its parent's connections, and an event loop's pool closes with its loop.

A pool is a stack of httpx clients with one connection each, and a request borrows one. In a single client, httpx looks
through all connections when a request begins and when it ends, asks the operating system about every idle one, and
closes connections as soon as there are more than may be idle, though most are busy: with hundreds of streams, that
comes to cost more than the requests.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import suppress
from functools import cached_property, lru_cache
from typing import Generic, TypeAlias, TypeVar
from urllib.request import getproxies
from weakref import WeakKeyDictionary, WeakSet

import httpx

from gumloop_core.errors import ConfigurationError
from gumloop_core.settings import AsyncTransport

IDLE_CONNECTIONS = 100
"""Connections to one origin that are kept open for later requests. Those in use are not limited: a thousand streams
must not wait for each other. The vendor caps concurrency by plan and says so with 429."""

IDLE_SECONDS = 30.0
"""How long a connection is kept."""

_ONE_CONNECTION = httpx.Limits(max_connections=None, max_keepalive_connections=1, keepalive_expiry=IDLE_SECONDS)

Client = TypeVar("Client", httpx.Client, httpx.AsyncClient)

Shelf: TypeAlias = tuple[str, bytes, AsyncTransport]
"""Where a client waits: for requests to this scheme and host, to be sent by this."""


@lru_cache(maxsize=1)
def tls_context() -> ssl.SSLContext:
    """The TLS context that all connections share."""
    return httpx.create_ssl_context()


class _Clients(Generic[Client]):
    """A pool's clients, in use or waiting. Takes no lock: a generator's end may run at any time, in any thread."""

    def __init__(self) -> None:
        self.all: set[Client] = set()
        self._waiting: dict[Shelf, deque[tuple[float, Client]]] = {}

    def take(self, shelf: Shelf) -> Client | None:
        """The client that waits here since the shortest time, if any does."""
        try:
            return self._waiting[shelf].pop()[1]
        except LookupError:
            return None

    def put(self, shelf: Shelf, client: Client) -> list[Client]:
        """Have a client wait, unless it was closed with its pool.

        Returns:
            Clients that have waited too long or are too many; the caller closes them.
        """
        if client.is_closed:
            return []
        now = time.monotonic()
        self._waiting.setdefault(shelf, deque()).append((now, client))
        surplus: list[Client] = []
        try:
            for waiting in list(self._waiting.values()):
                while len(waiting) > IDLE_CONNECTIONS or (waiting and waiting[0][0] < now - IDLE_SECONDS):
                    surplus.append(waiting.popleft()[1])
        except IndexError:
            pass  # another thread took the last one in between
        self.all.difference_update(surplus)
        return surplus


class SyncPool:
    """The process's pool for synchronous calls, and who uses it."""

    def __init__(self) -> None:
        self.clients: _Clients[httpx.Client] = _Clients()
        self.users: WeakSet[object] = WeakSet()

    def borrow(self, url: httpx.URL) -> BorrowedClient:
        """A client for one request."""
        shelf: Shelf = (url.scheme, url.netloc, "httpx")
        client = self.clients.take(shelf)
        if client is None:
            client = httpx.Client(verify=tls_context(), limits=_ONE_CONNECTION, timeout=None)  # noqa: S113 - every request brings its own
            self.clients.all.add(client)
        return BorrowedClient(self, shelf, client)

    def close(self) -> None:
        """Close the connections."""
        for client in list(self.clients.all):
            client.close()


class BorrowedClient:
    """A client that is in use for one request."""

    def __init__(self, pool: SyncPool, shelf: Shelf, client: httpx.Client) -> None:
        self.client = client
        self._pool = pool
        self._shelf = shelf

    def give_back(self) -> None:
        """Say that the request and the reading of its answer are over."""
        for surplus in self._pool.clients.put(self._shelf, self.client):
            surplus.close()


class AsyncPool:
    """An event loop's pool, and who uses it."""

    def __init__(self) -> None:
        self.clients: _Clients[httpx.AsyncClient] = _Clients()
        self.users: WeakSet[object] = WeakSet()
        self.is_closed = False
        self._guard = self._close_with_loop()

    @cached_property
    def _has_proxies(self) -> bool:
        return not {"http", "https", "all"}.isdisjoint(getproxies())

    async def watch_loop(self) -> None:
        """Have the pool closed when the running loop shuts down."""
        await self._guard.asend(None)

    async def _close_with_loop(self) -> AsyncGenerator[None, None]:
        # asyncio.run() closes the generators that are still open while the loop can still do I/O.
        loop = asyncio.get_running_loop()
        try:
            yield
        finally:
            if _async_pools.get(loop) is self:
                del _async_pools[loop]  # its connections know the loop: the entry would keep both for ever
            await self._close_clients()

    def borrow(self, url: httpx.URL, transport: AsyncTransport) -> BorrowedAsyncClient:
        """A client for one request."""
        if transport == "aiohttp" and self._has_proxies:
            transport = "httpx"
        shelf: Shelf = (url.scheme, url.netloc, transport)
        client = self.clients.take(shelf)
        if client is None:
            client = _async_client(transport)
            self.clients.all.add(client)
        return BorrowedAsyncClient(self, shelf, client)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._guard.aclose()
        await self._close_clients()

    def forget(self) -> None:
        """Let go of the connections without closing them: in a forked child they are its parent's."""
        self.clients = _Clients()
        with suppress(StopIteration, RuntimeError):
            self._guard.aclose().send(None)  # or the loop, which runs no more, would be asked to

    async def _close_clients(self) -> None:
        self.is_closed = True
        for client in list(self.clients.all):
            await client.aclose()


class BorrowedAsyncClient:
    """A client that is in use for one request."""

    def __init__(self, pool: AsyncPool, shelf: Shelf, client: httpx.AsyncClient) -> None:
        self.client = client
        self.keeps_timeouts = shelf[2] == "httpx"
        self._pool = pool
        self._shelf = shelf

    async def agive_back(self) -> None:
        """Say that the request and the reading of its answer are over."""
        for surplus in self._pool.clients.put(self._shelf, self.client):
            await surplus.aclose()


def _async_client(transport: AsyncTransport) -> httpx.AsyncClient:
    if transport == "httpx":
        return httpx.AsyncClient(verify=tls_context(), limits=_ONE_CONNECTION, timeout=None)  # noqa: S113 - every request brings its own
    try:
        from gumloop_core.aiohttp_transport import AiohttpTransport
    except ImportError as error:
        raise ConfigurationError(
            f"async_transport='aiohttp' cannot be had: {error}. Install it: pip install 'gumloop-llms[aiohttp]'"
        ) from None
    return httpx.AsyncClient(transport=AiohttpTransport(tls_context(), IDLE_SECONDS), timeout=None)  # noqa: S113


_lock = threading.Lock()
_sync_pool: SyncPool | None = None
_async_pools: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncPool] = WeakKeyDictionary()


def borrow(user: object, url: httpx.URL) -> BorrowedClient:
    """Borrow a client of the process's pool, which is opened if need be.

    Args:
        user: Who borrows; see :func:`release`.
        url: Where the request goes.
    """
    global _sync_pool
    with _lock:  # or another thread closes the pool before this user is known
        if _sync_pool is None:
            _sync_pool = SyncPool()
        _sync_pool.users.add(user)
        return _sync_pool.borrow(url)


async def aborrow(user: object, url: httpx.URL, transport: AsyncTransport) -> BorrowedAsyncClient:
    """Borrow a client of the running loop's pool; see :func:`borrow`.

    Raises:
        ConfigurationError: If the transport is not installed.
    """
    loop = asyncio.get_running_loop()
    pool = _async_pools.get(loop)
    if pool is None or pool.is_closed:
        pool = AsyncPool()
        with _lock:
            _async_pools[loop] = pool
        await pool.watch_loop()
    pool.users.add(user)
    return pool.borrow(url, transport)


def release(user: object) -> None:
    """Say that a user is done with the sync pool; it closes with its last user."""
    global _sync_pool
    with _lock:
        pool = _sync_pool
        if pool is None:
            return
        pool.users.discard(user)
        if pool.users:
            return
        _sync_pool = None
    pool.close()


async def arelease(user: object) -> None:
    """Say that a user is done with the running loop's pool; it closes with its last user."""
    loop = asyncio.get_running_loop()
    with _lock:
        pool = _async_pools.get(loop)
        if pool is None:
            return
        pool.users.discard(user)
        if pool.users:
            return
        del _async_pools[loop]
    await pool.aclose()


def _forget_in_child() -> None:
    global _lock, _sync_pool, _async_pools
    for pool in list(_async_pools.values()):
        pool.forget()
    _lock = threading.Lock()
    _sync_pool = None
    _async_pools = WeakKeyDictionary()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)
