"""A process's line before shared slots: first come, first served, however the waiting ends."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from gumloop_core.concurrency.limiter import Ticket
from gumloop_core.concurrency.shared import limiter as limiter_module
from gumloop_core.concurrency.shared.agent import Agent
from gumloop_core.concurrency.shared.limiter import SharedLimiter
from gumloop_core.concurrency.shared.messages import Message, Reply
from gumloop_core.concurrency.shared.slots import SharedSlots
from gumloop_core.errors import GumloopError, LimitsUnavailableError, SlotTimeoutError, UnexpectedError


class Place:
    """Keeps the slots in memory; may be out of reach, or be slow."""

    def __init__(self) -> None:
        self.slots = SharedSlots()
        self.failure: GumloopError | None = None
        self.messages: list[Message] = []
        self.is_open = threading.Event()
        self.is_open.set()

    def exchange(self, account: str, message: Message) -> Reply:
        self.is_open.wait(10)
        if self.failure is not None:
            raise self.failure
        self.messages.append(message)
        return self.slots.exchange(message, time.monotonic())


@pytest.fixture
def place() -> Place:
    return Place()


@pytest.fixture
def limiter(place: Place) -> Iterator[SharedLimiter]:
    agent = Agent(lambda: place, lease=30.0)
    yield agent.limiter("account")
    place.is_open.set()
    agent.close()


def ticket(cap: int | None = 1, timeout: float | None = 5.0, **options: Any) -> Ticket:
    return Ticket(cap, timeout, **{"is_stream": False, **options})


def eventually(condition: Callable[[], bool]) -> bool:
    for _ in range(500):
        if condition():
            return True
        time.sleep(0.01)
    return False


def in_flight(place: Place, count: int) -> bool:
    return eventually(lambda: place.slots.bound.in_flight == count)


def in_another_thread(work: Callable[[], None]) -> None:
    with ThreadPoolExecutor(1) as threads:
        threads.submit(work).result(20)


def test_threads_and_tasks_take_turns(limiter: SharedLimiter, place: Place) -> None:
    inside, most = 0, 0

    def enter(change: int) -> None:
        nonlocal inside, most
        inside += change
        most = max(most, inside)

    def in_a_thread(_: int) -> None:
        mine = ticket(cap=2)
        limiter.acquire(mine)
        enter(1)
        time.sleep(0.001)
        enter(-1)
        limiter.release(mine, is_admitted=True)

    async def in_a_task() -> None:
        mine = ticket(cap=2)
        await limiter.aacquire(mine)
        enter(1)
        await asyncio.sleep(0.001)
        enter(-1)
        limiter.release(mine, is_admitted=True)

    async def in_tasks() -> None:
        await asyncio.gather(*(in_a_task() for _ in range(10)))

    with ThreadPoolExecutor(5) as pool:
        done = [pool.submit(asyncio.run, in_tasks()), *(pool.submit(in_a_thread, turn) for turn in range(10))]
        for each in done:
            each.result(20)
    assert most <= 2
    assert in_flight(place, 0)
    assert place.slots.bound.admitted == 20


async def test_first_come_first_served(limiter: SharedLimiter) -> None:
    tickets = [ticket() for _ in range(4)]
    await limiter.aacquire(tickets[0])
    order: list[int] = []

    async def wait(place: int) -> None:
        await limiter.aacquire(tickets[place])
        order.append(place)
        limiter.release(tickets[place], is_admitted=True)

    waiting = []
    for number in (3, 1, 2):  # the line goes by the tickets: who was refused was there before
        waiting.append(asyncio.create_task(wait(number)))
        await asyncio.sleep(0)
    await asyncio.sleep(0.05)
    limiter.release(tickets[0], is_admitted=True)
    await asyncio.gather(*waiting)
    assert order == [1, 2, 3]


async def test_a_cancelled_call_leaves_the_line(limiter: SharedLimiter, place: Place) -> None:
    first, second, third = ticket(), ticket(), ticket()
    await limiter.aacquire(first)
    waiting = asyncio.create_task(limiter.aacquire(second))
    await asyncio.sleep(0.02)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    limiter.release(first, is_admitted=True)
    await limiter.aacquire(third)
    assert not second.slot
    limiter.release(third, is_admitted=True)
    assert in_flight(place, 0)


async def test_slots_that_come_too_late_go_back(limiter: SharedLimiter, place: Place) -> None:
    place.is_open.clear()
    waiting = asyncio.create_task(limiter.aacquire(ticket()))
    await asyncio.sleep(0.05)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    place.is_open.set()
    assert eventually(lambda: len(place.messages) >= 2)
    assert in_flight(place, 0)


async def test_the_loop_goes_on_while_the_place_is_slow(limiter: SharedLimiter, place: Place) -> None:
    place.is_open.clear()
    mine = ticket()
    waiting = asyncio.create_task(limiter.aacquire(mine))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not waiting.done()
    place.is_open.set()
    await waiting
    assert mine.slot


def test_a_slot_that_does_not_come_in_time(limiter: SharedLimiter) -> None:
    limiter.acquire(ticket())
    with pytest.raises(SlotTimeoutError, match=r"slot_timeout=0\.05 seconds"):
        limiter.acquire(ticket(timeout=0.05))
    with pytest.raises(SlotTimeoutError, match="in all processes"):
        asyncio.run(limiter.aacquire(ticket(timeout=0.05)))


def test_a_call_that_is_closed_waits_no_more(limiter: SharedLimiter) -> None:
    limiter.acquire(ticket())
    closed = threading.Event()
    mine = ticket(timeout=None)
    mine.closed = closed
    waiting = threading.Thread(target=limiter.acquire, args=(mine,), daemon=True)
    waiting.start()
    closed.set()
    limiter.wake()
    waiting.join(5)
    assert not waiting.is_alive()
    assert not mine.slot


def test_a_call_within_an_open_stream_does_not_wait_for_it(limiter: SharedLimiter, place: Place) -> None:
    stream, call = ticket(is_stream=True), ticket()
    limiter.acquire(stream)
    limiter.acquire(call)
    assert in_flight(place, 2)
    limiter.release(call, is_admitted=True)
    limiter.release(stream, is_admitted=True)
    assert in_flight(place, 0)


def test_an_abandoned_stream_gives_its_slot_back_when_it_is_collected(limiter: SharedLimiter, place: Place) -> None:
    class Stream:
        def __init__(self) -> None:
            self.ticket = ticket(is_stream=True)
            limiter.acquire(self.ticket)
            self.itself = self

        def __del__(self) -> None:
            limiter.release(self.ticket, is_admitted=True)

    Stream()
    place.is_open.clear()  # nothing waits for the network there
    gc.collect()
    place.is_open.set()
    assert in_flight(place, 0)


def test_refused_calls_know_whether_they_were_alone(limiter: SharedLimiter, place: Place) -> None:
    one, other = ticket(cap=None), ticket(cap=None)
    limiter.acquire(one)
    limiter.acquire(other)
    limiter.refused(other, None)
    assert (other.refusals, other.is_alone) == (1, False)
    limiter.release(one, is_admitted=True)
    assert in_flight(place, 0)
    limiter.acquire(other)
    limiter.refused(other, None)
    assert not other.is_alone  # another has got through since
    assert in_flight(place, 0)
    limiter.acquire(other)
    limiter.refused(other, None)
    assert (other.refusals, other.is_alone) == (3, True)


def test_a_first_call_that_is_refused_is_alone_whatever_got_through_before(limiter: SharedLimiter) -> None:
    before, mine = ticket(cap=None), ticket(cap=None)
    limiter.acquire(before)
    limiter.release(before, is_admitted=True)
    assert eventually(lambda: not limiter.is_in_use)
    limiter.acquire(mine)
    limiter.refused(mine, None)
    assert mine.is_alone


def test_all_wait_when_one_was_told_to(limiter: SharedLimiter) -> None:
    limiter.told_to_wait(60.0)
    with pytest.raises(SlotTimeoutError):
        limiter.acquire(ticket(timeout=0.1))


@pytest.mark.parametrize("teller", ["this process", "another process"])
def test_a_call_within_a_stream_waits_as_long_as_all_are_told_to(
    limiter: SharedLimiter, place: Place, teller: str
) -> None:
    limiter.acquire(ticket(is_stream=True))
    began = time.monotonic()
    if teller == "this process":
        limiter.told_to_wait(0.2)
    else:
        place.slots.bound.hold(time.monotonic() + 0.2)
        with pytest.raises(SlotTimeoutError):  # by which this one hears of it
            in_another_thread(lambda: limiter.acquire(ticket(timeout=0.1)))
    limiter.acquire(mine := ticket())
    assert mine.slot
    assert time.monotonic() - began >= 0.2
    limiter.release(mine, is_admitted=True)
    assert in_flight(place, 1)


async def test_a_synchronous_call_waits_so_though_its_loop_has_calls_to_begin(limiter: SharedLimiter) -> None:
    await limiter.aacquire(first := ticket(cap=None))  # from here on it is known that the bound is looked for
    limiter.release(first, is_admitted=True)
    waiting = asyncio.create_task(limiter.aacquire(ticket(cap=None)))
    await asyncio.sleep(0)
    time.sleep(0.1)  # let in, but its loop does not come to it
    limiter.told_to_wait(0.1)
    limiter.acquire(mine := ticket(cap=None))
    assert mine.slot
    await waiting


def test_a_place_that_was_never_reached_fails_at_once(limiter: SharedLimiter, place: Place) -> None:
    place.failure = LimitsUnavailableError("nobody there")
    with pytest.raises(LimitsUnavailableError, match="nobody there"):
        limiter.acquire(ticket(timeout=None))
    with pytest.raises(LimitsUnavailableError, match="nobody there"):
        asyncio.run(limiter.aacquire(ticket(timeout=None)))
    place.failure = None
    mine = ticket()
    limiter.acquire(mine)
    assert mine.slot


def test_a_place_that_is_away_for_a_moment_loses_no_call(limiter: SharedLimiter, place: Place) -> None:
    first, second = ticket(), ticket()
    limiter.acquire(first)
    place.failure = LimitsUnavailableError("restarts")
    limiter.release(first, is_admitted=True)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(limiter.acquire, second)
        time.sleep(0.3)
        place.failure = None
        waiting.result(5)
    assert second.slot
    assert place.slots.bound.admitted == 1


def test_a_place_that_stays_away_ends_the_waiting(
    limiter: SharedLimiter, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limiter_module, "PATIENCE", 0.3)
    limiter.acquire(ticket())
    place.failure = LimitsUnavailableError("gone")
    with pytest.raises(LimitsUnavailableError, match="gone"):
        limiter.acquire(ticket(cap=2, timeout=None))


def test_a_place_of_an_older_version_that_says_less(limiter: SharedLimiter, place: Place) -> None:
    def exchange(account: str, message: Message) -> Reply:
        reply = whole(account, message)
        reply.pop("held_for")
        return reply

    whole, place.exchange = place.exchange, exchange  # type: ignore[method-assign]
    for _ in range(2):
        limiter.acquire(mine := ticket())
        assert mine.slot
        limiter.release(mine, is_admitted=True)


def test_a_place_whose_words_make_no_sense_fails_at_once(limiter: SharedLimiter, place: Place) -> None:
    whole, place.exchange = place.exchange, lambda *_: {}  # type: ignore[assignment,method-assign,return-value]
    for _ in range(2):
        with pytest.raises(UnexpectedError, match="KeyError"):
            limiter.acquire(ticket())
    place.exchange = whole  # type: ignore[method-assign]
    limiter.acquire(mine := ticket())
    assert mine.slot


def test_leases_are_renewed_while_calls_run(place: Place) -> None:
    agent = Agent(lambda: place, lease=0.15)
    limiter = agent.limiter("account")
    limiter.acquire(ticket())
    heard = len(place.messages)
    assert eventually(lambda: len(place.messages) >= heard + 3)
    agent.close()
    assert place.messages[-1]["in_flight"] == 0
    assert place.slots.bound.in_flight == 0


def test_more_slots_are_taken_only_when_those_calls_have_begun(limiter: SharedLimiter, place: Place) -> None:
    async def go() -> None:
        waiting = [asyncio.create_task(limiter.aacquire(ticket(cap=None))) for _ in range(200)]
        await asyncio.sleep(0)
        time.sleep(0.5)  # the loop is busy: it would read no refusal
        busy = place.slots.bound.in_flight
        for each in waiting:
            each.cancel()
        await asyncio.wait(waiting)
        assert busy < 20

    asyncio.run(go())


async def test_a_task_is_not_held_by_its_streams_slot(limiter: SharedLimiter, place: Place) -> None:
    mine = ticket(is_stream=True)
    task = asyncio.create_task(limiter.aacquire(mine))
    await task
    known = weakref.ref(task)
    del task
    await asyncio.sleep(0)
    gc.collect()
    assert known() is None
    limiter.release(mine, is_admitted=True)
    assert in_flight(place, 0)


async def test_a_synchronous_call_on_a_loops_thread_does_not_wait_for_the_loops_own(limiter: SharedLimiter) -> None:
    await limiter.aacquire(ticket())
    mine = ticket(timeout=1.0)
    limiter.acquire(mine)
    assert mine.slot


def test_a_call_within_a_stream_uses_up_retries_while_nobody_gets_through(limiter: SharedLimiter) -> None:
    limiter.acquire(ticket(5, is_stream=True))
    in_another_thread(lambda: limiter.acquire(ticket(5)))
    nested = ticket(5)
    for _ in range(2):
        limiter.acquire(nested)
        limiter.refused(nested, None)
        assert nested.is_urgent
        assert nested.is_alone


# -- event loops that stand still --------------------------------------------------------------------------------------


def waiting_in_a_loop(limiter: SharedLimiter, mine: Ticket) -> tuple[asyncio.AbstractEventLoop, asyncio.Task[None]]:
    """A loop that has stopped, and its task that waits."""
    loop = asyncio.new_event_loop()
    task = loop.create_task(limiter.aacquire(mine))
    loop.run_until_complete(asyncio.sleep(0.001))
    assert eventually(lambda: len(limiter._waiting) == 1)
    return loop, task


def another_gets_in(limiter: SharedLimiter) -> bool:
    other = ticket()
    limiter.acquire(other)
    limiter.release(other, is_admitted=True)
    return True


def test_a_task_whose_loop_has_stopped_waits_without_holding_up_the_others(limiter: SharedLimiter) -> None:
    held, mine = ticket(), ticket()
    limiter.acquire(held)
    loop, task = waiting_in_a_loop(limiter, mine)
    limiter.release(held, is_admitted=True)
    assert another_gets_in(limiter)  # though it came later
    assert not mine.slot
    loop.run_until_complete(asyncio.wait_for(task, 20))
    assert mine.slot
    loop.close()


def test_a_task_whose_loop_has_stopped_may_be_cancelled(limiter: SharedLimiter, place: Place) -> None:
    held = ticket()
    limiter.acquire(held)
    loop, task = waiting_in_a_loop(limiter, ticket())
    limiter.release(held, is_admitted=True)
    assert another_gets_in(limiter)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(task)
    loop.close()
    assert another_gets_in(limiter)
    assert in_flight(place, 0)


def test_a_loop_that_is_closed_by_hand_takes_no_slot_with_it(limiter: SharedLimiter, place: Place) -> None:
    held = ticket()
    limiter.acquire(held)
    loop, task = waiting_in_a_loop(limiter, ticket())
    task._log_destroy_pending = False  # type: ignore[attr-defined]  # that is what the test is about
    loop.close()
    limiter.release(held, is_admitted=True)
    assert another_gets_in(limiter)
    assert in_flight(place, 0)
