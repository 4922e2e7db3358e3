"""A process's line of calls before slots that it shares with other processes.

All of it belongs to one thread, the agent's. Calls leave a note and wait for their future, so nothing here needs a
lock, no event loop waits for the network, and a stream that is collected as garbage gives its slot back by a note too.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import threading
import uuid
from bisect import insort
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from operator import attrgetter
from typing import Literal, TypeAlias

from gumloop_core.concurrency.bound import SETTLING_SECONDS
from gumloop_core.concurrency.holders import StreamHolders, this_task
from gumloop_core.concurrency.limiter import Ticket
from gumloop_core.concurrency.shared.messages import Event, Message, Reply
from gumloop_core.errors import GumloopError, SlotTimeoutError

Note: TypeAlias = Callable[[float], None]
"""Something that has happened, to be told to the limiter in the agent's thread. Takes the time."""

_TURN = attrgetter("turn")

LONGEST_PAUSE = 0.1
"""Seconds after which a process whose calls wait asks again, with jitter; at once when a call of its own has ended."""

SHORTEST_PAUSE = 0.001
"""Seconds between two questions."""

LONGEST_WAIT = 1.0
"""Seconds after which it asks again even where it was told that there will be no room for longer."""

PATIENCE = 5.0
"""Seconds for which a place that could be reached before may be out of reach before calls that wait fail."""

GATHERING_SECONDS = SETTLING_SECONDS
"""How long the end of a call is kept back while others wait: before that its place would not be given to them, and
calls that began together end together."""

MOST_WANTED = 1000
"""Slots that are asked for at a time."""


class Waiter:
    """A call that waits for a slot. Its future decides who is first: who lets it in, or who ends the waiting."""

    def __init__(
        self,
        ticket: Ticket,
        holder: object,
        *,
        loop: asyncio.AbstractEventLoop | None = None,
        blocks_loop: bool = False,
    ) -> None:
        self.ticket = ticket
        self.holder = holder
        self.loop = loop
        self.blocks_loop = blocks_loop
        self.future: Future[None] = Future()
        self.is_awaited = False
        """Whether it is waited for that it begins."""

    @property
    def turn(self) -> tuple[bool, int]:
        """Whose is lower is let in first."""
        return not self.ticket.is_urgent, self.ticket.number

    def is_awake(self) -> bool:
        """Whether it would take its slot soon: a task whose loop has stopped would keep it from the others."""
        return self.loop is None or self.loop.is_running()

    def come_back(self, line_up: Callable[[Waiter], None]) -> None:
        """Have it put in line again as soon as it is awake."""
        assert self.loop is not None
        with suppress(RuntimeError):  # the loop is closed, and its task goes with it
            self.loop.call_soon_threadsafe(line_up, self)

    def let_in(self) -> bool:
        """Give it a slot, unless it waits no more."""
        if not self.future.set_running_or_notify_cancel():
            return False
        self.ticket.slot.append(None)
        self.future.set_result(None)
        return True

    def end(self, error: GumloopError | None = None) -> None:
        """End the waiting without a slot."""
        if not self.future.set_running_or_notify_cancel():
            return
        if error is None:
            self.future.set_result(None)
        else:
            self.future.set_exception(type(error)(error.message))  # one of its own: it is raised in its own thread

    def timed_out(self) -> SlotTimeoutError:
        """The error of one that waited too long."""
        return SlotTimeoutError(
            f"No slot for another call came free within slot_timeout={self.ticket.timeout:g} seconds: the account's "
            "calls in flight, in all processes, have reached what the endpoint admits. Raise slot_timeout, or make "
            "fewer calls at once."
        )


class SharedLimiter:
    """The limiter of one account in this process; see :class:`gumloop_core.concurrency.limiter.Limiter`.

    Args:
        account: Names it.
        post: Leaves a note for the agent's thread. May be called anywhere, waits for nothing.
        lease: Seconds for which a slot is kept for a process that says nothing.
    """

    def __init__(self, account: str, post: Callable[[SharedLimiter, Note], None], lease: float) -> None:
        self.account = account
        self._post = post
        self._lease = lease
        self._name = uuid.uuid4().hex
        self._waiting: deque[Waiter] = deque()
        self._holders = StreamHolders()
        self._held = 0  # slots, those of calls that have ended as well until that was told
        self._events: deque[Event] = deque()  # not told yet
        self._telling: list[Event] = []  # told, but not known whether it arrived
        self._number = 0
        self._is_learning = True
        self._awaited = 0  # calls that were let in and have not begun
        self._wanted = 0  # slots that were asked for last
        self._is_stale = False  # whether what was told of our slots is not so any more
        self._others = 0  # slots of other processes, when we heard last
        self._admitted = 0
        self._ask_at = 0.0  # before that, asking for slots has no point
        self._held_until = 0.0  # before that, nobody is let in
        self._renew_at: float | None = None
        self._silent_since: float | None = None

    # Called by the clients, in any thread.

    def acquire(self, ticket: Ticket) -> None:
        """Wait for a slot; see :class:`gumloop_core.concurrency.limiter.Limiter`."""
        waiter = Waiter(ticket, threading.get_ident(), blocks_loop=asyncio._get_running_loop() is not None)
        try:
            self._line_up(waiter)
            wait([waiter.future], timeout=ticket.timeout)
        except BaseException:
            self._give_up(waiter)
            raise
        if self._leave_line(waiter):
            raise waiter.timed_out()
        waiter.future.result()

    async def aacquire(self, ticket: Ticket) -> None:
        """Wait for a slot; see :class:`gumloop_core.concurrency.limiter.Limiter`."""
        waiter = Waiter(ticket, this_task(), loop=asyncio.get_running_loop())
        try:
            ended = asyncio.wrap_future(waiter.future)
            ended.add_done_callback(_read)
            self._line_up(waiter)
            await asyncio.wait({ended}, timeout=ticket.timeout)
        except BaseException:
            self._give_up(waiter)
            raise
        if self._leave_line(waiter):
            raise waiter.timed_out()
        await ended

    def release(self, ticket: Ticket, *, is_admitted: bool) -> None:
        """Give a slot back; see :class:`gumloop_core.concurrency.limiter.Limiter`."""
        if ticket.took_slot():
            self._post(self, lambda now: self._end(ticket, _event("released", now, is_admitted, ticket.cap)))

    def refused(self, ticket: Ticket, retry_after: float | None) -> None:
        """Give a refused call's slot back; see :class:`gumloop_core.concurrency.limiter.Limiter`.

        Whether the call was alone is said by what was heard last of the other processes.
        """
        if not ticket.took_slot():
            return
        ticket.refusals += 1
        others = self._held - 1 + self._others
        if ticket.is_stream:
            others -= self._holders.get(ticket.holder, 1) - 1
        ticket.is_alone = (others <= 0 or ticket.is_urgent) and self._admitted == ticket.admitted
        ticket.admitted = self._admitted
        self._post(self, lambda now: self._end(ticket, _event("refused", now, seconds=retry_after or 0.0)))

    def told_to_wait(self, seconds: float) -> None:
        """Let nobody in for that long."""
        self._post(self, lambda now: self._note(_event("told to wait", now, seconds=seconds)))

    def wake(self) -> None:
        """Have those that wait look whether their calls were ended."""
        self._post(self, self._end_closed)

    def _line_up(self, waiter: Waiter) -> None:
        self._post(self, lambda now: self._enqueue(waiter, now))

    def _leave_line(self, waiter: Waiter) -> bool:
        """Wait no more. Whether that came first: else there is a slot, or an error, or the call was closed."""
        is_first = waiter.future.cancel()
        if is_first or waiter.is_awaited:
            self._post(self, lambda now: self._remove(waiter))
        return is_first

    def _give_up(self, waiter: Waiter) -> None:
        """Want no slot any more, not one either that came together with what ended the waiting."""
        if not self._leave_line(waiter):
            self._post(self, lambda now: self.release(waiter.ticket, is_admitted=False))

    # Called by the agent, in its thread.

    @property
    def due_at(self) -> float | None:
        """When there is something to say; ``None`` for when something has happened."""
        if self._silent_since is not None:
            return self._ask_at if self._has_news or self._held or self._waiting else None
        if self._has_news:
            return self._events[0]["at"] + GATHERING_SECONDS if self._events and self._waiting else 0.0
        asks = self._ask_at if self._waiting and self._may_want(self._waiting[0]) else None
        return min((moment for moment in (asks, self._renew_at) if moment is not None), default=None)

    @property
    def _has_news(self) -> bool:
        return bool(self._events or self._telling) or self._is_stale

    def message(self, now: float) -> Message:
        """What is to be said now."""
        self._pass_over_sleepers()
        if not self._telling:
            self._number += 1
            self._telling.extend(self._events)
            self._events.clear()
        cap = self._waiting[0].ticket.cap if self._waiting else None
        alike = itertools.takewhile(lambda one: one.ticket.cap == cap and self._may_want(one), self._waiting)
        self._wanted = sum(1 for _ in itertools.islice(alike, MOST_WANTED))
        return {
            "holder": self._name,
            "number": self._number,
            "in_flight": self._held - _slots(self._telling),
            "events": [{**event, "at": now - event["at"]} for event in self._telling],
            "wanted": self._wanted,
            "cap": cap,
            "lease": self._lease,
        }

    def _may_want(self, waiter: Waiter) -> bool:
        # A process that is too busy to begin its calls is too busy to read a refusal. Where an urgent one waits, they
        # cannot begin: it blocks their loop.
        return not self._awaited or waiter.ticket.is_urgent

    @property
    def is_in_use(self) -> bool:
        """Whether the process has slots, waits for some, or has something to say."""
        return self._has_news or self._held > 0 or bool(self._waiting)

    def farewell(self, now: float) -> Message:
        """What is to be said last: the process ends, and its calls end with it."""
        return {**self.message(now), "in_flight": 0, "wanted": 0}

    def hear(self, reply: Reply, now: float) -> None:
        """Let calls in, by an answer to the last message."""
        self._silent_since = None
        self._held -= _slots(self._telling)
        self._telling.clear()
        self._others, self._admitted = reply["others"], reply["admitted"]
        self._held_until = max(self._held_until, now + reply.get("held_for", 0.0))
        left = reply["granted"]
        while self._waiting and (left > 0 or self._is_let_in_anyway(self._waiting[0], now)):
            first = self._waiting.popleft()
            if first.is_awake():
                left -= self._let_in(first)
            else:
                first.come_back(self._line_up)
        self._is_learning = reply["is_learning"]
        self._is_stale = left != 0  # too many go back by the next message, which tells of too few as well
        seconds = reply["seconds_to_room"]
        if reply["granted"] >= self._wanted:
            self._ask_at = 0.0
        elif seconds is None:
            self._ask_at = now + LONGEST_PAUSE * random.uniform(0.2, 1.0)  # noqa: S311 - spreads processes out
        else:
            self._ask_at = now + min(max(seconds, SHORTEST_PAUSE), LONGEST_WAIT)
        self._renew_at = now + self._lease / 3 if self._held else None

    def miss(self, error: GumloopError, now: float, *, is_final: bool) -> None:
        """Take that there was no answer.

        Args:
            error: Why.
            now: The time.
            is_final: Whether there is no point in asking again: those that wait fail at once.
        """
        if self._silent_since is None:
            self._silent_since = now
        self._ask_at = now + LONGEST_PAUSE * random.uniform(1.0, 3.0)  # noqa: S311 - spreads processes out
        if is_final or now >= self._silent_since + PATIENCE:
            waiting = list(self._waiting)
            self._waiting.clear()
            for waiter in waiting:
                waiter.end(error)

    def _is_let_in_anyway(self, waiter: Waiter, now: float) -> bool:
        return waiter.ticket.is_urgent and now >= self._held_until

    def _enqueue(self, waiter: Waiter, now: float) -> None:
        ticket = waiter.ticket
        if waiter.future.cancelled() or ticket.is_ended():
            waiter.end()
            return
        if not ticket.refusals:
            ticket.admitted = self._admitted
        if ticket.is_stream:
            ticket.holder = waiter.holder
        # Whoever reads a stream and makes a call meanwhile would wait for itself. A loop that waits cannot go on with
        # the calls of this process that it may be waiting for.
        blocks_others = waiter.blocks_loop and bool(self._held or self._waiting)
        ticket.is_urgent = blocks_others or waiter.holder in self._holders
        if self._is_let_in_anyway(waiter, now):
            self._is_stale = self._let_in(waiter) or self._is_stale
            return
        insort(self._waiting, waiter, key=_TURN)  # one that was refused is older than most

    def _pass_over_sleepers(self) -> None:
        for waiter in [waiter for waiter in itertools.islice(self._waiting, MOST_WANTED) if not waiter.is_awake()]:
            self._waiting.remove(waiter)
            waiter.come_back(self._line_up)

    def _remove(self, waiter: Waiter) -> None:
        if waiter.is_awaited:
            waiter.is_awaited = False
            self._awaited -= 1
        with suppress(ValueError):
            self._waiting.remove(waiter)

    def _end_closed(self, now: float) -> None:
        for waiter in [waiter for waiter in self._waiting if waiter.ticket.is_ended()]:
            self._waiting.remove(waiter)
            waiter.end()

    def _let_in(self, waiter: Waiter) -> bool:
        ticket = waiter.ticket
        self._holders.add(ticket)
        self._held += 1
        self._awaited += 1
        waiter.is_awaited = self._is_learning
        if waiter.let_in():
            self._awaited -= not waiter.is_awaited
            return True
        self._held -= 1
        self._awaited -= 1
        self._holders.remove(ticket)
        return False

    def _end(self, ticket: Ticket, event: Event) -> None:
        self._holders.remove(ticket)
        self._note(event)

    def _note(self, event: Event) -> None:
        self._events.append(event)
        self._held_until = max(self._held_until, event["at"] + event["seconds"])


def _read(ended: asyncio.Future[None]) -> None:
    """Look at an error that nobody may be left to raise, lest that is logged."""
    if not ended.cancelled():
        ended.exception()


def _event(
    kind: Literal["released", "refused", "told to wait"],
    at: float,
    is_admitted: bool = False,
    cap: int | None = None,
    seconds: float = 0.0,
) -> Event:
    return {"kind": kind, "is_admitted": is_admitted, "cap": cap, "seconds": seconds, "at": at}


def _slots(events: list[Event]) -> int:
    return sum(event["kind"] != "told to wait" for event in events)
