"""Work that is handed in from anywhere, the garbage collector too, and done by one thread at a time."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Inbox(Generic[Item]):
    """Takes items without ever waiting, and has each of them worked on once.

    An abandoned stream reports its end when it is collected, in the middle of any line: also of one that holds the
    lock. Waiting there would never end, and a reentrant lock would let it change a sum that is being changed.

    Args:
        work: Works on one item; never on two at once.
    """

    def __init__(self, work: Callable[[Item], None]) -> None:
        self._work = work
        self._items: deque[Item] = deque()
        self._lock = threading.Lock()

    def put(self, item: Item) -> None:
        """Hand an item in. Where somebody else is at work it is done later, at the next ``put`` or ``emptied``."""
        self._items.append(item)
        if self._lock.acquire(blocking=False):
            try:
                self._empty()
            finally:
                self._lock.release()

    @contextmanager
    def emptied(self) -> Iterator[None]:
        """A context that begins when all was worked on that had been handed in, and in which nothing is."""
        with self._lock:
            self._empty()
            yield

    def _empty(self) -> None:
        while self._items:
            self._work(self._items.popleft())
