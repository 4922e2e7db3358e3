"""What a call shows its limiter."""

from __future__ import annotations

import asyncio
import threading

from gumloop_core.concurrency.limiter import Limiter, Ticket
from gumloop_core.concurrency.memory_limiter import MemoryLimiter


def test_later_tickets_have_higher_numbers() -> None:
    tickets = [Ticket(None, None, is_stream=False) for _ in range(3)]
    assert sorted(tickets, key=lambda ticket: ticket.number) == tickets


def test_a_ticket_knows_whether_its_client_was_closed() -> None:
    ticket = Ticket(None, None, is_stream=False)
    assert not ticket.is_ended()
    for event in (threading.Event(), asyncio.Event()):
        ticket.closed = event
        assert not ticket.is_ended()
        event.set()
        assert ticket.is_ended()


def test_the_one_in_memory_is_a_limiter() -> None:
    limiter: Limiter = MemoryLimiter()
    ticket = Ticket(1, None, is_stream=False)
    limiter.acquire(ticket)
    limiter.refused(ticket, 0.0)
    limiter.told_to_wait(0.0)
    limiter.wake()
    asyncio.run(limiter.aacquire(ticket))
    limiter.release(ticket, is_admitted=True)
    assert ticket.refusals == 1
