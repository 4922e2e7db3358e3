"""Which calls wait for a slot, for who began them: a job begins no more rows than are of use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar

from gumloop_core.concurrency.limiter import Ticket

_NOBODY = nullcontext()  # most calls are part of no job
_WAITING: ContextVar[set[Ticket] | None] = ContextVar("gumloop_waiting", default=None)


@contextmanager
def noted_in(waiting: set[Ticket]) -> Iterator[None]:
    """Have the calls that begin inside noted in a set while they wait for a slot, in tasks and threads alike."""
    token = _WAITING.set(waiting)
    try:
        yield
    finally:
        _WAITING.reset(token)


def noted(ticket: Ticket) -> AbstractContextManager[object]:
    """A context within which a call may have to wait, and is noted for who wants to know."""
    waiting = _WAITING.get()
    return _NOBODY if waiting is None else _Noted(waiting, ticket)


class _Noted(AbstractContextManager["_Noted"]):
    def __init__(self, waiting: set[Ticket], ticket: Ticket) -> None:
        self._waiting = waiting
        self._ticket = ticket
        waiting.add(ticket)

    def __exit__(self, *_: object) -> None:
        self._waiting.discard(self._ticket)
