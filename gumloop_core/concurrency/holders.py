"""Who has streams in hand: whoever reads one and makes a call meanwhile would wait for itself."""

from __future__ import annotations

import asyncio
from collections import Counter
from weakref import ref

from gumloop_core.concurrency.limiter import Ticket


def this_task() -> object:
    """The running task, by a weak reference: it has its streams, so that the collector would never come to either."""
    task = asyncio.current_task()
    return task and ref(task)


class StreamHolders(Counter[object]):
    """How many streams' slots each thread and task has."""

    def add(self, ticket: Ticket) -> None:
        """Count the slot that a call has got, if it is a stream's."""
        if ticket.is_stream:
            self[ticket.holder] += 1

    def remove(self, ticket: Ticket) -> None:
        """Count it no more."""
        if not ticket.is_stream:
            return
        if self[ticket.holder] > 1:
            self[ticket.holder] -= 1
        else:
            self.pop(ticket.holder, None)
        ticket.holder = None
