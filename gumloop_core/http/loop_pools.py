"""The event loops' pools: which loop has which.

A pool's connections know their loop. An event loop's pool closes with its loop; where the loop was closed by hand, with
the next call of the process. It is dropped in a forked child, which must not write into its parent's connections.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from typing import Any, Generic, Protocol, TypeVar
from weakref import ref

_POOL = "_gumloop_pool"


class LoopPool(Protocol):
    """A pool, as far as its loop's end concerns it."""

    def forget(self) -> None:
        """Let go of the connections without closing them."""

    def abandon(self) -> None:
        """Close the connections where nothing can be awaited."""


PoolT = TypeVar("PoolT", bound=LoopPool)


class LoopPools(Generic[PoolT]):
    """The event loops' pools.

    So that a loop can be collected although nobody closed it, it alone holds its pool, as an attribute, and is known
    here by weak references.
    """

    def __init__(self) -> None:
        self._loops: dict[int, ref[asyncio.AbstractEventLoop]] = {}
        self._kept: dict[int, PoolT] = {}  # of loops that take no attributes

    def __len__(self) -> int:
        return len(self._loops)

    def __getitem__(self, loop: asyncio.AbstractEventLoop) -> PoolT:
        pool = self.get(loop)
        if pool is None:
            raise KeyError(loop)
        return pool

    def get(self, loop: asyncio.AbstractEventLoop) -> PoolT | None:
        """A loop's pool."""
        return getattr(loop, _POOL, None) or self._kept.get(id(loop))

    def put(self, loop: asyncio.AbstractEventLoop, pool: PoolT) -> None:
        """Set a loop's pool."""
        number = id(loop)
        self._loops[number] = ref(loop, lambda _: self._loops.pop(number, None))
        try:
            setattr(loop, _POOL, pool)
        except AttributeError:
            self._kept[number] = pool

    def remove(self, loop: asyncio.AbstractEventLoop | None, pool: PoolT) -> bool:
        """Take a loop's pool from it, if it is still this one."""
        if loop is None or self.get(loop) is not pool:
            return False
        self._loops.pop(id(loop), None)
        self._kept.pop(id(loop), None)
        with suppress(AttributeError):
            delattr(loop, _POOL)
        return True

    def all(self) -> list[tuple[asyncio.AbstractEventLoop, PoolT]]:
        """Each loop and its pool."""
        found: list[tuple[Any, PoolT | None]] = []
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


pools: LoopPools[Any] = LoopPools()
"""Those of this process."""


def sweep() -> None:
    """Abandon the pools of loops that were closed by hand."""
    if pools:
        pools.sweep()


def _forget_in_child() -> None:
    global pools
    for loop, pool in pools.all():
        pools.remove(loop, pool)
        pool.forget()
    pools = LoopPools()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)
