"""No more rows are under way than calls can be made."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gumloop_batch import room
from gumloop_batch.room import FEW, SPARE, Room
from gumloop_core.concurrency.limiter import Ticket

MOST = 100


class Rows:
    """Rows that are in the room until they are told to leave."""

    def __init__(self, room: Room, count: int) -> None:
        self.inside = 0
        self.may_leave = asyncio.Semaphore(0)
        self._room = room
        self._tasks = [asyncio.create_task(self._go_through()) for _ in range(count)]

    async def _go_through(self) -> None:
        async with self._room:
            self.inside += 1
            await self.may_leave.acquire()
        self.inside -= 1

    async def leave(self, count: int) -> None:
        """Have so many leave."""
        for _ in range(count):
            self.may_leave.release()
        for _ in range(5):
            await asyncio.sleep(0)

    async def settle(self) -> int:
        """How many are inside, after some looks whether there should be more."""
        for _ in range(10):
            await asyncio.sleep(2 * room.WIDENING_SECONDS)
        return self.inside

    async def end(self) -> None:
        """Have all of them leave."""
        await self.leave(len(self._tasks))
        await asyncio.gather(*self._tasks)


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look often, and hold no machine for busy."""
    monkeypatch.setattr(room, "WIDENING_SECONDS", 0.001)
    monkeypatch.setattr(room, "BUSY_SECONDS", 60.0)


def tickets(count: int) -> set[Ticket]:
    return {Ticket(None, None, is_stream=False) for _ in range(count)}


async def test_rows_whose_calls_need_not_wait_are_all_let_in() -> None:
    rows = Rows(Room(MOST), MOST + 10)
    assert await rows.settle() == MOST
    await rows.end()


async def test_few_are_let_in_while_calls_wait_and_more_when_they_wait_no_longer() -> None:
    under_way = Room(MOST)
    under_way.calls_waiting |= tickets(SPARE)
    rows = Rows(under_way, MOST)
    assert await rows.settle() == FEW
    under_way.calls_waiting.clear()
    assert await rows.settle() == MOST
    await rows.end()


async def test_the_room_narrows_where_too_many_wait() -> None:
    under_way = Room(MOST)
    rows = Rows(under_way, MOST + 50)
    assert await rows.settle() == MOST
    under_way.calls_waiting |= tickets(2 * SPARE + 1)
    await rows.leave(50)
    assert rows.inside == MOST - 50
    await rows.leave(30)
    assert await rows.settle() == FEW
    await rows.end()


async def test_a_loop_that_has_its_hands_full_gets_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "BUSY_SECONDS", -60.0)
    rows = Rows(Room(MOST), MOST)
    assert await rows.settle() == FEW
    await rows.end()


async def test_who_is_cancelled_before_there_is_room_takes_none() -> None:
    under_way = Room(1)

    async def enter() -> Any:
        async with under_way:
            pass

    async with under_way:
        task = asyncio.create_task(enter())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await asyncio.wait_for(enter(), 10)
