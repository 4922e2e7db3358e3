"""Lets an event loop come round between the beginnings of calls.

Whoever gathers 400 calls has all of them begun in one turn of the loop: until the last one's prompt is made, its
callbacks told and its body written, a tenth of a second, the first one's connection is not opened and no answer is
read. Here one call begins in each turn, in the order in which they came; several after a turn that took long, lest they
wait for what else the loop has to do.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from weakref import ref

SECONDS_A_CALL = 0.002
"""For each that a turn has taken, one call begins in the next. To begin one takes a quarter of that."""


class _Turns:
    """Whose turn it is in one loop, as long as calls begin in it. The loop's next turn alone holds it."""

    __slots__ = ("__weakref__", "_began_at", "_waiting", "is_over", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.is_over = False
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._began_at = time.monotonic()
        loop.call_soon(self._next)

    def wait(self) -> asyncio.Future[None]:
        future = self.loop.create_future()
        self._waiting.append(future)
        return future

    def _next(self) -> None:
        now = time.monotonic()
        most = begin = max(1, int((now - self._began_at) / SECONDS_A_CALL))
        self._began_at = now
        while begin and self._waiting:
            future = self._waiting.popleft()
            if not future.done():  # its call may have been cancelled
                future.set_result(None)
                begin -= 1
        if begin < most:
            self.loop.call_soon(self._next)
            return
        self.is_over = True
        _turns.of_loop = None


class _Turn(threading.local):
    """The running loop of a thread, of which each has one at most."""

    of_loop: ref[_Turns] | None = None


_turns = _Turn()


async def own_turn() -> None:
    """Wait until no other call begins in this turn of the running loop: mostly, not at all."""
    loop = asyncio.get_running_loop()
    known = _turns.of_loop
    turns = None if known is None else known()
    # Those that are over may be known still to a thread in which the loop ran before.
    if turns is None or turns.is_over or turns.loop is not loop:
        _turns.of_loop = ref(_Turns(loop))
        return
    await turns.wait()
