"""Who has streams in hand."""

from __future__ import annotations

import asyncio
import gc
import weakref

from gumloop_core.concurrency.holders import StreamHolders, this_task
from gumloop_core.concurrency.limiter import Ticket


def held(holder: object, *, is_stream: bool = True) -> Ticket:
    ticket = Ticket(None, None, is_stream=is_stream)
    ticket.holder = holder
    return ticket


def test_who_has_two_streams_has_one_when_one_is_gone() -> None:
    holders, tickets = StreamHolders(), [held(1), held(1), held(2)]
    for ticket in tickets:
        holders.add(ticket)
    assert holders == {1: 2, 2: 1}
    holders.remove(tickets[0])
    holders.remove(tickets[2])
    assert holders == {1: 1}
    assert 2 not in holders
    assert tickets[0].holder is None


def test_a_call_that_is_no_stream_is_in_nobodys_hands() -> None:
    holders, ticket = StreamHolders(), held(1, is_stream=False)
    holders.add(ticket)
    holders.remove(ticket)
    assert holders == {}


async def test_a_task_is_known_and_not_kept() -> None:
    async def mine() -> object:
        assert this_task() == this_task()
        return this_task()

    task = asyncio.create_task(mine())
    known = await task
    assert isinstance(known, weakref.ref)
    assert known() is task
    del task
    await asyncio.sleep(0)
    gc.collect()
    assert known() is None
