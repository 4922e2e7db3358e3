"""The line of a process: its order, and every way in which a slot comes back or a wait ends."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from gumloop_core.concurrency import bound
from gumloop_core.concurrency.bound import FIRST_BOUND, LATE_SECONDS, TICK_SECONDS
from gumloop_core.concurrency.limiter import Ticket
from gumloop_core.concurrency.memory_limiter import MemoryLimiter
from gumloop_core.errors import SlotTimeoutError

LONGEST_WAIT = 20.0
"""Seconds after which waiting for something gives up."""


def ticket(cap: int | None = 1, timeout: float | None = LONGEST_WAIT, *, is_stream: bool = False) -> Ticket:
    return Ticket(cap, timeout, is_stream=is_stream)


def holding(limiter: MemoryLimiter, *, is_stream: bool = False) -> Ticket:
    """The only slot, taken by another thread."""
    held = ticket(is_stream=is_stream)
    thread = threading.Thread(target=limiter.acquire, args=(held,))
    thread.start()
    thread.join(LONGEST_WAIT)
    assert held.slot
    return held


def waiting_in_a_loop(limiter: MemoryLimiter, mine: Ticket) -> tuple[asyncio.AbstractEventLoop, asyncio.Task[None]]:
    """A loop that has stopped, and its task that waits."""
    loop = asyncio.new_event_loop()
    task = loop.create_task(limiter.aacquire(mine))
    loop.run_until_complete(auntil(lambda: limiter.waiting == 1))
    return loop, task


def until(condition: Callable[[], bool]) -> bool:
    """Wait until something is so; whether it became so."""
    end = time.monotonic() + LONGEST_WAIT
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.001)
    return True


async def auntil(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + LONGEST_WAIT
    while not condition():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.001)
    return True


def is_free(limiter: MemoryLimiter) -> bool:
    """Whether nothing is in flight and nobody waits, and the next call gets in."""
    if not until(lambda: limiter.bound.in_flight == 0 and limiter.waiting == 0):
        return False
    after = ticket()
    limiter.acquire(after)
    limiter.release(after, is_admitted=True)
    return True


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(32) as pool:
        yield pool


# -- the line ---------------------------------------------------------------------------------------------------------


def test_first_come_first_served_by_threads_and_tasks_alike(threads: ThreadPoolExecutor) -> None:
    limiter, order = MemoryLimiter(), []
    held = holding(limiter)

    def in_thread(number: int) -> None:
        mine = ticket()
        limiter.acquire(mine)
        order.append(number)
        limiter.release(mine, is_admitted=True)

    async def in_task(number: int) -> None:
        mine = ticket()
        await limiter.aacquire(mine)
        order.append(number)
        limiter.release(mine, is_admitted=True)

    work = []
    for number in range(12):
        if number % 2:
            work.append(threads.submit(in_thread, number))
        else:
            work.append(threads.submit(asyncio.run, in_task(number)))
        assert until(lambda count=number + 1: limiter.waiting == count)  # type: ignore[misc]
    limiter.release(held, is_admitted=True)
    for future in work:
        future.result(LONGEST_WAIT)
    assert order == list(range(12))


async def test_a_call_that_was_refused_goes_before_those_that_came_later() -> None:
    limiter, order = MemoryLimiter(), []
    first, held = ticket(2), ticket(2)
    await limiter.aacquire(first)
    await limiter.aacquire(held)

    async def wait(mine: Ticket, name: str) -> None:
        await limiter.aacquire(mine)
        order.append(name)
        limiter.release(mine, is_admitted=True)

    tasks = [asyncio.create_task(wait(ticket(2), name)) for name in ("second", "third")]
    assert await auntil(lambda: limiter.waiting == 2)
    limiter.refused(first, None)
    assert not first.is_alone
    tasks.append(asyncio.create_task(wait(first, "first")))
    assert await auntil(lambda: limiter.waiting == 3)
    limiter.release(held, is_admitted=True)
    await asyncio.wait_for(asyncio.gather(*tasks), LONGEST_WAIT)
    assert order == ["first", "second", "third"]


def test_a_call_is_alone_if_none_other_is_in_flight_and_none_got_through_since() -> None:
    limiter = MemoryLimiter()
    mine, other = ticket(2), ticket(2)
    limiter.acquire(mine)
    limiter.acquire(other)
    limiter.refused(mine, None)
    assert (mine.is_alone, mine.refusals) == (False, 1)
    limiter.release(other, is_admitted=True)
    for refusals, is_alone in ((2, False), (3, True)):  # it has seen that one got through; after that none did
        limiter.acquire(mine)
        limiter.refused(mine, None)
        assert (mine.is_alone, mine.refusals) == (is_alone, refusals)


def test_all_wait_as_long_as_one_was_told(threads: ThreadPoolExecutor) -> None:
    limiter = MemoryLimiter()
    mine = ticket(5)
    limiter.acquire(mine)
    began = time.monotonic()
    limiter.refused(mine, 0.2)

    def wait() -> float:
        mine = ticket(5)
        limiter.acquire(mine)
        waited = time.monotonic() - began
        limiter.release(mine, is_admitted=True)
        return waited

    async def await_() -> float:
        mine = ticket(5)
        await limiter.aacquire(mine)
        waited = time.monotonic() - began
        limiter.release(mine, is_admitted=True)
        return waited

    waited = [threads.submit(wait), threads.submit(asyncio.run, await_())]
    assert min(future.result(LONGEST_WAIT) for future in waited) >= 0.2
    limiter.told_to_wait(0.1)
    began = time.monotonic()
    assert wait() >= 0.1


def test_the_bound_grows_while_calls_wait_for_one_that_is_not_answered(threads: ThreadPoolExecutor) -> None:
    limiter = MemoryLimiter()
    waiting = [threads.submit(limiter.acquire, ticket(None)) for _ in range(20)]
    for future in waiting:
        future.result(LONGEST_WAIT)
    assert limiter.bound.in_flight == 20
    assert not limiter.bound.is_known


# -- what ends a wait -------------------------------------------------------------------------------------------------


async def test_a_process_that_is_too_busy_to_look_in_time_does_not_raise_the_bound() -> None:
    limiter = MemoryLimiter()
    for _ in range(FIRST_BOUND):
        limiter.acquire(ticket(None))
    waiting = asyncio.create_task(limiter.aacquire(ticket(None)))
    await asyncio.sleep(0)
    for _ in range(20):
        time.sleep(LATE_SECONDS + TICK_SECONDS)  # as a loop that has its hands full
        await asyncio.sleep(0)
    assert limiter.bound.limit < FIRST_BOUND + 1
    assert await auntil(lambda: limiter.waiting == 0)  # and as soon as it has time again, it does
    await waiting


def test_a_thread_that_waits_too_long() -> None:
    limiter = MemoryLimiter()
    held = holding(limiter)
    with pytest.raises(SlotTimeoutError, match=r"slot_timeout=0\.05"):
        limiter.acquire(ticket(timeout=0.05))
    limiter.release(held, is_admitted=True)
    assert is_free(limiter)


async def test_a_task_that_waits_too_long() -> None:
    limiter = MemoryLimiter()
    held = holding(limiter)
    with pytest.raises(SlotTimeoutError, match=r"slot_timeout=0\.05"):
        await limiter.aacquire(ticket(timeout=0.05))
    limiter.release(held, is_admitted=True)
    assert await asyncio.to_thread(is_free, limiter)


async def test_a_task_that_is_cancelled_while_it_waits() -> None:
    limiter = MemoryLimiter()
    held = holding(limiter)
    task, after = asyncio.create_task(limiter.aacquire(ticket())), ticket()
    assert await auntil(lambda: limiter.waiting == 1)
    next_ = asyncio.create_task(limiter.aacquire(after))
    assert await auntil(lambda: limiter.waiting == 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    limiter.release(held, is_admitted=True)
    await asyncio.wait_for(next_, LONGEST_WAIT)
    assert after.slot


async def test_a_task_that_is_cancelled_as_it_gets_its_slot() -> None:
    limiter = MemoryLimiter()
    held, mine, after = holding(limiter), ticket(), ticket()
    task = asyncio.create_task(limiter.aacquire(mine))
    assert await auntil(lambda: limiter.waiting == 1)
    next_ = asyncio.create_task(limiter.aacquire(after))
    assert await auntil(lambda: limiter.waiting == 2)
    limiter.release(held, is_admitted=True)
    while not mine.slot:  # in one step of the loop, or its task would have run
        limiter.told_to_wait(0.0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(next_, LONGEST_WAIT)
    assert (mine.slot, limiter.bound.in_flight) == ([], 1)


@pytest.mark.parametrize("is_task", [False, True], ids=["thread", "task"])
def test_closing_the_client(is_task: bool, threads: ThreadPoolExecutor) -> None:
    limiter = MemoryLimiter()
    held, mine = holding(limiter), ticket()
    mine.closed = threading.Event()
    work = threads.submit(*((asyncio.run, limiter.aacquire(mine)) if is_task else (limiter.acquire, mine)))
    assert until(lambda: limiter.waiting == 1)
    mine.closed.set()
    limiter.wake()
    work.result(LONGEST_WAIT)
    assert not mine.slot
    limiter.release(held, is_admitted=True)
    assert is_free(limiter)


def test_an_interrupt() -> None:
    limiter = MemoryLimiter()
    held = holding(limiter)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        thread = threading.Thread(
            target=lambda: until(lambda: limiter.waiting == 1) and os.kill(os.getpid(), signal.SIGINT)
        )
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            limiter.acquire(ticket())
        thread.join()
    finally:
        signal.signal(signal.SIGINT, before)
    limiter.release(held, is_admitted=True)
    assert is_free(limiter)


# -- slots and event loops --------------------------------------------------------------------------------------------


def test_a_loop_that_is_closed_by_hand_takes_no_slot_with_it() -> None:
    limiter = MemoryLimiter()
    held = holding(limiter)
    loop, task = waiting_in_a_loop(limiter, ticket())
    task._log_destroy_pending = False  # type: ignore[attr-defined]  # that is what the test is about
    loop.close()
    limiter.release(held, is_admitted=True)
    assert is_free(limiter)


def test_a_task_whose_loop_has_stopped_waits_without_holding_up_the_others() -> None:
    limiter = MemoryLimiter()
    held, mine = holding(limiter), ticket()
    loop, task = waiting_in_a_loop(limiter, mine)
    limiter.release(held, is_admitted=True)
    other = ticket()
    limiter.acquire(other)  # though it came later
    assert not mine.slot
    limiter.release(other, is_admitted=True)
    loop.run_until_complete(asyncio.wait_for(task, LONGEST_WAIT))
    assert mine.slot
    loop.close()


def test_a_task_whose_loop_has_stopped_may_be_cancelled() -> None:
    limiter = MemoryLimiter()
    held = holding(limiter)
    loop, task = waiting_in_a_loop(limiter, ticket())
    limiter.release(held, is_admitted=True)
    assert is_free(limiter)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(task)
    loop.close()
    assert is_free(limiter)


async def test_a_synchronous_call_on_a_loops_thread_does_not_wait_for_that_loop() -> None:
    limiter = MemoryLimiter()
    mine, blocking = ticket(), ticket()
    await limiter.aacquire(mine)
    waiting = asyncio.create_task(limiter.aacquire(ticket()))
    assert await auntil(lambda: limiter.waiting == 1)
    limiter.acquire(blocking)
    assert limiter.bound.in_flight == 2
    limiter.release(blocking, is_admitted=True)
    assert not waiting.done()
    limiter.release(mine, is_admitted=True)
    await asyncio.wait_for(waiting, LONGEST_WAIT)


def test_who_reads_a_stream_may_call_meanwhile(threads: ThreadPoolExecutor) -> None:
    limiter = MemoryLimiter()
    stream, nested, other = ticket(is_stream=True), ticket(), ticket()
    limiter.acquire(stream)
    waiting = threads.submit(limiter.acquire, other)
    assert until(lambda: limiter.waiting == 1)
    limiter.acquire(nested)  # before the one that came first: the stream waits for it
    limiter.release(nested, is_admitted=True)
    assert not other.slot
    limiter.release(stream, is_admitted=True)
    waiting.result(LONGEST_WAIT)


async def test_who_reads_a_stream_in_a_task_may_call_meanwhile() -> None:
    limiter = MemoryLimiter()
    stream, nested = ticket(is_stream=True), ticket()
    await limiter.aacquire(stream)
    other = asyncio.create_task(limiter.aacquire(ticket()))
    await limiter.aacquire(nested)
    assert not other.done()
    limiter.release(nested, is_admitted=True)
    limiter.release(stream, is_admitted=True)
    await asyncio.wait_for(other, LONGEST_WAIT)


def test_a_call_within_a_stream_waits_as_long_as_all_are_told_to() -> None:
    limiter = MemoryLimiter()
    limiter.acquire(ticket(is_stream=True))
    limiter.told_to_wait(0.1)
    began = time.monotonic()
    limiter.acquire(ticket())
    assert time.monotonic() - began >= 0.1


def test_a_call_within_a_stream_uses_up_retries_while_nobody_gets_through() -> None:
    limiter = MemoryLimiter()
    limiter.acquire(ticket(5, is_stream=True))
    other, nested = ticket(5), ticket(5)
    limiter.acquire(other)
    for _ in range(2):
        limiter.acquire(nested)
        limiter.refused(nested, None)
        assert nested.is_urgent
        assert nested.is_alone
    limiter.release(other, is_admitted=True)
    limiter.acquire(nested)
    limiter.refused(nested, None)
    assert not nested.is_alone


# -- giving back ------------------------------------------------------------------------------------------------------


def test_a_slot_is_given_back_once() -> None:
    limiter = MemoryLimiter()
    mine = holding(limiter)
    for _ in range(3):
        limiter.release(mine, is_admitted=True)
        limiter.refused(mine, None)
    assert limiter.bound.in_flight == 0
    assert mine.refusals == 0


def test_giving_back_waits_for_nothing_while_the_lock_is_held() -> None:
    """As a finalizer does that runs within the limiter's own work, in the same thread."""
    limiter = MemoryLimiter()
    mine = holding(limiter)
    with limiter._lock:
        limiter.release(mine, is_admitted=True)
        limiter.told_to_wait(0.0)
        assert limiter.bound.in_flight == 1
    limiter.acquire(after := ticket())
    limiter.release(after, is_admitted=True)
    assert is_free(limiter)


def test_a_slot_that_is_given_back_while_a_call_gets_in_is_not_forgotten() -> None:
    limiter = MemoryLimiter()
    held = holding(limiter)
    insert = limiter._waiting.__class__.insert

    class Line(type(limiter._waiting)):  # type: ignore[misc]
        def insert(self, *args: object) -> None:
            insert(self, *args)
            limiter.release(held, is_admitted=True)  # the collector, with the lock held

    limiter._waiting = Line()
    mine = ticket()
    limiter.acquire(mine)
    assert mine.slot


def test_a_slot_that_is_given_back_while_a_call_comes_goes_to_the_one_that_waits(threads: ThreadPoolExecutor) -> None:
    limiter = MemoryLimiter()
    held = holding(limiter)
    first, second = ticket(), ticket()
    waiting = [threads.submit(limiter.acquire, first)]
    assert until(lambda: limiter.waiting == 1)
    with limiter._lock:
        limiter.release(held, is_admitted=True)  # what is left to whoever has the lock next
    waiting.append(threads.submit(limiter.acquire, second))
    for future, mine in zip(waiting, (first, second), strict=True):
        future.result(LONGEST_WAIT)
        assert mine.slot
        limiter.release(mine, is_admitted=True)
    assert is_free(limiter)


def test_no_slot_is_forgotten_wherever_threads_meet(
    threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bound, "SETTLING_SECONDS", 0.0)  # which would have the line looked at anyway

    def come_and_go(limiter: MemoryLimiter) -> None:
        for _ in range(300):
            mine = ticket()
            limiter.acquire(mine)
            limiter.release(mine, is_admitted=False)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(40):
            limiter = MemoryLimiter()
            for future in [threads.submit(come_and_go, limiter) for _ in range(6)]:
                future.result(LONGEST_WAIT)
            assert (limiter.bound.in_flight, limiter.waiting) == (0, 0)
    finally:
        sys.setswitchinterval(before)


def test_hundreds_of_threads_and_tasks_that_come_go_and_give_up(threads: ThreadPoolExecutor) -> None:
    limiter, most, in_flight = MemoryLimiter(), 4, []
    peaks = []

    def in_thread(number: int) -> None:
        for turn in range(10):
            mine = ticket(most, timeout=0.0005 if (number + turn) % 3 == 0 else LONGEST_WAIT)
            with contextlib.suppress(SlotTimeoutError):
                limiter.acquire(mine)
                in_flight.append(None)
                peaks.append(len(in_flight))
                time.sleep(0.0002)
                in_flight.pop()
            limiter.release(mine, is_admitted=True)

    async def in_tasks() -> None:
        async def one(number: int) -> None:
            mine = ticket(most)
            task = asyncio.create_task(limiter.aacquire(mine))
            if number % 3 == 0:
                await asyncio.sleep(0.0005 * (number % 7))
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
                in_flight.append(None)
                peaks.append(len(in_flight))
                await asyncio.sleep(0)
                in_flight.pop()
            limiter.release(mine, is_admitted=True)

        await asyncio.gather(*(one(number) for number in range(60)))

    work = [threads.submit(in_thread, number) for number in range(12)]
    work += [threads.submit(asyncio.run, in_tasks()) for _ in range(2)]
    for future in work:
        future.result(LONGEST_WAIT)
    assert max(peaks) <= most
    assert is_free(limiter)
    assert limiter._holders == {}


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_begins_with_nothing_in_flight_and_gives_nothing_back_of_its_parents() -> None:
    limiter = MemoryLimiter()
    mine = holding(limiter)
    child = os.fork()
    if child == 0:
        try:
            limiter.reset()
            limiter.release(mine, is_admitted=True)
            gc.collect()
            own = ticket(timeout=5.0)
            limiter.acquire(own)
            os._exit(0 if limiter.bound.in_flight == 1 and own.slot else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert limiter.bound.in_flight == 1
