"""An account's slots among several processes: the learned bound, who holds how many, and until when. No I/O, no clock.

A process says how many slots it has, not what changed. So nothing adds up to something wrong when a message gets lost,
when one arrives twice, or when the place that keeps this forgets everything: the next messages set it right.
"""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

from gumloop_core.concurrency.bound import TICK_SECONDS, LearnedBound
from gumloop_core.concurrency.shared.messages import Event, Message, Reply

WANTING_SECONDS = 0.3
"""How long a process counts as one that waits after it has asked in vain: it asks more often than that."""

STARVING_SECONDS = 0.5
"""How long a process without any slot waits before the others let it go first."""

LEARNING_SECONDS = 0.01
"""How often a process asks while the bound is looked for."""

MOST_TICKS = 2
"""Of growth that are made up for: processes ask more rarely than the bound grows."""


@dataclass
class Holder:
    """What is known of a process.

    Attributes:
        in_flight: How many slots it has.
        until: When they are taken from it.
        number: Its last message's.
        wanting_until: Until when it counts as one that waits.
        wanting_since: Since when it waits.
    """

    in_flight: int = 0
    until: float = 0.0
    number: int = -1
    wanting_until: float = 0.0
    wanting_since: float = 0.0


class SharedSlots:
    """The slots of one account."""

    def __init__(self) -> None:
        self.bound = LearnedBound()
        self.holders: dict[str, Holder] = {}
        self._last = 0.0  # the latest moment
        self._offset = 0.0  # what a clock was set back by
        self._grown_at = 0.0

    def exchange(self, message: Message, now: float) -> Reply:
        """Hear a message, and let calls in.

        Args:
            message: A process's.
            now: Seconds of a clock that is the same for all; it may be set back or forth.
        """
        now = self._moment(now)
        self._end_leases(now, message["holder"])
        bound = self.bound
        mine = self.holders.setdefault(message["holder"], Holder())
        mine.until = now + message["lease"]
        has_waiting = message["wanted"] > 0 or any(now < other.wanting_until for other in self.holders.values())
        self._hear(mine, message, now, has_waiting=has_waiting)
        granted = self._grant(mine, message, now) if message["wanted"] > 0 else 0
        if granted < message["wanted"]:
            if now >= mine.wanting_until or granted:
                mine.wanting_since = now
            mine.wanting_until = now + WANTING_SECONDS
        else:
            mine.wanting_until = 0.0
        return {
            "granted": granted,
            "seconds_to_room": self._seconds_to_room(mine, message["cap"], now),
            "is_learning": not bound.is_known and message["cap"] is None,
            "others": bound.in_flight - mine.in_flight,
            "admitted": bound.admitted,
            "held_for": bound.seconds_held(now),
        }

    def _seconds_to_room(self, mine: Holder, cap: int | None, now: float) -> float | None:
        bound = self.bound
        if self._goes_after(mine, cap, now):
            return None
        seconds = bound.seconds_to_room(now, cap)
        return seconds if seconds is None or bound.is_known or cap is not None else max(seconds, LEARNING_SECONDS)

    def _hear(self, mine: Holder, message: Message, now: float, *, has_waiting: bool) -> None:
        events = message["events"] if message["number"] != mine.number else []
        mine.number = message["number"]
        mine.in_flight = message["in_flight"] + sum(event["kind"] != "told to wait" for event in events)
        self._count()
        for event in events:
            self._note(event, now, has_waiting=has_waiting)
        mine.in_flight = message["in_flight"]
        self._count()

    def _note(self, event: Event, now: float, *, has_waiting: bool) -> None:
        bound, at = self.bound, now - event["at"]
        if event["kind"] == "released":
            bound.release(at, is_admitted=event["is_admitted"], has_waiting=has_waiting, cap=event["cap"])
        elif event["kind"] == "refused":
            bound.refuse(at)
        if event["seconds"]:
            bound.hold(at + event["seconds"])

    def _grant(self, mine: Holder, message: Message, now: float) -> int:
        bound, cap, granted = self.bound, message["cap"], 0
        self._grow(now, cap)
        while granted < message["wanted"] and not self._goes_after(mine, cap, now) and bound.take(now, cap):
            granted += 1
            mine.in_flight += 1
        return granted

    def _grow(self, now: float, cap: int | None) -> None:
        ticks = min(int((now - self._grown_at) / TICK_SECONDS), MOST_TICKS)
        for tick in reversed(range(ticks)):
            self.bound.grow(now - tick * TICK_SECONDS, cap)
        if ticks:
            self._grown_at = now

    def _goes_after(self, mine: Holder, cap: int | None, now: float) -> bool:
        """Whether another process that waits is worse off."""
        waiting = [other for other in self.holders.values() if other is not mine and now < other.wanting_until]
        if not waiting:
            return False
        some = sum(other is mine or other.in_flight > 0 or now < other.wanting_until for other in self.holders.values())
        share = self.bound.places(cap) // some
        if mine.in_flight >= share and any(other.in_flight < share for other in waiting):
            return True
        since = mine.wanting_since if now < mine.wanting_until else now
        return any(
            not other.in_flight
            and now >= other.wanting_since + STARVING_SECONDS
            and (mine.in_flight > 0 or other.wanting_since < since)
            for other in waiting
        )

    def _end_leases(self, now: float, asking: str) -> None:
        for name in [name for name, holder in self.holders.items() if now >= holder.until and name != asking]:
            del self.holders[name]
        self._count()

    def _count(self) -> None:
        self.bound.in_flight = sum(holder.in_flight for holder in self.holders.values())

    def _moment(self, now: float) -> float:
        """The moment, on a clock that is never set back."""
        moment = now + self._offset
        if moment < self._last:
            self._offset += self._last - moment
            moment = self._last
        self._last = moment
        return moment

    def dump(self) -> dict[str, Any]:
        """All of it as JSON can say it."""
        bound = {name: getattr(self.bound, name) for name in LearnedBound.__slots__}
        return {
            "bound": {name: list(value) if isinstance(value, deque) else value for name, value in bound.items()},
            "holders": {name: asdict(holder) for name, holder in self.holders.items()},
            "clock": [self._last, self._offset, self._grown_at],
        }

    @classmethod
    def load(cls, dumped: dict[str, Any]) -> SharedSlots:
        """What was dumped."""
        slots = cls()
        for name, value in dumped["bound"].items():
            setattr(slots.bound, name, deque(value) if isinstance(value, list) else value)
        slots.holders = {name: Holder(**values) for name, values in dumped["holders"].items()}
        slots._last, slots._offset, slots._grown_at = dumped["clock"]
        return slots


LAYOUT = 1
"""Counts how often what is dumped has changed its meaning, beside the bound's fields."""


def layout() -> str:
    """Names what :meth:`SharedSlots.dump` looks like, so that two versions of this never read each other's."""
    return f"{LAYOUT} {' '.join(sorted(LearnedBound.__slots__))} {' '.join(Holder.__dataclass_fields__)}"
