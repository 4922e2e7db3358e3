"""Which calls wait for a slot, for who began them: a job begins no more rows than are of use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from gumloop_core.concurrency.limiter import Ticket

_WAITING: ContextVar[set[Ticket] | None] = ContextVar("gumloop_waiting", default=None)


@contextmanager
def noted_in(waiting: set[Ticket]) -> Iterator[None]:
    """Have the calls that begin inside noted in a set while they wait for a slot, in tasks and threads alike."""
    token = _WAITING.set(waiting)
    try:
        yield
    finally:
        _WAITING.reset(token)


def note(ticket: Ticket) -> set[Ticket] | None:
    """Note a call that may have to wait.

    Returns:
        From what it is to be taken when it has its slot; ``None`` if nobody wants to know.
    """
    waiting = _WAITING.get()
    if waiting is not None:
        waiting.add(ticket)
    return waiting
