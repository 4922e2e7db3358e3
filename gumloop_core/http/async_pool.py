"""The pool of an event loop for asynchronous calls, and the transport that sends with it.

What it shares with the process's pool for synchronous calls is said there, in :mod:`gumloop_core.http.sync_pool`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from functools import cached_property
from typing import Any
from urllib.request import getproxies
from weakref import ref

import anyio
import httpx

from gumloop_core.errors import ConfigurationError
from gumloop_core.http import environment, loop_pools, sockets, timed
from gumloop_core.http.httpx_response import AsyncHttpxResponse
from gumloop_core.http.pool import IDLE_SECONDS, ONE_CONNECTION, AsyncCookieless, Lease, Pool, PoolKey, httpx_request
from gumloop_core.http.settings import AsyncTransportName
from gumloop_core.http.transport import Request


class AsyncLease(Lease[httpx.AsyncClient]):
    """A client that is in use for one request of a user.

    Attributes:
        keeps_timeouts: Whether its transport looks up a request's timeouts at each read.
        sending: What the request is sent in, until its answer begins; ``None`` from then on: some versions of anyio
            keep the task in it, and the task may have the stream.
    """

    _pool: AsyncPool

    def __init__(self, pool: AsyncPool, user: object, key: PoolKey, client: httpx.AsyncClient) -> None:
        super().__init__(pool, user, key, client)
        self.keeps_timeouts = key[2] == "httpx"
        self.sending: anyio.CancelScope | None = anyio.CancelScope()

    async def trace(self, event: str, info: dict[str, Any]) -> None:
        """Follow the request; see :meth:`gumloop_core.http.sync_pool.SyncLease.trace`."""
        if event.endswith("connect_tcp.complete"):
            self._opening = info["return_value"]
        elif event.endswith("send_request_headers.started") and info["request"].method != b"CONNECT":
            info["request"].extensions.pop("trace", None)  # what follows is not worth being told of
            self._opening = None

    async def end(self) -> None:
        """End the request, whose task may be waiting."""
        self.is_ended = True
        if self.sending is not None:
            self.sending.cancel()
        with suppress(Exception):
            await self.client.aclose()

    async def release(self) -> None:
        """Say that the request and the reading of its answer are over."""
        pool = self._pool
        if pool.is_forgotten:
            pool.leases.discard(self)
            return  # its connection is closed, or the parent's
        if self._opening is not None:
            # A cancellation came while TLS shook hands; httpx leaves the connection open then.
            with suppress(Exception):
                await self._opening.aclose()
        for surplus in pool.release(self):
            with suppress(Exception):  # it is not used again
                await surplus.aclose()


class AsyncPool(Pool[httpx.AsyncClient, asyncio.Event, AsyncLease]):
    """An event loop's pool."""

    def __init__(self) -> None:
        super().__init__(asyncio.Event, AsyncLease)
        self.is_forgotten = False
        self._guard = self._close_with_loop()

    @cached_property
    def has_proxies(self) -> bool:
        """Whether the environment names proxies, which aiohttp would not take from there."""
        return not {"http", "https", "all"}.isdisjoint(getproxies())

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
            await self._close_clients()

    def make_client(self, key: PoolKey) -> httpx.AsyncClient:
        """A new client, over the transport that the key names.

        Raises:
            ConfigurationError: If the transport is not installed.
        """
        if key[2] == "httpx":
            context = environment.tls_context()
            return environment.with_proxies(
                lambda: AsyncCookieless(verify=context, limits=ONE_CONNECTION, timeout=None)
            )
        try:
            from gumloop_core.http.aiohttp_transport import AiohttpTransport
        except ImportError as error:
            raise ConfigurationError(
                f"async_transport='aiohttp' cannot be had: {error}. Install it: pip install 'gumloop-llms[aiohttp]'"
            ) from None
        return AsyncCookieless(transport=AiohttpTransport(environment.tls_context(), IDLE_SECONDS), timeout=None)

    async def aclose(self) -> None:
        """Close the connections that are not in use, and the others when they are released."""
        await self._guard.aclose()
        await self._close_clients()

    def forget(self) -> None:
        """Let go of the connections without closing them: in a forked child they are its parent's."""
        self.is_forgotten = True
        self.close_idle()
        self.clients = set()
        with suppress(StopIteration, RuntimeError):
            self._guard.aclose().send(None)  # or the loop, which runs no more, would be asked to

    def abandon(self) -> None:
        """Close the connections of a loop that is closed, where nothing can be awaited."""
        dropped = list(self.clients)
        self.forget()
        for client in dropped:
            sockets.drop(client)

    async def _close_clients(self) -> None:
        for client in self.close_idle():
            with suppress(Exception):
                await client.aclose()


class AsyncPooledTransport:
    """Sends with the running loop's pool, and is one of its users; see :mod:`gumloop_core.http.transport`.

    Args:
        name: What has the connections below httpx.
    """

    def __init__(self, name: AsyncTransportName) -> None:
        self._name = name

    async def begin(self) -> asyncio.Event:
        """Begin a call."""
        return (await _open()).join(self)

    async def send(self, request: Request, closed: asyncio.Event) -> AsyncHttpxResponse:
        """Send a request.

        Raises:
            ConnectionAbortedError: If the call was ended by closing.
            ConfigurationError: If the transport is not installed.
        """
        lease = await self._acquire(request.url, closed)
        try:
            sent = httpx_request(request, lease.trace)
            assert lease.sending is not None
            with lease.sending:
                if lease.keeps_timeouts:
                    response = await lease.client.send(sent, stream=True, auth=None, follow_redirects=False)
                else:
                    response = await timed.send(lease.client, sent)
                lease.sending = None
                return AsyncHttpxResponse(response, lease.release)
            raise ConnectionAbortedError
        except BaseException:
            await lease.release()
            raise

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

    async def _acquire(self, url: httpx.URL, closed: asyncio.Event) -> AsyncLease:
        if closed.is_set():
            raise ConnectionAbortedError
        pool = await _open()  # the loop may be another than the one in which a stream began
        pool.users[self] = closed
        name = "httpx" if self._name == "aiohttp" and pool.has_proxies else self._name
        return pool.acquire(self, (url.scheme, url.netloc, name))


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
