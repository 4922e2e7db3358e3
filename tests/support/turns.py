"""Counts the turns of an event loop, and has one call begin in each."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from unittest.mock import patch

from gumloop_core.concurrency import turns as turns_module


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


def one_begins_in_each_turn() -> AbstractContextManager[object]:
    """Have it so however long a turn takes, on a busy machine too."""
    return patch.object(turns_module, "SECONDS_A_CALL", math.inf)
