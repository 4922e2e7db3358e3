"""A tracker adds up all that it is told of, once, over the core's clients."""

from __future__ import annotations

import gc

import pytest

from gumloop_core.answer import Usage
from gumloop_core.costs import Budget, CostTracker, Spending
from gumloop_core.costs.prices import estimated_cost
from gumloop_core.errors import AuthenticationError, BudgetExceededError
from tests.core.conftest import Connect
from tests.support.byte_server import ByteServer
from tests.support.http_bytes import completion, streamed, whole

PRICED = whole({**completion(), "usage": {"prompt_tokens": 7, "completion_tokens": 5, "cost": 0.25}})
UNPRICED = whole({**completion(), "model": "claude-sonnet-4-5"})
UNKNOWN = whole(completion())


def test_exact_estimated_and_unknown_costs_stay_apart(connect: Connect) -> None:
    with ByteServer(PRICED, UNPRICED, UNKNOWN, PRICED) as server, CostTracker() as tracker:
        for _ in range(4):
            connect(server).complete()
    estimate = estimated_cost(Usage(7, 5, 12), "claude-sonnet-4-5")
    assert tracker.by_model == {
        "m-served": Spending(calls=3, input_tokens=21, output_tokens=15, total_tokens=36, cost=0.5, unpriced_calls=1),
        "claude-sonnet-4-5": Spending(
            calls=1, input_tokens=7, output_tokens=5, total_tokens=12, estimated_cost=estimate or -1
        ),
    }
    assert tracker.total == sum(tracker.by_model.values(), Spending())
    assert repr(tracker).startswith("CostTracker(4 calls, 48 tokens, 0.5 USD and about ")
    tracker.reset()
    assert tracker.total == Spending()


def test_failures_and_streams_that_were_abandoned(connect: Connect) -> None:
    with ByteServer(whole(b"{}", status=401), streamed()) as server, CostTracker() as tracker:
        driver = connect(server)
        with pytest.raises(AuthenticationError):
            driver.complete()
        deltas = driver.stream()
        next(deltas)
        del deltas
        gc.collect()
    total = tracker.total
    assert (total.calls, total.failures, total.uncounted_calls) == (2, 2, 1)


def test_each_within_another_counts_and_the_same_counts_once(connect: Connect) -> None:
    with ByteServer(PRICED) as server, CostTracker() as outer:
        driver = connect(server)
        driver.complete()
        with CostTracker() as inner, outer:
            driver.complete()
        with inner:
            driver.complete()
    assert (outer.total.calls, inner.total.calls) == (3, 2)
    # Both are left: nothing is counted any more.
    with ByteServer(PRICED) as server:
        connect(server).complete()
    assert (outer.total.calls, inner.total.calls) == (3, 2)


def test_a_call_that_was_refused_is_none(connect: Connect) -> None:
    with ByteServer(PRICED) as server, CostTracker() as tracker, Budget(max_cost=0.3):
        driver = connect(server)
        driver.complete()
        with pytest.raises(BudgetExceededError):
            driver.complete()
    assert (tracker.total.calls, tracker.total.failures) == (1, 0)
