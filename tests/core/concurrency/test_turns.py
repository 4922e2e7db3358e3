"""One call begins in each turn of an event loop."""

from __future__ import annotations

import asyncio
import gc
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from gumloop_core.concurrency import turns as turns_module
from gumloop_core.concurrency.turns import own_turn
from tests.support.turns import counted_turns, one_begins_in_each_turn

CALLS = 20


@pytest.fixture(autouse=True)
def however_long_turns_take() -> Iterator[None]:
    """One call begins in each."""
    with one_begins_in_each_turn():
        yield


async def begin_together(calls: int = CALLS) -> list[tuple[int, int]]:
    """Which call began in which turn, in the order in which they began."""
    begun: list[tuple[int, int]] = []
    with counted_turns() as turns:

        async def begin(number: int) -> None:
            await own_turn()
            begun.append((number, turns.number))

        await asyncio.gather(*map(begin, range(calls)))
    return begun


def test_those_that_come_together_begin_one_in_each_turn_and_in_their_order() -> None:
    begun = asyncio.run(begin_together())
    assert [number for number, _ in begun] == list(range(CALLS))
    assert len({turn for _, turn in begun}) == CALLS


def test_more_begin_after_a_turn_that_took_long(monkeypatch: pytest.MonkeyPatch) -> None:
    async def beside_what_keeps_the_loop_busy() -> list[tuple[int, int]]:
        async def keep_busy() -> None:
            while not is_over:
                time.sleep(0.01)
                await asyncio.sleep(0)

        is_over = False
        busy = asyncio.create_task(keep_busy())
        await asyncio.sleep(0)
        begun = await begin_together()
        is_over = True
        await busy
        return begun

    monkeypatch.setattr(turns_module, "SECONDS_A_CALL", 0.002)
    begun = asyncio.run(beside_what_keeps_the_loop_busy())
    assert [number for number, _ in begun] == list(range(CALLS))
    assert len({turn for _, turn in begun}) <= 1 + CALLS / 5  # the first one begins at once


def test_one_alone_begins_at_once() -> None:
    async def alone() -> None:
        for _ in range(3):
            with pytest.raises(StopIteration):  # it ends without having waited
                own_turn().send(None)
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    asyncio.run(alone())


async def begin(name: str | int, begun: list[str | int]) -> None:
    """Begin, and note who did."""
    await own_turn()
    begun.append(name)


def test_one_that_comes_later_waits_behind_those_that_wait() -> None:
    async def all_of() -> list[str | int]:
        begun: list[str | int] = []
        tasks = [asyncio.create_task(begin(name, begun)) for name in "abc"]
        await asyncio.sleep(0)
        tasks.append(asyncio.create_task(begin("d", begun)))
        await asyncio.gather(*tasks)
        return begun

    assert asyncio.run(all_of()) == list("abcd")


def test_one_that_is_cancelled_takes_no_turn() -> None:
    async def all_of() -> list[str | int]:
        begun: list[str | int] = []
        tasks = [asyncio.create_task(begin(number, begun)) for number in range(CALLS)]
        await asyncio.sleep(0)
        for task in tasks[1:-1]:
            task.cancel()
        with counted_turns() as turns:
            await asyncio.gather(*tasks, return_exceptions=True)
            assert turns.number < 6
        return begun

    assert asyncio.run(all_of()) == [0, CALLS - 1]


def test_each_thread_has_its_own_turns() -> None:
    with ThreadPoolExecutor(4) as pool:
        for begun in pool.map(lambda _: asyncio.run(begin_together()), range(4)):
            assert len({turn for _, turn in begun}) == CALLS


def test_a_loop_that_went_on_in_another_thread_begins_anew_where_it_was() -> None:
    async def give_up() -> None:
        try:
            await own_turn()
        except asyncio.CancelledError as error:
            kept.append(error)  # and with it, by its traceback, what was waited for

    async def stop_amid_them() -> None:
        tasks = [asyncio.create_task(give_up()) for _ in range(2)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        asyncio.get_running_loop().stop()

    kept: list[asyncio.CancelledError] = []
    loop = asyncio.new_event_loop()
    stopped = loop.create_task(stop_amid_them())
    loop.run_forever()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(loop.run_until_complete, asyncio.sleep(0.01)).result(20)
    assert stopped.done()
    assert len(kept) == 1
    loop.run_until_complete(asyncio.wait_for(own_turn(), 20))
    loop.close()


def test_a_loop_that_stopped_amid_them_holds_up_no_other_and_is_collected() -> None:
    async def begin_and_leave() -> None:
        loop = asyncio.get_running_loop()
        left.extend(loop.create_task(own_turn()) for _ in range(CALLS))
        await asyncio.sleep(0)

    left: list[asyncio.Task[None]] = []
    loop = asyncio.new_event_loop()
    loop.run_until_complete(begin_and_leave())
    assert not all(task.done() for task in left)
    assert len(asyncio.run(begin_together())) == CALLS
    loop.run_until_complete(asyncio.gather(*left))  # and it goes on where it was
    known = weakref.ref(loop)
    loop.close()
    del loop
    left.clear()
    gc.collect()
    assert known() is None
