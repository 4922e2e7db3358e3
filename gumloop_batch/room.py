"""How many rows are under way: so many that calls wait for the endpoint's room, and not many more.

A row that waits holds all that its framework has made of it, and what is held for long costs the garbage collector
more than what goes at once: at a limit of 25 calls, 0.9 ms a row with 256 rows under way and 0.4 with 40.
"""

from __future__ import annotations

import asyncio
from types import TracebackType

from gumloop_core.concurrency.limiter import Ticket

FEW = 32
"""Rows that are under way in any case."""

SPARE = 16
"""Calls that wait for a slot, so that none is left empty: with fewer, further rows begin, so many at a time."""

WIDENING_SECONDS = 0.03
"""After how long it is looked whether further rows are of use."""

BUSY_SECONDS = 0.005
"""How much later than that a loop looks which has its hands full: further rows would only wait for it too."""


class Room:
    """A context that begins when a row may be asked. Used on one event loop.

    Args:
        most: How many may be under way.

    Attributes:
        calls_waiting: The calls of those rows that wait for a slot.
    """

    def __init__(self, most: int) -> None:
        self.calls_waiting: set[Ticket] = set()
        self._most = most
        self._places = min(FEW, most)
        self._free = asyncio.Semaphore(self._places)
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> None:
        if self._free.locked():
            self._look_again()
        await self._free.acquire()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._places > FEW and len(self.calls_waiting) > 2 * SPARE:
            self._places -= 1  # the endpoint admits fewer than it did
        else:
            self._free.release()

    def _look_again(self) -> None:
        if self._timer is None and self._places < self._most:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(WIDENING_SECONDS, self._widen, loop.time() + WIDENING_SECONDS)

    def _widen(self, due_at: float) -> None:
        self._timer = None
        if not self._free.locked():
            return
        is_busy = asyncio.get_running_loop().time() > due_at + BUSY_SECONDS
        if not is_busy and len(self.calls_waiting) < SPARE:
            for _ in range(min(SPARE, self._most - self._places)):
                self._places += 1
                self._free.release()
        self._look_again()
