"""The rule of shared slots, with a clock in hand: who gets how many, and when they are taken away."""

from __future__ import annotations

import json
from typing import Any

from gumloop_core.concurrency.bound import FIRST_BOUND
from gumloop_core.concurrency.shared.messages import Event, Message, Reply
from gumloop_core.concurrency.shared.slots import STARVING_SECONDS, WANTING_SECONDS, SharedSlots


def released(ago: float = 0.0) -> Event:
    return {"kind": "released", "is_admitted": True, "cap": None, "seconds": 0.0, "at": ago}


def refused(seconds: float = 0.0) -> Event:
    return {"kind": "refused", "is_admitted": False, "cap": None, "seconds": seconds, "at": 0.0}


class Process:
    """Says what a process would say, and remembers what it has."""

    def __init__(self, slots: SharedSlots, name: str, *, cap: int | None = None, lease: float = 30.0) -> None:
        self.slots, self.name, self.cap, self.lease = slots, name, cap, lease
        self.number = self.held = 0

    def message(self, *events: Event, wanted: int = 0) -> Message:
        self.number += 1
        self.held -= len(events)
        return {
            "holder": self.name,
            "number": self.number,
            "in_flight": self.held,
            "events": [{**event, "cap": self.cap} for event in events],
            "wanted": wanted,
            "cap": self.cap,
            "lease": self.lease,
        }

    def says(self, now: float, *events: Event, wanted: int = 0) -> Reply:
        reply = self.slots.exchange(self.message(*events, wanted=wanted), now)
        self.held += reply["granted"]
        return reply


def full(cap: int, *processes: Process) -> None:
    """Have processes take all slots."""
    for process in processes:
        process.cap = cap
        process.says(0.0, wanted=cap)


def test_processes_share_a_bound() -> None:
    slots = SharedSlots()
    one, other = Process(slots, "one", cap=3), Process(slots, "other", cap=3)
    assert one.says(0.0, wanted=2)["granted"] == 2
    reply = other.says(0.0, wanted=2)
    assert (reply["granted"], reply["others"]) == (1, 2)
    assert one.says(0.1, released(0.1))["granted"] == 0
    assert other.says(0.2, wanted=1)["granted"] == 1


def test_what_a_dead_process_held_comes_free_with_its_lease() -> None:
    slots = SharedSlots()
    dead, other = Process(slots, "dead", cap=2, lease=1.0), Process(slots, "other", cap=2)
    assert dead.says(0.0, wanted=2)["granted"] == 2
    assert other.says(0.9, wanted=2)["granted"] == 0
    assert other.says(1.0, wanted=2)["granted"] == 2


def test_a_process_that_speaks_keeps_its_slots() -> None:
    slots = SharedSlots()
    slow, other = Process(slots, "slow", cap=2, lease=1.0), Process(slots, "other", cap=2)
    slow.says(0.0, wanted=2)
    for tenth in range(3, 30, 3):
        slow.says(tenth / 10)
        assert other.says(tenth / 10, wanted=1)["granted"] == 0


def test_a_process_that_was_held_for_dead_has_its_slots_again() -> None:
    slots = SharedSlots()
    paused, other = Process(slots, "paused", cap=2, lease=1.0), Process(slots, "other", cap=2)
    paused.says(0.0, wanted=2)
    other.says(5.0, wanted=1)
    paused.says(6.0)
    assert slots.bound.in_flight == 3
    paused.says(6.1, released(0.05), released(0.05))
    assert slots.bound.in_flight == 1


def test_a_message_that_arrives_twice_counts_once() -> None:
    slots = SharedSlots()
    one = Process(slots, "one")
    one.says(0.0, wanted=2)
    message = one.message(released())
    first = slots.exchange(message, 0.1)
    again = slots.exchange(message, 0.2)
    assert (first["admitted"], again["admitted"], slots.bound.in_flight) == (1, 1, 1)


def test_slots_whose_grant_got_lost_are_not_lost() -> None:
    slots = SharedSlots()
    one = Process(slots, "one", cap=2)
    slots.exchange(one.message(wanted=2), 0.0)  # the answer never arrives
    assert one.says(0.1, wanted=2)["granted"] == 2


def test_slots_that_have_been_forgotten_come_back_with_the_next_word() -> None:
    one = Process(SharedSlots(), "one", cap=3)
    one.says(0.0, wanted=3)
    one.slots = SharedSlots()  # a server that began anew
    one.says(0.1, released())
    assert one.slots.bound.in_flight == 2


def test_a_refusal_in_one_process_lowers_the_bound_of_all() -> None:
    slots = SharedSlots()
    one, other = Process(slots, "one"), Process(slots, "other")
    assert one.says(0.0, wanted=FIRST_BOUND)["granted"] == FIRST_BOUND
    one.says(0.1, refused(), refused())
    reply = other.says(0.2, wanted=5)
    assert (reply["granted"], reply["is_learning"]) == (0, False)
    assert int(slots.bound.limit) == FIRST_BOUND - 2


def test_a_wait_that_was_asked_for_holds_everyone() -> None:
    slots = SharedSlots()
    one, other = Process(slots, "one"), Process(slots, "other")
    one.says(0.0, wanted=3)
    one.says(0.1, refused(seconds=2.0))
    one.says(0.9, released())
    reply = other.says(1.0, wanted=1)
    assert reply["granted"] == 0
    assert reply["seconds_to_room"] is not None
    assert 1.0 < reply["seconds_to_room"] <= 1.1
    assert other.says(2.2, wanted=1)["granted"] == 1


def test_who_has_more_than_its_share_lets_others_go_first() -> None:
    slots = SharedSlots()
    greedy, late = Process(slots, "greedy"), Process(slots, "late")
    full(4, greedy)
    late.cap = 4
    assert late.says(0.1, wanted=2)["granted"] == 0
    assert greedy.says(0.2, released(0.1), wanted=1)["granted"] == 0
    assert late.says(0.25, wanted=2)["granted"] == 1
    assert greedy.says(0.3, released(0.1), wanted=1)["granted"] == 0
    assert late.says(0.35, wanted=1)["granted"] == 1
    # Both have two: whoever asks first gets what comes free.
    late.says(0.35, wanted=1)
    assert greedy.says(0.4, released(0.1), wanted=1)["granted"] == 1


def test_who_waits_no_more_is_not_waited_for() -> None:
    slots = SharedSlots()
    one, gone = Process(slots, "one"), Process(slots, "gone", cap=2)
    full(2, one)
    gone.says(0.1, wanted=1)
    now = 0.1 + WANTING_SECONDS
    assert one.says(now, released(0.1), wanted=1)["granted"] == 1


def test_nobody_starves_at_a_bound_of_one() -> None:
    slots = SharedSlots()
    busy, starving = Process(slots, "busy"), Process(slots, "starving", cap=1)
    full(1, busy)
    now, served = 0.0, 0
    while now < 2 * STARVING_SECONDS:
        now += 0.05
        busy.says(now, *[released(0.04)] * busy.held, wanted=1)
        served += starving.says(now, wanted=1)["granted"]
    assert served == 1


def test_a_clock_that_is_set_back_ends_no_lease_early_and_none_late() -> None:
    slots = SharedSlots()
    one, other = Process(slots, "one", cap=1, lease=1.0), Process(slots, "other", cap=1)
    one.says(1000.0, wanted=1)
    assert other.says(10.0, wanted=1)["granted"] == 0
    assert other.says(10.9, wanted=1)["granted"] == 0
    assert other.says(11.1, wanted=1)["granted"] == 1


def test_all_of_it_survives_json() -> None:
    slots = SharedSlots()
    one = Process(slots, "one")
    one.says(0.0, wanted=5)
    one.says(0.1, released(), refused(seconds=0.5))
    dumped: Any = json.loads(json.dumps(slots.dump()))
    loaded = SharedSlots.load(dumped)
    assert loaded.dump() == slots.dump()
    message = one.message(released(), wanted=3)
    assert loaded.exchange(message, 0.7) == slots.exchange(message, 0.7)
