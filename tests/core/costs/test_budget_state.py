"""The rule of a budget: what may begin, what is charged."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from gumloop_core.costs.budget_state import FREE, BudgetLimits, BudgetState, Charge
from gumloop_core.errors import BudgetExceededError, ConfigurationError


def state(max_cost: float | None = None, max_tokens: int | None = None, **more: Any) -> BudgetState:
    return BudgetState(BudgetLimits(max_cost, max_tokens, **more))


def call(budget: BudgetState, name: str, charge: Charge) -> None:
    assert budget.reserve(name) is None
    budget.settle(name, charge)


def test_calls_go_on_until_the_next_would_pass_the_limit() -> None:
    budget = state(1.0)
    for number in range(10):
        call(budget, str(number), Charge(0.1, 5))
    refusal = budget.reserve("11")
    assert isinstance(refusal, BudgetExceededError)
    assert (refusal.cost, refusal.tokens) == (pytest.approx(1.0), 50)
    assert (refusal.max_cost, refusal.max_tokens) == (1.0, None)
    assert "1 of 1 USD are spent" in str(refusal)


def test_calls_in_flight_are_expected_to_take_the_mean() -> None:
    budget = state(max_tokens=100)
    call(budget, "a", Charge(None, 20))
    assert [budget.reserve(name) is None for name in "bcdef"] == [True, True, True, True, False]
    budget.settle("b", Charge(None, 0))  # the mean is 10 now
    assert [budget.reserve(name) is None for name in "ghijk"] == [True, True, True, True, True]
    assert budget.reserve("l") is not None


def test_before_the_first_has_ended_the_expectation_counts() -> None:
    assert [state(1.0).reserve(name) for name in "abc"] == [None] * 3
    careful = state(1.0, expected_cost=0.5)
    assert [careful.reserve(name) is None for name in "abc"] == [True, True, False]
    careful.settle("a", Charge(0.1, 5))
    assert careful.reserve("c") is None


def test_both_limits_hold() -> None:
    budget = state(1.0, 10)
    call(budget, "a", Charge(0.001, 9))
    assert "9 of 10 tokens" in str(budget.reserve("b"))


def test_calls_of_unknown_cost_are_charged_the_mean() -> None:
    budget = state(1.0)
    call(budget, "a", Charge(0.3, 5))
    call(budget, "b", Charge(None, None))
    status = budget.status()
    assert (status.cost, status.tokens, status.calls, status.unpriced_calls) == (0.6, 10, 2, 1)
    call(budget, "c", Charge(0.3, 5))
    assert isinstance(budget.reserve("d"), BudgetExceededError)


def test_a_limit_that_cannot_be_kept_is_told() -> None:
    budget = state(1.0)
    call(budget, "a", Charge(None, 5))
    refusal = budget.reserve("b")
    assert isinstance(refusal, ConfigurationError)
    assert "gumloop-llms[costs]" in str(refusal)
    tokens = state(max_tokens=10)
    call(tokens, "a", Charge(0.1, None))
    assert "without token counts" in str(tokens.reserve("b"))
    call(tokens_alone := state(max_tokens=10), "a", Charge(None, 5))
    assert tokens_alone.reserve("b") is None


def test_what_failed_is_free_and_no_example_for_others() -> None:
    budget = state(1.0)
    call(budget, "a", FREE)
    call(budget, "b", Charge(0.6, 5))
    assert budget.status().calls == 1
    assert budget.reserve("c") is not None


def test_asking_or_settling_twice_changes_nothing() -> None:
    budget = state(1.0)
    assert budget.reserve("a") is budget.reserve("a") is None
    assert budget.status().in_flight == 1
    budget.settle("a", Charge(0.25, 5))
    budget.settle("a", Charge(0.25, 5))
    assert budget.status().cost == 0.25


def test_a_worker_that_died() -> None:
    budget = state(1.0)
    call(budget, "one/0", Charge(0.1, 5))
    for name in ("one/1", "one/2", "two/0"):
        budget.reserve(name)
    budget.abandon("one/")
    status = budget.status()
    assert status.cost == pytest.approx(0.3)
    assert status.in_flight == 1


def test_what_was_spent_before_counts_and_is_no_example() -> None:
    budget = BudgetState(BudgetLimits(1.0), cost=0.95, tokens=3)
    call(budget, "a", Charge(0.02, 5))
    assert budget.status().cost == pytest.approx(0.97)
    call(budget, "b", Charge(0.02, 5))
    assert budget.reserve("c") is not None
    assert BudgetState(BudgetLimits(1.0), cost=1.0).reserve("a") is not None


def test_it_can_be_pickled() -> None:
    budget = state(1.0)
    call(budget, "a", Charge(0.6, 5))
    copied = pickle.loads(pickle.dumps(budget))
    assert copied.status() == budget.status()
    refusal = pickle.loads(pickle.dumps(copied.reserve("b")))
    assert isinstance(refusal, BudgetExceededError)
    assert (refusal.cost, refusal.max_cost) == (0.6, 1.0)


@pytest.mark.parametrize(
    "limits",
    [{}, {"max_cost": 0}, {"max_cost": -1}, {"max_cost": float("nan")}, {"max_tokens": "5"}, {"max_tokens": True}],
)
def test_limits_that_are_none(limits: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        BudgetLimits(**limits)
