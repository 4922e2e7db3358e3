"""Counts the turns of an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """In which turn the running loop is."""

    def __init__(self) -> None:
        self.number = 0
        self._is_over = False

    def _next(self) -> None:
        self.number += 1
        if not self._is_over:
            asyncio.get_running_loop().call_soon(self._next)


@contextmanager
def counted_turns() -> Iterator[Turns]:
    """Count the running loop's turns."""
    turns = Turns()
    asyncio.get_running_loop().call_soon(turns._next)
    try:
        yield turns
    finally:
        turns._is_over = True
