"""The connections: one TLS context a process, one pool a process for sync calls and one an event loop for async ones.

Loading the system's certificates takes milliseconds and a pooled connection saves a handshake, so models share both.
A pool opens at the first request, not before, and again after it was closed. It is dropped in a forked child, which
must not write into its parent's connections. An event loop's pool closes with its loop; where the loop was closed by
hand, with the next call of the process.

A pool is a stack of httpx clients with one connection each, and a request borrows one. In a single client, httpx looks
through all connections when a request begins and when it ends, asks the operating system about every idle one, and
closes connections as soon as there are more than may be idle, though most are busy: with hundreds of streams, that
comes to cost more than the requests.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import suppress
from functools import cached_property, lru_cache
from typing import Any, Generic, TypeAlias, TypeVar
from urllib.request import getproxies
from weakref import WeakKeyDictionary, ref

import anyio
import httpx

from gumloop_core.errors import ConfigurationError
from gumloop_core.http import environment, sockets
from gumloop_core.http.settings import AsyncTransport

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
    """The TLS context that all connections share.

    Raises:
        ConfigurationError: If the certificates that the environment names cannot be read.
    """
    return environment.load_tls_context()


class _Clients(Generic[Client]):
    """A pool's clients, in use or waiting. Takes no lock: a generator's end may run at any time, in any thread."""

    def __init__(self) -> None:
        self.all: set[Client] = set()
        self.is_closed = False
        self._waiting: dict[Shelf, deque[tuple[float, Client]]] = {}

    def take(self, shelf: Shelf) -> Client | None:
        """The client that waits here since the shortest time, if any does."""
        try:
            return self._waiting[shelf].pop()[1]
        except LookupError:
            return None

    def put(self, shelf: Shelf, client: Client, *, is_ended: bool) -> list[Client]:
        """Have a client wait, unless its request was ended or the pool is closed.

        Returns:
            Clients that are not kept: it, or those that have waited too long or are too many; the caller closes them.
        """
        if is_ended or self.is_closed:
            self.all.discard(client)
            return [client]
        now = time.monotonic()
        self._waiting.setdefault(shelf, deque()).append((now, client))
        if self.is_closed:  # by another thread in between
            return self.close()
        surplus: list[Client] = []
        try:
            for waiting in list(self._waiting.values()):
                while len(waiting) > IDLE_CONNECTIONS or (waiting and waiting[0][0] < now - IDLE_SECONDS):
                    surplus.append(waiting.popleft()[1])
        except IndexError:
            pass  # another thread took the last one in between
        self.all.difference_update(surplus)
        return surplus

    def close(self) -> list[Client]:
        """Keep no client from now on.

        Returns:
            The clients that waited; the caller closes them. Those in use are closed when they are given back.
        """
        self.is_closed = True
        waited: list[Client] = []
        for waiting in list(self._waiting.values()):
            with suppress(IndexError):
                while True:
                    waited.append(waiting.pop()[1])
        self.all.difference_update(waited)
        return waited


class SyncPool:
    """The process's pool for synchronous calls, and who uses it.

    Attributes:
        users: For each user an event that is set when it is released; calls that are under way look at it.
    """

    def __init__(self) -> None:
        self.clients: _Clients[httpx.Client] = _Clients()
        self.users: WeakKeyDictionary[object, threading.Event] = WeakKeyDictionary()
        self.borrowed: set[BorrowedClient] = set()

    def borrow(self, user: object, url: httpx.URL) -> BorrowedClient:
        """A client for one request."""
        shelf: Shelf = (url.scheme, url.netloc, "httpx")
        client = self.clients.take(shelf)
        if client is None:
            client = environment.with_proxies(_sync_client)
            self.clients.all.add(client)
        borrowed = BorrowedClient(self, user, shelf, client)
        self.borrowed.add(borrowed)
        return borrowed

    def end_requests(self, user: object) -> None:
        """End a user's requests, whose threads may be waiting."""
        for borrowed in list(self.borrowed):
            if borrowed.user is user:
                borrowed.end()

    def close(self) -> None:
        """Close the connections that are not in use, and the others when they are given back."""
        for client in self.clients.close():
            with suppress(Exception):
                client.close()


class BorrowedClient:
    """A client that is in use for one request of a user."""

    def __init__(self, pool: SyncPool, user: object, shelf: Shelf, client: httpx.Client) -> None:
        self.client = client
        self.user = user
        self.is_ended = False
        self._opening: socket.socket | None = None
        self._pool = pool
        self._shelf = shelf

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

    def give_back(self) -> None:
        """Say that the request and the reading of its answer are over."""
        self._pool.borrowed.discard(self)
        self._has_opened()
        for surplus in self._pool.clients.put(self._shelf, self.client, is_ended=self.is_ended):
            with suppress(Exception):  # it is not used again
                surplus.close()


class AsyncPool:
    """An event loop's pool, and who uses it; see :class:`SyncPool`."""

    def __init__(self) -> None:
        self.clients: _Clients[httpx.AsyncClient] = _Clients()
        self.users: WeakKeyDictionary[object, asyncio.Event] = WeakKeyDictionary()
        self.borrowed: set[BorrowedAsyncClient] = set()
        self.is_forgotten = False
        self._guard = self._close_with_loop()

    @cached_property
    def _has_proxies(self) -> bool:
        return not {"http", "https", "all"}.isdisjoint(getproxies())

    @property
    def is_closed(self) -> bool:
        """Whether a later call needs another pool."""
        return self.clients.is_closed

    async def watch_loop(self) -> None:
        """Have the pool closed when the running loop shuts down."""
        await self._guard.asend(None)

    async def _close_with_loop(self) -> AsyncGenerator[None, None]:
        # asyncio.run() closes the generators that are still open while the loop can still do I/O.
        loop = ref(asyncio.get_running_loop())
        try:
            yield
        finally:
            _async_pools.remove(loop(), self)
            await self._close_clients()

    def borrow(self, user: object, url: httpx.URL, transport: AsyncTransport) -> BorrowedAsyncClient:
        """A client for one request."""
        if transport == "aiohttp" and self._has_proxies:
            transport = "httpx"
        shelf: Shelf = (url.scheme, url.netloc, transport)
        client = self.clients.take(shelf)
        if client is None:
            client = _async_client(transport)
            self.clients.all.add(client)
        borrowed = BorrowedAsyncClient(self, user, shelf, client)
        self.borrowed.add(borrowed)
        return borrowed

    async def end_requests(self, user: object) -> None:
        """End a user's requests, whose tasks may be waiting."""
        for borrowed in list(self.borrowed):
            if borrowed.user is user:
                await borrowed.aend()

    async def aclose(self) -> None:
        """Close the connections that are not in use, and the others when they are given back."""
        await self._guard.aclose()
        await self._close_clients()

    def forget(self) -> None:
        """Let go of the connections without closing them: in a forked child they are its parent's."""
        self.is_forgotten = True
        self.clients = _Clients()
        self.clients.is_closed = True
        with suppress(StopIteration, RuntimeError):
            self._guard.aclose().send(None)  # or the loop, which runs no more, would be asked to

    def abandon(self) -> None:
        """Close the connections of a loop that is closed, where nothing can be awaited."""
        dropped = list(self.clients.all)
        self.forget()
        for client in dropped:
            sockets.drop(client)

    async def _close_clients(self) -> None:
        for client in self.clients.close():
            with suppress(Exception):
                await client.aclose()


class BorrowedAsyncClient:
    """A client that is in use for one request of a user.

    Attributes:
        keeps_timeouts: Whether its transport looks up a request's timeouts at each read.
        sending: What the request is sent in, until its answer begins.
    """

    def __init__(self, pool: AsyncPool, user: object, shelf: Shelf, client: httpx.AsyncClient) -> None:
        self.client = client
        self.user = user
        self.is_ended = False
        self.keeps_timeouts = shelf[2] == "httpx"
        self.sending = anyio.CancelScope()
        self._opening: Any = None
        self._pool = pool
        self._shelf = shelf

    async def trace(self, event: str, info: dict[str, Any]) -> None:
        """Follow the request; see :meth:`BorrowedClient.trace`."""
        if event.endswith("connect_tcp.complete"):
            self._opening = info["return_value"]
        elif event.endswith("send_request_headers.started") and info["request"].method != b"CONNECT":
            info["request"].extensions.pop("trace", None)  # what follows is not worth being told of
            self._opening = None

    async def aend(self) -> None:
        """End the request, whose task may be waiting."""
        self.is_ended = True
        self.sending.cancel()
        with suppress(Exception):
            await self.client.aclose()

    async def agive_back(self) -> None:
        """Say that the request and the reading of its answer are over."""
        self._pool.borrowed.discard(self)
        if self._pool.is_forgotten:
            return  # its connection is closed, or the parent's
        if (
            self._opening is not None
        ):  # a cancellation came while TLS shook hands; httpx leaves the connection open then
            with suppress(Exception):
                await self._opening.aclose()
        for surplus in self._pool.clients.put(self._shelf, self.client, is_ended=self.is_ended):
            with suppress(Exception):  # it is not used again
                await surplus.aclose()


def _sync_client() -> httpx.Client:
    return httpx.Client(verify=tls_context(), limits=_ONE_CONNECTION, timeout=None)  # noqa: S113 - every request brings its own


def _async_client(transport: AsyncTransport) -> httpx.AsyncClient:
    if transport == "httpx":
        context = tls_context()
        return environment.with_proxies(
            lambda: httpx.AsyncClient(verify=context, limits=_ONE_CONNECTION, timeout=None)  # noqa: S113 - as above
        )
    try:
        from gumloop_core.http.aiohttp_transport import AiohttpTransport
    except ImportError as error:
        raise ConfigurationError(
            f"async_transport='aiohttp' cannot be had: {error}. Install it: pip install 'gumloop-llms[aiohttp]'"
        ) from None
    return httpx.AsyncClient(transport=AiohttpTransport(tls_context(), IDLE_SECONDS), timeout=None)  # noqa: S113


_POOL = "_gumloop_pool"


class _PoolsOfLoops:
    """The event loops' pools.

    A pool's connections know their loop. So that a loop can be collected although nobody closed it, it alone holds its
    pool, as an attribute, and is known here by weak references.
    """

    def __init__(self) -> None:
        self._loops: dict[int, ref[asyncio.AbstractEventLoop]] = {}
        self._kept: dict[int, AsyncPool] = {}  # of loops that take no attributes

    def __len__(self) -> int:
        return len(self._loops)

    def __getitem__(self, loop: asyncio.AbstractEventLoop) -> AsyncPool:
        pool = self.get(loop)
        if pool is None:
            raise KeyError(loop)
        return pool

    def get(self, loop: asyncio.AbstractEventLoop) -> AsyncPool | None:
        """A loop's pool."""
        return getattr(loop, _POOL, None) or self._kept.get(id(loop))

    def put(self, loop: asyncio.AbstractEventLoop, pool: AsyncPool) -> None:
        """Set a loop's pool."""
        number = id(loop)
        self._loops[number] = ref(loop, lambda _: self._loops.pop(number, None))
        try:
            setattr(loop, _POOL, pool)
        except AttributeError:
            self._kept[number] = pool

    def remove(self, loop: asyncio.AbstractEventLoop | None, pool: AsyncPool) -> bool:
        """Take a loop's pool from it, if it is still this one."""
        if loop is None or self.get(loop) is not pool:
            return False
        self._loops.pop(id(loop), None)
        self._kept.pop(id(loop), None)
        with suppress(AttributeError):
            delattr(loop, _POOL)
        return True

    def all(self) -> list[tuple[asyncio.AbstractEventLoop, AsyncPool]]:
        """Each loop and its pool."""
        found: list[tuple[Any, AsyncPool | None]] = []
        for known in list(self._loops.values()):
            loop = known()
            if loop is not None:
                found.append((loop, self.get(loop)))
        return [(loop, pool) for loop, pool in found if pool is not None]

    def sweep(self) -> None:
        """Abandon the pools of loops that were closed by hand."""
        for loop, pool in self.all():
            if loop.is_closed() and self.remove(loop, pool):
                pool.abandon()


_lock = threading.Lock()
_sync_pool: SyncPool | None = None
_async_pools = _PoolsOfLoops()


def join(user: object) -> threading.Event:
    """Begin a call with the process's pool, which is opened if need be.

    Args:
        user: Who calls; see :func:`release`.

    Returns:
        An event that is set when the user is released: the call is over then, whatever it waits for.
    """
    with _lock:  # or another thread closes the pool before this user is known
        users = _open_pool().users
        closing = users.get(user)
        if closing is None:
            closing = users[user] = threading.Event()
        return closing


def borrow(user: object, url: httpx.URL, closing: threading.Event) -> BorrowedClient:
    """Borrow a client of the process's pool for one attempt of a call.

    Args:
        user: Who calls.
        url: Where the request goes.
        closing: What the call has from :func:`join`.

    Raises:
        ConnectionAbortedError: If the user was released since.
    """
    if _async_pools:
        _async_pools.sweep()
    with _lock:
        if closing.is_set():
            raise ConnectionAbortedError
        pool = _open_pool()  # a child that was forked during the call has another
        pool.users[user] = closing
        return pool.borrow(user, url)


def _open_pool() -> SyncPool:
    global _sync_pool
    if _sync_pool is None:
        _sync_pool = SyncPool()
    return _sync_pool


async def ajoin(user: object) -> asyncio.Event:
    """Begin a call with the running loop's pool; see :func:`join`."""
    users = (await _open_async_pool()).users
    closing = users.get(user)
    if closing is None:
        closing = users[user] = asyncio.Event()
    return closing


async def aborrow(
    user: object, url: httpx.URL, transport: AsyncTransport, closing: asyncio.Event
) -> BorrowedAsyncClient:
    """Borrow a client of the running loop's pool; see :func:`borrow`.

    Raises:
        ConnectionAbortedError: If the user was released since the call began.
        ConfigurationError: If the transport is not installed.
    """
    if closing.is_set():
        raise ConnectionAbortedError
    pool = await _open_async_pool()  # the loop may be another than the one in which a stream began
    pool.users[user] = closing
    return pool.borrow(user, url, transport)


async def _open_async_pool() -> AsyncPool:
    loop = asyncio.get_running_loop()
    pool = _async_pools.get(loop)
    if pool is None or len(_async_pools) > 1:
        _async_pools.sweep()
    if pool is None or pool.is_closed:
        pool = AsyncPool()
        _async_pools.put(loop, pool)
        await pool.watch_loop()
    return pool


def release(user: object) -> None:
    """End a user's requests, and say that it is done with the sync pool; it closes with its last user."""
    global _sync_pool
    with _lock:
        pool = _sync_pool
        if pool is None:
            return
        closing = pool.users.pop(user, None)
        if closing is not None:
            closing.set()
        is_last = not pool.users
        if is_last:
            _sync_pool = None
    pool.end_requests(user)
    if is_last:
        pool.close()


async def arelease(user: object) -> None:
    """End a user's requests in the running loop, and say that it is done with its pool; see :func:`release`."""
    loop = asyncio.get_running_loop()
    pool = _async_pools.get(loop)
    if pool is None:
        return
    closing = pool.users.pop(user, None)
    if closing is not None:
        closing.set()
    is_last = not pool.users
    if is_last:
        _async_pools.remove(loop, pool)
    await pool.end_requests(user)
    if is_last:
        await pool.aclose()


def _forget_in_child() -> None:
    global _lock, _sync_pool, _async_pools
    for loop, pool in _async_pools.all():
        _async_pools.remove(loop, pool)
        pool.forget()
    _lock = threading.Lock()
    _sync_pool = None
    _async_pools = _PoolsOfLoops()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)
