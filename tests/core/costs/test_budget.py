"""A budget refuses the call that would pass it, before anything is sent, over the core's clients."""

from __future__ import annotations

import gc
import pickle
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest

from gumloop_core import GumloopClient
from gumloop_core.costs import Budget, BudgetStatus, Charge
from gumloop_core.errors import BudgetExceededError, ConfigurationError, GumloopError, ServerError
from tests.core.conftest import Connect
from tests.support.byte_server import ByteServer
from tests.support.core_driver import body, settings_for
from tests.support.http_bytes import TEXT, completion, streamed, whole

PRICED = whole({**completion(), "usage": {"prompt_tokens": 7, "completion_tokens": 5, "cost": 0.25}})


class FarCounter:
    """Stands for a counter in another process: it can be pickled, and keeps what it was asked."""

    def __init__(self) -> None:
        self.reserved: list[str] = []
        self.settled: list[tuple[str, Charge]] = []

    def reserve(self, call: str) -> GumloopError | None:
        self.reserved.append(call)
        return None

    def settle(self, call: str, charge: Charge) -> None:
        self.settled.append((call, charge))

    def status(self) -> BudgetStatus:
        return BudgetStatus()


@pytest.mark.parametrize("limits", [{"max_cost": 1.0}, {"max_tokens": 48}])
@pytest.mark.parametrize("is_stream", [False, True])
def test_it_stops_before_the_call_that_would_pass_it(
    connect: Connect, limits: dict[str, float], is_stream: bool
) -> None:
    with ByteServer(PRICED) as server, Budget(**limits) as budget:  # type: ignore[arg-type]
        driver = connect(server)
        answers = [list(driver.stream())[-1].completion if is_stream else driver.complete() for _ in range(4)]
        for _ in range(2):
            with pytest.raises(BudgetExceededError, match="The budget is used up"):
                list(driver.stream()) if is_stream else driver.complete()
        assert len(server.requests) == 4
    assert [answer.text for answer in answers if answer is not None] == [TEXT] * 4
    assert budget.status == BudgetStatus(cost=1.0, tokens=48, calls=4)


def test_what_failed_is_not_charged(connect: Connect) -> None:
    with ByteServer(whole(b"{}", status=500), PRICED) as server, Budget(max_cost=0.3) as budget:
        driver = connect(server, max_retries=0)
        with pytest.raises(ServerError):
            driver.complete()
        driver.complete()
    assert (budget.status.cost, budget.status.calls, budget.status.in_flight) == (0.25, 1, 0)


def test_a_stream_that_was_abandoned_is_charged_the_mean(connect: Connect) -> None:
    with ByteServer(PRICED, streamed()) as server, Budget(max_cost=1) as budget:
        driver = connect(server)
        driver.complete()
        deltas = driver.stream()
        next(deltas)
        assert budget.status.in_flight == 1
        del deltas
        gc.collect()
    assert (budget.status.cost, budget.status.in_flight) == (0.5, 0)


def test_a_cost_that_nobody_knows_is_told_at_the_next_call(connect: Connect) -> None:
    with ByteServer(whole(completion())) as server, Budget(max_cost=1):
        driver = connect(server)
        assert driver.complete().text == TEXT
        with pytest.raises(ConfigurationError, match="max_cost cannot be kept"):
            driver.complete()
        assert len(server.requests) == 1


def test_threads_share_it() -> None:
    with ByteServer(PRICED) as server, ThreadPoolExecutor(4) as threads:
        client = GumloopClient(settings_for(server.base_url))
        with Budget(max_cost=2.0, expected_cost=0.25) as budget:
            calls = [threads.submit(copy_context().run, client.complete, body()) for _ in range(30)]
        errors = [call.exception(20) for call in calls]
        client.close()
    refused = [error for error in errors if error is not None]
    assert len(refused) == 22
    assert all(isinstance(error, BudgetExceededError) for error in refused)
    assert len(server.requests) == 8
    assert budget.status.cost == 2.0


def test_a_counter_of_ones_own_is_asked_and_told(connect: Connect) -> None:
    counter = FarCounter()
    budget = Budget(counter=counter)
    with ByteServer(PRICED) as server, budget:
        connect(server).complete()
    [call] = counter.reserved
    assert call.startswith(budget.holder)
    assert counter.settled == [(call, Charge(0.25, 12))]


def test_it_travels_with_its_counter_alone() -> None:
    budget = Budget(counter=FarCounter())
    copied = pickle.loads(pickle.dumps(budget))
    assert isinstance(copied._counter, FarCounter)
    assert copied.holder != budget.holder
    with pytest.raises(TypeError, match="counts for one process"):
        pickle.dumps(Budget(max_cost=1))


def test_a_budget_without_a_limit_is_none() -> None:
    with pytest.raises(ConfigurationError, match="needs a limit"):
        Budget()
