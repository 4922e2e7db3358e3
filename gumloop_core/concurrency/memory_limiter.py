"""The limiter of a process: a line of calls before a bound that is learned.

A slot may be given back while objects are collected, at any time and in a thread that has the lock already. So giving
back waits for no lock: it leaves a note, and whoever has the lock reads the notes when it lets go of it.
"""

from __future__ import annotations

import asyncio
import threading
import time
from bisect import insort
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from operator import attrgetter
from typing import TypeAlias

from gumloop_core.concurrency.bound import LATE_SECONDS, LearnedBound
from gumloop_core.concurrency.holders import StreamHolders, this_task
from gumloop_core.concurrency.limiter import Ticket
from gumloop_core.errors import SlotTimeoutError

_Note: TypeAlias = Callable[[float], None]

_TURN = attrgetter("turn")

_EARLY = 0.0005
"""Seconds by which a clock may be early without being set anew."""


class MemoryLimiter:
    """The limiter of one account in this process; see :class:`gumloop_core.concurrency.limiter.Limiter`."""

    def __init__(self) -> None:
        self.bound = LearnedBound()
        self._lock = threading.Lock()
        self._notes: deque[_Note] = deque()
        self._waiting: deque[_Waiter] = deque()
        self._beginning: set[_Waiter] = set()  # let in, but their threads or loops do not know yet
        self._holders = StreamHolders()
        self._process = object()  # what slots are marked with: those of a parent are not a forked child's to give back

    @property
    def waiting(self) -> int:
        """How many calls wait for a slot."""
        return len(self._waiting)

    def acquire(self, ticket: Ticket) -> None:
        """Wait for a slot; see :class:`gumloop_core.concurrency.limiter.Limiter`."""
        # A loop that waits here cannot go on with the calls that it would wait for.
        if self._entered(ticket, threading.get_ident(), is_urgent=asyncio._get_running_loop() is not None):
            return
        waiter = _ThreadWaiter(ticket)
        try:
            self._enqueue(waiter)
            waiter.wait(self._tick)
        finally:
            self._leave_line(waiter)

    async def aacquire(self, ticket: Ticket) -> None:
        """Wait for a slot; see :class:`gumloop_core.concurrency.limiter.Limiter`."""
        # Only streams are in anybody's hands, so that most calls need not be told apart.
        holder = this_task() if ticket.is_stream or self._holders else None
        if self._entered(ticket, holder):
            return
        waiter = _TaskWaiter(ticket, self._tick)
        try:
            self._enqueue(waiter)
            await waiter.wait()
        finally:
            self._leave_line(waiter)

    def release(self, ticket: Ticket, *, is_admitted: bool) -> None:
        """Give a slot back; see :class:`gumloop_core.concurrency.limiter.Limiter`."""
        if ticket.took_slot(self._process):
            self._leave_note(lambda now: self._release(ticket, now, is_admitted))

    def refused(self, ticket: Ticket, retry_after: float | None) -> None:
        """Give a refused call's slot back; see :class:`gumloop_core.concurrency.limiter.Limiter`."""
        if not ticket.took_slot(self._process):
            return
        ticket.refusals += 1
        with self._lock:
            now = time.monotonic()
            self._read_notes(now)
            self._refuse(ticket, now, retry_after)
            self._let_calls_in(now)
        self._look()

    def told_to_wait(self, seconds: float) -> None:
        """Let nobody in for that long."""
        self._leave_note(lambda now: self.bound.hold(now + seconds))

    def wake(self) -> None:
        """Have those that wait look whether their calls were ended."""
        for waiter in list(self._waiting):
            waiter.end_if_closed()

    def reset(self) -> None:
        """Forget who is in flight and who waits: in a forked child they are its parent's."""
        self._lock = threading.Lock()
        self._notes.clear()
        self._waiting.clear()
        self._beginning.clear()
        self._holders.clear()
        self._process = object()
        self.bound.in_flight = 0

    def _entered(self, ticket: Ticket, holder: object, *, is_urgent: bool = False) -> bool:
        """Whether a call got a slot at once."""
        if ticket.is_stream:
            ticket.holder = holder
        with self._lock:
            now = time.monotonic()
            if self._read_notes(now):  # nobody else lets those in now who wait for a place that came free
                self._let_calls_in(now)
            if not ticket.refusals:
                ticket.admitted = self.bound.admitted
            # Whoever reads a stream and makes a call meanwhile would wait for itself.
            ticket.is_urgent = is_urgent or holder in self._holders
            entered = (ticket.is_urgent or not self._waiting) and self._takes_place(ticket, now)
            if entered:
                self._let_in(ticket)
        self._look()
        return entered

    def _enqueue(self, waiter: _Waiter) -> None:
        with self._lock:
            insort(self._waiting, waiter, key=_TURN)  # one that was refused is older than most
            if self._waiting[0] is waiter:  # behind others there is nothing to find: the first has room looked for
                self._let_calls_in(time.monotonic())
        self._look()

    def _leave_line(self, waiter: _Waiter) -> None:
        """Say that the waiting is over, whatever ended it."""
        self._beginning.discard(waiter)
        if not waiter.is_done:
            self._leave_note(lambda now: self._clear_up(waiter, now))

    def _clear_up(self, waiter: _Waiter, now: float) -> None:
        with suppress(ValueError):
            self._waiting.remove(waiter)
        if waiter.ticket.took_slot(self._process):  # it came together with what ended the waiting
            self._release(waiter.ticket, now, is_admitted=False)

    def _leave_note(self, note: _Note) -> None:
        self._notes.append(note)
        self._look()

    def _tick(self, due_at: float) -> None:
        """The first one's time to look again has come, at that moment or a while ago."""
        self._leave_note(lambda now: self._grow(now, due_at))

    def _grow(self, now: float, due_at: float) -> None:
        if self._waiting and now < due_at + LATE_SECONDS and not self._is_behind():
            self.bound.grow(now, self._waiting[0].ticket.cap)

    def _is_behind(self) -> bool:
        """Whether the process is too busy to begin the calls that were let in: it could not read a refusal either."""
        return any(waiter.is_awake() for waiter in list(self._beginning))

    def _look(self) -> None:
        """Read the notes and let calls in, unless another thread has the lock: it does so when it has let go of it."""
        while self._notes and self._lock.acquire(blocking=False):
            try:
                now = time.monotonic()
                if self._read_notes(now):
                    self._let_calls_in(now)
            finally:
                self._lock.release()

    def _read_notes(self, now: float) -> bool:
        """Do what the notes say. If there were any, who read them has to let calls in before letting go of the lock."""
        notes = self._notes
        if not notes:
            return False
        while notes:
            notes.popleft()(now)
        return True

    def _let_calls_in(self, now: float) -> None:
        waiting = self._waiting
        while waiting:
            first = waiting[0]
            if not first.is_awake():
                waiting.popleft().come_back(self._enqueue)
            elif self._takes_place(first.ticket, now):
                waiting.popleft()
                self._let_in(first.ticket)
                self._beginning.add(first)
                if not first.let_in():
                    self._beginning.discard(first)
                    if first.ticket.took_slot(self._process):
                        self._release(first.ticket, now, is_admitted=False)
            else:
                seconds = self.bound.seconds_to_room(now, first.ticket.cap)
                if seconds is not None:
                    first.look_again(now, seconds)
                return

    def _takes_place(self, ticket: Ticket, now: float) -> bool:
        bound = self.bound
        return bound.take(now, ticket.cap) or (ticket.is_urgent and bound.take_beyond(now))

    def _let_in(self, ticket: Ticket) -> None:
        ticket.slot.append(self._process)
        self._holders.add(ticket)

    def _release(self, ticket: Ticket, now: float, is_admitted: bool) -> None:
        self._holders.remove(ticket)
        bound = self.bound
        is_behind = not bound.is_known and self._is_behind()
        bound.release(
            now, is_admitted=is_admitted, has_waiting=bool(self._waiting), is_behind=is_behind, cap=ticket.cap
        )

    def _refuse(self, ticket: Ticket, now: float, retry_after: float | None) -> None:
        bound = self.bound
        holder = ticket.holder
        self._holders.remove(ticket)
        bound.refuse(now)
        if retry_after:
            bound.hold(now + retry_after)
        others = bound.in_flight - self._holders[holder]
        ticket.is_alone = (others <= 0 or ticket.is_urgent) and bound.admitted == ticket.admitted
        ticket.admitted = bound.admitted


class _Waiter:
    """A call that waits for a slot."""

    def __init__(self, ticket: Ticket) -> None:
        self.ticket = ticket
        self.is_done = False
        """Whether the waiting ended as it should, so that nothing is to be cleared up."""
        self.turn = (not ticket.is_urgent, ticket.number)
        """Whose is lower is let in first."""
        self.deadline = None if ticket.timeout is None else time.monotonic() + ticket.timeout

    def is_awake(self) -> bool:
        """Whether it would take its slot soon: a task whose loop has stopped would keep it from the others."""
        return True

    def come_back(self, enqueue: Callable[[_Waiter], None]) -> None:
        """Have it put in line again as soon as it is awake."""
        raise NotImplementedError

    def let_in(self) -> bool:
        """Say that there is a slot. Called with the lock held, like the others.

        Returns:
            Whether there is anybody to take it.
        """
        raise NotImplementedError

    def look_again(self, now: float, seconds: float) -> None:
        """Have the line looked at after a time."""
        raise NotImplementedError

    def end_if_closed(self) -> None:
        """End the waiting if the call was ended."""
        raise NotImplementedError

    def _timed_out(self) -> SlotTimeoutError:
        return SlotTimeoutError(
            f"No slot for another call came free within slot_timeout={self.ticket.timeout:g} seconds: the account's "
            "calls in flight have reached what the endpoint admits. Raise slot_timeout, or make fewer calls at once."
        )


class _ThreadWaiter(_Waiter):
    def __init__(self, ticket: Ticket) -> None:
        super().__init__(ticket)
        self._event = threading.Event()
        self._look_at: float | None = None

    def let_in(self) -> bool:
        self._event.set()
        return True

    def look_again(self, now: float, seconds: float) -> None:
        if self._look_at is None or self._look_at > now + seconds + _EARLY:
            self._look_at = now + seconds
            self._event.set()

    def end_if_closed(self) -> None:
        self._event.set()

    def wait(self, tick: Callable[[float], None]) -> None:
        ticket = self.ticket
        while True:
            if ticket.slot:
                self.is_done = True
                return
            if ticket.is_ended():
                return
            now = time.monotonic()
            if self.deadline is not None and now >= self.deadline:
                raise self._timed_out()
            look_at = self._look_at
            if look_at is not None and now >= look_at:
                self._look_at = None
                tick(look_at)
                continue
            ends = [moment for moment in (look_at, self.deadline) if moment is not None]
            self._event.wait(min(ends) - now if ends else None)
            self._event.clear()


class _TaskWaiter(_Waiter):
    def __init__(self, ticket: Ticket, tick: Callable[[float], None]) -> None:
        super().__init__(ticket)
        self._tick = tick
        self._loop = asyncio.get_running_loop()
        self._future = self._loop.create_future()
        self._thread = threading.get_ident()
        self._timer: asyncio.TimerHandle | None = None
        self._look_at = 0.0

    def is_awake(self) -> bool:
        return self._loop.is_running()

    def come_back(self, enqueue: Callable[[_Waiter], None]) -> None:
        def wake_up() -> None:
            if self.ticket.is_ended():
                self._finish()
            elif not self._future.done():
                enqueue(self)

        self._call(wake_up)

    def let_in(self) -> bool:
        return self._call(self._finish)

    def look_again(self, now: float, seconds: float) -> None:
        if self._look_at <= now or self._look_at > now + seconds + _EARLY:
            self._look_at = now + seconds
            self._call(lambda: self._set_timer(seconds))

    def end_if_closed(self) -> None:
        self._call(lambda: self._finish() if self.ticket.is_ended() else None)

    async def wait(self) -> None:
        timer = None
        if self.ticket.timeout is not None:
            timer = self._loop.call_later(self.ticket.timeout, self._finish)
        try:
            if not self.ticket.is_ended():
                await self._future
        finally:
            if timer is not None:
                timer.cancel()
            if self._timer is not None:
                self._timer.cancel()
        if self.ticket.slot:
            self.is_done = True
        elif not self.ticket.is_ended():
            raise self._timed_out()

    def _finish(self) -> None:
        if not self._future.done():
            self._future.set_result(None)

    def _set_timer(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if not self._future.done():
            self._timer = self._loop.call_later(seconds, self._look_now)

    def _look_now(self) -> None:
        due_at, self._look_at = self._look_at, 0.0
        self._tick(due_at)

    def _call(self, function: Callable[[], None]) -> bool:
        if self._thread == threading.get_ident() and asyncio._get_running_loop() is self._loop:
            function()
            return True
        try:
            self._loop.call_soon_threadsafe(function)
        except RuntimeError:  # the loop is closed, and its task goes with it
            return False
        return True
