"""The learned bound, with a clock that is passed in; and whole jobs, simulated."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Sequence

import pytest

from gumloop_core.concurrency.bound import (
    DOUBLING_SECONDS,
    FIRST_BOUND,
    LONGEST_PATIENCE,
    LONGEST_SETTLING,
    PATIENCE,
    SETTLING_LEFT,
    SETTLING_SECONDS,
    TICK_SECONDS,
    LearnedBound,
)

LATER = 1.0
"""Seconds after which every place has settled, and nothing has changed for a while."""


def taken(bound: LearnedBound, now: float, cap: int | None = None, most: int = 1000) -> int:
    """How many calls get a place now."""
    return sum(itertools.takewhile(bool, (bound.take(now, cap) for _ in range(most))))


def known(limit: int) -> LearnedBound:
    """A bound that was learned a while ago, with nothing in flight."""
    bound = LearnedBound()
    bound.limit = limit + 1
    taken(bound, 0.0)
    bound.refuse(0.0)
    for _ in range(limit):
        bound.release(0.0, is_admitted=True, has_waiting=False)
    return bound


def answer(bound: LearnedBound, now: float, count: int, cap: int | None = None) -> None:
    """Calls that come and go while others wait."""
    for number in range(count):
        assert bound.take(now + number * LATER, cap)
        bound.release(now + number * LATER, is_admitted=True, has_waiting=True, cap=cap)


def test_it_begins_with_what_the_least_plan_admits() -> None:
    bound = LearnedBound()
    assert taken(bound, 0.0) == FIRST_BOUND == bound.in_flight
    assert bound.seconds_to_room(0.0) == TICK_SECONDS


def test_until_the_first_refusal_each_answer_makes_room_for_one_more() -> None:
    bound = LearnedBound()
    taken(bound, 0.0)
    bound.release(0.0, is_admitted=True, has_waiting=True)
    assert taken(bound, 0.0) == 2
    bound.release(0.0, is_admitted=True, has_waiting=False)
    bound.release(0.0, is_admitted=False, has_waiting=True)
    assert taken(bound, 0.0) == 2


def test_no_room_is_made_while_calls_that_were_let_in_have_not_begun() -> None:
    bound = LearnedBound()
    taken(bound, 0.0)
    bound.release(0.0, is_admitted=True, has_waiting=True, is_behind=True)
    assert taken(bound, 0.0) == 1


def test_until_the_first_refusal_it_doubles_with_time() -> None:
    bound = LearnedBound()
    ticks = round(DOUBLING_SECONDS / TICK_SECONDS)
    for tick in range(1, ticks + 1):
        bound.grow(tick * TICK_SECONDS * 1.001)
        bound.grow(tick * TICK_SECONDS * 1.001)  # within the same tick
    assert bound.limit == pytest.approx(2 * FIRST_BOUND)
    bound.grow(100.0)  # a process that was busy makes up for nothing
    assert bound.limit < 2.5 * FIRST_BOUND


def test_a_refusal_says_that_what_is_in_flight_is_the_bound() -> None:
    bound = LearnedBound()
    bound.limit = 50.0
    taken(bound, 0.0)
    for left in range(49, 29, -1):
        bound.refuse(0.001)
        assert (bound.limit, bound.in_flight) == (left, left)
    assert bound.is_known
    assert bound.seconds_to_room(LATER) is None
    bound.grow(LATER)
    assert bound.limit == 30


def test_at_least_one_call_is_let_in() -> None:
    bound = LearnedBound()
    assert bound.take(0.0)
    bound.refuse(0.0)
    assert bound.limit == 1
    assert taken(bound, LATER) == 1


def test_a_place_settles_before_it_is_taken_again() -> None:
    bound = known(5)
    assert taken(bound, LATER) == 5
    bound.release(LATER, is_admitted=True, has_waiting=True)
    assert taken(bound, LATER) == 0
    assert bound.seconds_to_room(LATER) == pytest.approx(SETTLING_SECONDS)
    assert taken(bound, LATER + SETTLING_SECONDS) == 1


def test_the_settling_doubles_where_it_was_too_short_and_shrinks_with_each_answer() -> None:
    bound = known(5)
    now, settling = LATER, SETTLING_SECONDS
    for _ in range(2):
        taken(bound, now)
        bound.refuse(now)  # nothing had changed
        bound.release(now, is_admitted=True, has_waiting=True)
        settling *= 2 * SETTLING_LEFT
        assert bound.seconds_to_room(now) == pytest.approx(settling)
        now += LATER
    for _ in range(20):
        taken(bound, now)
        bound.refuse(now)
        now += LATER
    assert bound.take(now)
    bound.release(now, is_admitted=True, has_waiting=True)
    assert bound.seconds_to_room(now) == pytest.approx(LONGEST_SETTLING * SETTLING_LEFT)
    for _ in range(200):  # calls one after another, for which nobody waits
        now += LATER
        assert bound.take(now)
        bound.release(now, is_admitted=True, has_waiting=False)
    assert bound.seconds_to_room(now) == pytest.approx(SETTLING_SECONDS)


def test_one_more_is_tried_after_some_rounds_and_more_rarely_each_time_that_it_fails() -> None:
    bound = known(5)
    now, patience = LATER, PATIENCE
    for _ in range(6):
        answer(bound, now, 5 * patience - 1)
        assert bound.limit == 5
        answer(bound, now + 1000 * LATER, 1)
        assert bound.limit == 6
        assert taken(bound, now + 2000 * LATER) == 6
        bound.refuse(now + 2000 * LATER)
        for _ in range(5):
            bound.release(now + 2000 * LATER, is_admitted=False, has_waiting=True)
        assert bound.limit == 5
        now += 3000 * LATER
        patience = min(2 * patience, LONGEST_PATIENCE)


def test_rounds_that_go_well_raise_it_faster_and_faster() -> None:
    bound = known(5)
    answer(bound, LATER, 5 * PATIENCE)
    limits = []
    for round_ in range(4):
        limits.append(bound.limit)
        answer(bound, LATER * 1000 * (round_ + 1), int(bound.limit))
    assert limits == [6, 8, 12, 20]


def test_it_is_not_raised_while_nobody_waits() -> None:
    bound = known(5)
    for number in range(1000):
        assert bound.take(LATER + number)
        bound.release(LATER + number, is_admitted=True, has_waiting=False)
    assert bound.limit == 5


def test_a_cap_is_never_passed_and_needs_no_learning() -> None:
    bound = LearnedBound()
    assert taken(bound, 0.0, cap=50) == 50
    assert bound.seconds_to_room(0.0, cap=50) is None
    bound.grow(LATER, cap=50)
    assert taken(bound, LATER, cap=50) == 0
    bound.release(LATER, is_admitted=True, has_waiting=True, cap=50)
    assert bound.seconds_to_room(LATER, cap=50) == pytest.approx(SETTLING_SECONDS)
    assert bound.limit == FIRST_BOUND  # nothing was learned of those that are not capped


def test_what_was_learned_goes_below_a_cap_and_comes_back_to_it_at_most() -> None:
    bound = known(3)
    assert taken(bound, LATER, cap=5) == 3
    for _ in range(3):
        bound.release(LATER, is_admitted=True, has_waiting=False, cap=5)
    answer(bound, 2 * LATER, 1000, cap=5)
    assert taken(bound, 3000 * LATER, cap=5) == 5


def test_nobody_is_let_in_while_told_to_wait() -> None:
    bound = known(5)
    bound.hold(10.0)
    bound.hold(9.0)  # the longest counts
    assert not bound.take(9.999)
    assert not bound.take(9.999, cap=1)
    assert not bound.take_beyond(9.999)
    assert bound.seconds_to_room(8.0) == pytest.approx(2.0)
    assert bound.take(10.0)


def test_a_place_beyond_the_bound_counts_as_in_flight() -> None:
    bound = known(1)
    assert bound.take(LATER)
    assert bound.take_beyond(LATER)
    bound.release(LATER, is_admitted=True, has_waiting=True)
    assert not bound.take(2 * LATER)
    bound.release(2 * LATER, is_admitted=True, has_waiting=True)
    assert bound.take(3 * LATER)


# -- whole jobs, simulated --------------------------------------------------------------------------------------------

CALL, WAY, FREED = 0.1, 0.001, 0.002
"""Seconds: a call, a way to the server or back, and after which a place is free once its answer has left."""


def job(rows: int, moves: Sequence[tuple[int, int]], *, cap: int | None = None, taken_by_others: int = 0) -> Job:
    """Simulate a job at a server whose limit moves: after so many answers, to so much."""
    return Job(rows, list(moves), cap, taken_by_others)


class Job:
    """Rows that all wait at once, at a server that refuses what is beyond its limit."""

    def __init__(self, rows: int, moves: list[tuple[int, int]], cap: int | None, taken_by_others: int) -> None:
        self.bound, self.cap, self.moves = LearnedBound(), cap, moves
        self.waiting, self.answers, self.requests, self.refused = rows, 0, 0, 0
        self.at_server = taken_by_others
        self.now = self.next_tick = 0.0
        events: list[tuple[float, int, str]] = []
        numbers = itertools.count()
        while self.answers < rows:
            while self.waiting and self.bound.take(self.now, cap):
                self.waiting -= 1
                self.requests += 1
                heapq.heappush(events, (self.now + WAY, next(numbers), "asked"))
            if self.waiting:
                seconds = self.bound.seconds_to_room(self.now, cap)
                if seconds is not None:
                    heapq.heappush(events, (self.now + seconds, next(numbers), "tick"))
            self.now, _, what = heapq.heappop(events)
            if what == "asked":
                limit = next(limit for answers, limit in reversed(moves) if answers <= self.answers)
                if self.at_server >= limit:
                    heapq.heappush(events, (self.now + WAY, next(numbers), "refused"))
                else:
                    self.at_server += 1
                    heapq.heappush(events, (self.now + CALL, next(numbers), "answered"))
                    heapq.heappush(events, (self.now + CALL + FREED, next(numbers), "freed"))
            elif what == "answered":
                self.answers += 1
                self.bound.release(self.now, is_admitted=True, has_waiting=bool(self.waiting), cap=cap)
            elif what == "freed":
                self.at_server -= 1
            elif what == "refused":
                self.refused += 1
                self.waiting += 1
                self.bound.refuse(self.now)
            else:
                self.bound.grow(self.now, cap)


@pytest.mark.parametrize(("limit", "most_over_ideal"), [(5, 1.35), (25, 1.35), (100, 1.6)])
def test_a_limit_is_learned_with_few_refusals_and_little_time(limit: int, most_over_ideal: float) -> None:
    rows = 400 if limit == 100 else 200
    done = job(rows, [(0, limit)])
    assert done.requests <= 1.1 * rows
    assert done.now <= most_over_ideal * rows / limit * CALL


@pytest.mark.parametrize("limit", [5, 25, 100])
def test_a_cap_of_the_limit_is_refused_nothing(limit: int) -> None:
    done = job(400, [(0, limit)], cap=limit)
    assert done.refused == 0
    assert done.now <= 1.2 * 400 / limit * CALL


def test_no_limit_takes_hardly_longer_than_no_limiter() -> None:
    done = job(1000, [(0, 10**6)])
    assert done.refused == 0
    assert done.now <= CALL + 0.3


def test_places_that_others_have_taken_are_done_without() -> None:
    done = job(200, [(0, 5)], taken_by_others=2)
    assert done.requests <= 1.15 * 200
    assert done.now <= 1.35 * 200 / 3 * CALL


def test_a_limit_that_moves_is_followed() -> None:
    done = job(1000, [(0, 5), (200, 3), (400, 25)])
    assert done.requests <= 1.1 * 1000
    assert done.now <= 1.5 * (200 / 5 + 200 / 3 + 600 / 25) * CALL
