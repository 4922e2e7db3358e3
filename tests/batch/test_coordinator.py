"""What workers share, without Ray."""

from __future__ import annotations

from gumloop_batch.coordinator import Coordinator
from gumloop_batch.limits import Limits
from gumloop_batch.tally import Counts
from gumloop_core.costs import BudgetLimits, BudgetState, Charge
from gumloop_core.errors import BudgetExceededError, ConfigurationError

NOTHING = Counts(0, 0, 0, 0, 0.0, 0)


def test_a_batch_that_is_begun_again_was_a_dead_workers() -> None:
    coordinator = Coordinator(Limits(), None)
    assert not coordinator.begin(b"1", "a", None)
    assert not coordinator.begin(b"2", "b", None)
    assert coordinator.begin(b"1", "b", None)


def test_calls_of_a_dead_worker_are_charged_at_the_mean() -> None:
    coordinator = Coordinator(Limits(), BudgetState(BudgetLimits(max_cost=1.0)))
    coordinator.begin(b"1", "a", "holder-a")
    assert coordinator.reserve("holder-a/1") is None
    coordinator.settle("holder-a/1", Charge(cost=0.25, tokens=1))
    assert coordinator.reserve("holder-a/2") is None
    coordinator.begin(b"1", "b", "holder-b")
    status = coordinator.status()
    assert (status.cost, status.in_flight) == (0.5, 0)
    assert coordinator.reserve("holder-b/1") is None
    coordinator.settle("holder-b/1", Charge(cost=0.5, tokens=1))
    assert isinstance(coordinator.reserve("holder-b/2"), BudgetExceededError)


def test_counts_of_all_workers_add_up_and_reach_limits_together() -> None:
    coordinator = Coordinator(Limits(max_failures=3), None)
    assert not coordinator.report("a", Counts(5, 2, 10, 20, 0.5, 1), None, None).is_stopped
    told = coordinator.report("b", Counts(1, 2, 1, 2, 0.25, 3), None, None)
    assert (told.stopped_because, told.is_stopped) == ("max_failures", True)
    assert coordinator.tally().counts == Counts(6, 4, 11, 22, 0.75, 4)
    # A worker's later numbers stand in for its earlier ones.
    coordinator.report("b", Counts(2, 2, 2, 4, 0.5, 0), None, None)
    assert coordinator.tally().counts == Counts(7, 4, 12, 24, 1.0, 1)


def test_one_workers_end_is_everybodys() -> None:
    refusal = ConfigurationError("The budget cannot be kept.")
    coordinator = Coordinator(Limits(), None)
    coordinator.report("a", NOTHING, None, refusal)
    assert coordinator.report("b", NOTHING, None, None).is_stopped
    assert coordinator.outcome() == (None, refusal)
    interrupted = Coordinator(Limits(), None)
    interrupted.stop()
    told = interrupted.report("a", NOTHING, None, None)
    assert (told.stopped_because, told.is_stopped) == (None, True)
