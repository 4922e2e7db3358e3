"""How many calls of an account may be in flight, learned from what the endpoint says. No I/O, no clock, no lock.

The endpoint does not tell its bound; it refuses what is beyond it, at once. So the bound grows until the first refusal,
and is then what was in flight. From time to time one call more is tried, more rarely each time that this fails.

The figures were settled by ``benchmarks/load.py``. Why it is like this, each measured at an endpoint that admits five
calls: without any bound until the first refusal, two requests are sent for each row; halving at each refusal, as TCP
does, sends more and takes longer than falling to what is in flight.
"""

from __future__ import annotations

from collections import deque

FIRST_BOUND = 5
"""Calls in flight at first: the least that a plan of the vendor's admits."""

DOUBLING_SECONDS = 0.02
"""In which time the bound doubles while it is looked for, beside growing by one with each answer. Calls last seconds:
an endpoint without a bound must not be slow at first because none has been answered."""

TICK_SECONDS = 0.005
"""How often it grows meanwhile."""

LATE_SECONDS = 0.015
"""How much later than that a process grows it no more: it is so busy that what it has in flight is mostly in its own
hands, and would reach the endpoint all at once."""

SETTLING_SECONDS = 0.0015
"""How long a place stays taken after its answer has ended: a server may give it free a moment later than that. Doubles
where that was too short. A server on uvicorn and Starlette that counts in a middleware refuses nothing even without it;
four milliseconds make a job of calls of 100 ms at a limit of 25 take a tenth longer than two."""

LONGEST_SETTLING = 0.064
"""Seconds that it doubles to."""

SETTLING_LEFT = 0.97
"""How much each answer leaves of what it was doubled to: calls one after another are not to wait like that for ever."""

_STEADY = 0.1

PATIENCE = 4
"""Rounds of answers before one call more is tried."""

LONGEST_PATIENCE = 64
"""Rounds that the patience doubles to."""


class LearnedBound:
    """What is in flight, and whether there is room for one more.

    Attributes:
        in_flight: The calls that have a place.
        limit: How many may have one; a part of a place counts as none.
        is_known: Whether the endpoint has refused a call.
        admitted: How many calls got through in all.
    """

    __slots__ = (
        "_changed_at",
        "_freed",
        "_grown_at",
        "_held_until",
        "_patience",
        "_probing",
        "_rounds",
        "_settling_seconds",
        "_step",
        "_successes",
        "admitted",
        "in_flight",
        "is_known",
        "limit",
    )

    def __init__(self) -> None:
        self.in_flight = 0
        self.limit = float(FIRST_BOUND)
        self.is_known = False
        self.admitted = 0
        self._grown_at = 0.0
        self._held_until = 0.0
        self._freed: deque[float] = deque()
        self._changed_at = 0.0
        self._settling_seconds = SETTLING_SECONDS
        self._successes = 0
        self._patience = self._rounds = PATIENCE
        self._step = 1
        self._probing = False

    def take(self, now: float, cap: int | None = None) -> bool:
        """Take a place if there is room.

        Args:
            now: Seconds of a monotonic clock.
            cap: How many calls may be in flight at most; ``None`` to learn it.
        """
        if now < self._held_until or self.in_flight + self._settling(now) >= self.places(cap):
            return False
        self.in_flight += 1
        return True

    def take_beyond(self, now: float) -> bool:
        """Take a place although there may be no room, unless nobody is let in at the moment."""
        if now < self._held_until:
            return False
        self.in_flight += 1
        return True

    def grow(self, now: float, cap: int | None = None) -> None:
        """Say that a call has waited for a place since a while ago.

        A process that was too busy to ask in time was also too busy to read a refusal: what it missed is not made up
        for.
        """
        if self.is_known or cap is not None or now < self._grown_at + TICK_SECONDS:
            return
        self._grown_at = now
        self.limit *= 2.0 ** (TICK_SECONDS / DOUBLING_SECONDS)

    def seconds_to_room(self, now: float, cap: int | None = None) -> float | None:
        """After how long :meth:`take` is worth trying again, if nothing happens; ``None`` for never."""
        if now < self._held_until:
            return self._held_until - now
        if self.in_flight < self.places(cap) and self._freed:
            return max(self._freed[0] + self._settling_seconds - now, 0.0)
        return None if self.is_known or cap is not None else TICK_SECONDS

    def release(
        self, now: float, *, is_admitted: bool, has_waiting: bool, is_behind: bool = False, cap: int | None = None
    ) -> None:
        """Give a place back whose call has ended.

        Args:
            now: Seconds of a monotonic clock.
            is_admitted: Whether the endpoint let the call in: it answered, be it with another error.
            has_waiting: Whether calls wait for a place. The bound is not raised without need.
            is_behind: Whether calls that were let in have not begun. While it is looked for, the bound is not raised
                then either.
            cap: What the call was taken with.
        """
        self.in_flight -= 1
        if self.is_known or cap is not None:
            self._freed.append(now)
        if not is_admitted:
            return
        self.admitted += 1
        if self._settling_seconds > SETTLING_SECONDS:
            self._settling_seconds = max(SETTLING_SECONDS, SETTLING_LEFT * self._settling_seconds)
        if not has_waiting:
            return
        if not self.is_known:
            self.limit += cap is None and not is_behind
        elif cap is None or self.limit < cap:
            self._count_success(now)

    def refuse(self, now: float) -> None:
        """Give a place back whose call was refused for lack of room: what is in flight is the bound."""
        self.in_flight -= 1
        if self.is_known and not self._probing and now > self._changed_at + _STEADY:
            # Nothing had changed: perhaps the place of the call before was not free yet.
            self._settling_seconds = min(2 * self._settling_seconds, LONGEST_SETTLING)
        self._changed_at = now
        # Those that have just ended count too: where calls go round in step, hardly any is in flight at that moment.
        self.limit = max(1.0, min(self.limit, float(self.in_flight + self._settling(now))))
        self.is_known = True
        self._successes = 0
        self._step = 1
        if self._probing:
            self._probing = False
            self._patience = min(2 * self._patience, LONGEST_PATIENCE)
        self._rounds = self._patience

    def hold(self, until: float) -> None:
        """Let nobody in until then."""
        self._held_until = max(self._held_until, until)

    def seconds_held(self, now: float) -> float:
        """For how long nobody is let in."""
        return max(self._held_until - now, 0.0)

    def places(self, cap: int | None = None) -> int:
        """How many calls may be in flight, by what is known and by the caller's word."""
        if cap is None:
            return int(self.limit)
        return min(cap, int(self.limit)) if self.is_known else cap

    def _settling(self, now: float) -> int:
        freed = self._freed
        while freed and freed[0] + self._settling_seconds <= now:
            freed.popleft()
        return len(freed)

    def _count_success(self, now: float) -> None:
        """Raise the bound after enough rounds of answers; and twice as far after a round in which that went well."""
        self._successes += 1
        if self._successes < self._rounds * self.limit:
            return
        self._successes = 0
        if self._probing:
            self._patience = PATIENCE
            self._step *= 2
        self.limit = float(int(self.limit) + self._step)
        self._probing = True
        self._rounds = 1
        self._changed_at = now
