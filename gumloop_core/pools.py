"""The connections: one TLS context a process, one pool a process for sync calls and one an event loop for async ones.

Loading the system's certificates takes milliseconds and a pooled connection saves a handshake, so models share both.
A pool opens at the first request, not before, and again after it was closed. It is dropped in a forked child, which
must not write into its parent's connections, and an event loop's pool closes with its loop.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import threading
from collections.abc import AsyncGenerator
from functools import lru_cache
from weakref import WeakKeyDictionary, WeakSet

import httpx

_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=30.0)
# No cap on connections: a thousand streams must not wait for each other. The vendor caps concurrency by plan and says
# so with 429.


@lru_cache(maxsize=1)
def tls_context() -> ssl.SSLContext:
    """The TLS context that all connections share."""
    return httpx.create_ssl_context()


class SyncPool:
    """The process's pool for synchronous calls, and who uses it."""

    def __init__(self) -> None:
        self.client = httpx.Client(verify=tls_context(), limits=_LIMITS, timeout=None)  # noqa: S113 - every request brings its own
        self.users: WeakSet[object] = WeakSet()


class AsyncPool:
    """An event loop's pool, and who uses it."""

    def __init__(self) -> None:
        self.client = httpx.AsyncClient(verify=tls_context(), limits=_LIMITS, timeout=None)  # noqa: S113 - every request brings its own
        self.users: WeakSet[object] = WeakSet()
        self._guard = self._close_with_loop()

    async def watch_loop(self) -> None:
        """Have the pool closed when the running loop shuts down."""
        await self._guard.asend(None)

    async def _close_with_loop(self) -> AsyncGenerator[None, None]:
        # asyncio.run() closes the generators that are still open while the loop can still do I/O.
        try:
            yield
        finally:
            await self.client.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._guard.aclose()
        await self.client.aclose()


_lock = threading.Lock()
_sync_pool: SyncPool | None = None
_async_pools: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncPool] = WeakKeyDictionary()


def sync_client(user: object) -> httpx.Client:
    """The process's pool, opened if need be."""
    global _sync_pool
    with _lock:  # or another thread closes the pool before this user is known
        if _sync_pool is None:
            _sync_pool = SyncPool()
        _sync_pool.users.add(user)
        return _sync_pool.client


async def async_client(user: object) -> httpx.AsyncClient:
    """The running loop's pool, opened if need be."""
    loop = asyncio.get_running_loop()
    pool = _async_pools.get(loop)
    if pool is None or pool.client.is_closed:
        pool = AsyncPool()
        with _lock:
            _async_pools[loop] = pool
        await pool.watch_loop()
    pool.users.add(user)
    return pool.client


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
    pool.client.close()


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
    _lock = threading.Lock()
    _sync_pool = None
    _async_pools = WeakKeyDictionary()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)
