"""What one call took, from its record: what is exact, what is estimated, what is not known."""

from __future__ import annotations

import pytest

from gumloop_core.answer import Completion, Usage
from gumloop_core.costs.prices import estimated_cost
from gumloop_core.costs.spending import Spending, spending_of
from gumloop_core.errors import GumloopError, ServerError, StreamError
from gumloop_core.observation import CallRecord

CLAUDE = "claude-sonnet-4-5"


def usage(read: int = 1000, written: int = 100, **more: object) -> Usage:
    return Usage(read, written, read + written, **more)  # type: ignore[arg-type]


def record(
    used: Usage | None = None,
    *,
    model: str = CLAUDE,
    answered_by: str | None = None,
    error: GumloopError | None = None,
    is_whole: bool = True,
    attempts: int = 1,
    answer_id: str | None = None,
    usage_of_retried: tuple[Usage, ...] = (),
) -> CallRecord:
    return CallRecord(model, answered_by, answer_id, used, attempts, 0.1, error, is_whole, usage_of_retried)


def test_a_reported_cost_is_exact() -> None:
    spending = spending_of(record(usage(cost=0.5, cached_tokens=10, cache_write_tokens=30, reasoning_tokens=20)))
    assert spending == Spending(
        calls=1,
        input_tokens=1000,
        output_tokens=100,
        total_tokens=1100,
        cached_tokens=10,
        cache_write_tokens=30,
        reasoning_tokens=20,
        cost=0.5,
    )
    assert spending.is_exact
    assert spending_of(record(usage(cost=0.0))).is_exact


@pytest.mark.parametrize("cost", [None, -1.0, float("inf")])
def test_without_a_cost_that_can_be_it_is_estimated(cost: float | None) -> None:
    spending = spending_of(record(usage(cost=cost)))
    assert spending.cost == 0
    assert spending.estimated_cost == estimated_cost(usage(), CLAUDE)
    assert spending.total_cost == spending.estimated_cost > 0
    assert not spending.is_exact


def test_an_unknown_price_is_told() -> None:
    spending = spending_of(record(usage(), model="nobody-knows-it"))
    assert (spending.total_cost, spending.unpriced_calls, spending.total_tokens) == (0, 1, 1100)


def test_retried_attempts_count_too() -> None:
    spending = spending_of(record(usage(cost=0.5), attempts=3, usage_of_retried=(usage(7, 0, cost=0.25), usage(1, 1))))
    assert (spending.calls, spending.retries, spending.input_tokens) == (1, 2, 1008)
    assert spending.cost == 0.75
    assert spending.estimated_cost == estimated_cost(usage(1, 1), CLAUDE)


@pytest.mark.parametrize(
    ("ended", "failures", "uncounted"),
    [
        (record(None), 0, 1),
        (record(None, is_whole=False), 1, 1),
        (record(None, is_whole=False, attempts=0), 1, 0),
        (record(None, is_whole=False, error=ServerError("x", status_code=500)), 1, 0),
        (record(None, is_whole=False, error=StreamError("x", partial=Completion(text="Ot"))), 1, 1),
        (record(None, is_whole=False, error=StreamError("x"), answer_id="gen-1"), 1, 1),
        (record(usage(cost=1.0), is_whole=False, error=StreamError("x")), 1, 0),
    ],
)
def test_what_may_be_paid_for_without_counts(ended: CallRecord, failures: int, uncounted: int) -> None:
    spending = spending_of(ended)
    assert (spending.calls, spending.failures, spending.uncounted_calls) == (1, failures, uncounted)


def test_two_add_up() -> None:
    both = spending_of(record(usage(cost=0.5))) + spending_of(record(usage(cost=None), is_whole=False))
    assert (both.calls, both.failures, both.total_tokens, both.cost) == (2, 1, 2200, 0.5)
    assert both.estimated_cost > 0
