"""The pool of an event loop for asynchronous calls, and the transport that sends with it.

What it shares with the process's pool for synchronous calls is said there, in :mod:`gumloop_core.http.sync_pool`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from typing import Protocol
from weakref import ref

import httpx

from gumloop_core.http import loop_pools
from gumloop_core.http.pool import Connection, Lease, Pool, PoolKey
from gumloop_core.http.settings import Road
from gumloop_core.http.transport import AsyncResponse, Request


class AsyncConnection(Connection, Protocol):
    """What sends one asynchronous request at a time; see :class:`gumloop_core.http.sync_pool.SyncConnection`."""

    async def send(self, request: Request, release: Callable[[], Awaitable[None]]) -> AsyncResponse:
        """Send a request and wait for the head of its response."""

    async def end(self) -> None:
        """End the request, whose task may be waiting."""

    async def aclose(self) -> None:
        """Close the connection. Raises nothing."""

    def drop(self) -> None:
        """Close the socket of a loop that is closed."""


class AsyncLease(Lease[AsyncConnection]):
    """A connection that is in use for one request of a user."""

    _pool: AsyncPool

    async def send(self, request: Request) -> AsyncResponse:
        """Send the request."""
        try:
            return await self.connection.send(request, self.release)
        except BaseException:
            await self.release()
            raise

    async def end(self) -> None:
        """End the request, whose task may be waiting."""
        await self.connection.end()

    async def release(self) -> None:
        """Say that the request and the reading of its answer are over."""
        pool = self._pool
        if pool.is_forgotten:
            pool.leases.discard(self)
            return  # its connection is closed, or the parent's
        for surplus in pool.release(self):
            await surplus.aclose()


class AsyncPool(Pool[AsyncConnection, asyncio.Event, AsyncLease]):
    """An event loop's pool."""

    def __init__(self) -> None:
        super().__init__(asyncio.Event, AsyncLease)
        self.is_forgotten = False
        self._guard = self._close_with_loop()

    async def watch_loop(self) -> None:
        """Have the pool closed when the running loop shuts down."""
        await self._guard.asend(None)

    async def _close_with_loop(self) -> AsyncGenerator[None, None]:
        # asyncio.run() closes the generators that are still open while the loop can still do I/O.
        loop = ref(asyncio.get_running_loop())
        try:
            yield
        finally:
            loop_pools.pools.remove(loop(), self)
            await self._close_connections()

    def make_connection(self, key: PoolKey) -> AsyncConnection:
        """A new connection, on the road that the key names."""
        if key[2] == "httpx":
            from gumloop_core.http.httpx_connection import AsyncHttpxConnection

            return AsyncHttpxConnection(key[0])
        from gumloop_core.http.asyncio_connection import AsyncioConnection

        return AsyncioConnection()

    async def aclose(self) -> None:
        """Close the connections that are not in use, and the others when they are released."""
        await self._guard.aclose()
        await self._close_connections()

    def forget(self) -> None:
        """Let go of the connections without closing them: in a forked child they are its parent's."""
        self.is_forgotten = True
        self.close_idle()
        self.connections = set()
        with suppress(StopIteration, RuntimeError):
            self._guard.aclose().send(None)  # or the loop, which runs no more, would be asked to

    def abandon(self) -> None:
        """Close the connections of a loop that is closed, where nothing can be awaited."""
        dropped = list(self.connections)
        self.forget()
        for connection in dropped:
            connection.drop()

    async def _close_connections(self) -> None:
        for connection in self.close_idle():
            await connection.aclose()


class AsyncPooledTransport:
    """Sends with the running loop's pool, and is one of its users; see :mod:`gumloop_core.http.transport`.

    Args:
        road: Which connections to use, ``None`` for the quickest that there are.
    """

    def __init__(self, road: Road | None) -> None:
        self._road = road

    async def begin(self) -> asyncio.Event:
        """Begin a call."""
        return (await _open()).join(self)

    async def send(self, request: Request, closed: asyncio.Event) -> AsyncResponse:
        """Send a request.

        Raises:
            ConnectionAbortedError: If the call was ended by closing.
            ConfigurationError: If the road is not installed.
        """
        lease = await self._acquire(request.url, closed)
        return await lease.send(request)

    async def aclose(self) -> None:
        """End this user's calls in the running loop; its pool closes with its last user."""
        loop = asyncio.get_running_loop()
        pool: AsyncPool | None = loop_pools.pools.get(loop)
        if pool is None:
            return
        is_last = pool.leave(self)
        if is_last:
            loop_pools.pools.remove(loop, pool)
        for lease in pool.leases_of(self):
            await lease.end()
        if is_last:
            await pool.aclose()
        await asyncio.sleep(0)  # in which asyncio closes the sockets

    async def _acquire(self, url: httpx.URL, closed: asyncio.Event) -> AsyncLease:
        if closed.is_set():
            raise ConnectionAbortedError
        pool = await _open()  # the loop may be another than the one in which a stream began
        pool.users[self] = closed
        return pool.acquire(self, (url.scheme, url.netloc, pool.road(self._road)))


async def _open() -> AsyncPool:
    loop = asyncio.get_running_loop()
    pool: AsyncPool | None = loop_pools.pools.get(loop)
    if pool is None or len(loop_pools.pools) > 1:
        loop_pools.sweep()
    if pool is None or pool.is_closed:
        pool = AsyncPool()
        loop_pools.pools.put(loop, pool)
        await pool.watch_loop()
    return pool
