"""A budget that refuses the call that would pass it."""

from __future__ import annotations

import itertools
from collections import deque
from typing import Any
from uuid import uuid4

from gumloop_core.costs.budget_state import FREE, BudgetCounter, BudgetLimits, BudgetState, BudgetStatus, Charge
from gumloop_core.costs.inbox import Inbox
from gumloop_core.costs.observer_context import ObserverContext
from gumloop_core.costs.spending import Spending, spending_of
from gumloop_core.errors import GumloopError
from gumloop_core.observation import CallRecord


class LocalBudgetCounter:
    """A budget's sums in this process's memory; see :class:`~gumloop_core.costs.budget_state.BudgetCounter`."""

    def __init__(self, state: BudgetState) -> None:
        self._state = state
        self._settled: Inbox[tuple[str, Charge]] = Inbox(lambda settled: state.settle(*settled))

    def reserve(self, call: str) -> GumloopError | None:
        """Ask for a call."""
        with self._settled.emptied():
            return self._state.reserve(call)

    def settle(self, call: str, charge: Charge) -> None:
        """Tell what a call took."""
        self._settled.put((call, charge))

    def status(self) -> BudgetStatus:
        """Where the budget stands."""
        with self._settled.emptied():
            return self._state.status()

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("A budget in memory counts for one process; pass a counter that several workers can share.")


class Budget(ObserverContext):
    """Refuses calls that would pass a limit: they raise ``BudgetExceededError`` and nothing is sent.

    It is a context manager: calls that begin inside are counted and refused, of both adapters and in tasks and threads
    as :func:`~gumloop_core.observation.observed_by` says. Each adapter has a callback handler for it too. The rule is
    that of :class:`~gumloop_core.costs.budget_state.BudgetState`: what has been spent, and what calls in flight are
    expected to take by the mean of those that have ended. Costs are those that the server reports, else those of the
    price list. Calls of unknown cost are charged the mean of the others; where there are no others, the next call
    raises ``ConfigurationError``. Nothing that was answered is lost.

    Args:
        max_cost: USD; ``None`` for no limit.
        max_tokens: Tokens, read and written; ``None`` for no limit.
        expected_cost: USD that a call is expected to cost until one has ended. Set it where many calls begin at once.
        expected_tokens: Tokens that a call is expected to take until one has ended.
        counter: Where the sums are; ``None`` for this process's memory. Its limits are its own, so that none is to be
            passed beside it. With a counter that can be pickled the budget can be too.

    Raises:
        ConfigurationError: If there is no limit, or one is not a positive number.
    """

    def __init__(
        self,
        max_cost: float | None = None,
        max_tokens: int | None = None,
        *,
        expected_cost: float = 0.0,
        expected_tokens: float = 0.0,
        counter: BudgetCounter | None = None,
    ) -> None:
        if counter is None:
            limits = BudgetLimits(max_cost, max_tokens, expected_cost, expected_tokens)
            counter = LocalBudgetCounter(BudgetState(limits))
        self._begin(counter)

    def _begin(self, counter: BudgetCounter) -> None:
        super().__init__()
        self._counter = counter
        self._holder = uuid4().hex
        self._numbers = itertools.count()
        self._in_flight: deque[str] = deque()  # any will do for a call that ends: they are worth the same

    @property
    def holder(self) -> str:
        """What the ids of this budget's calls begin with, should its worker die; see ``BudgetState.abandon``."""
        return self._holder

    @property
    def status(self) -> BudgetStatus:
        """Where the budget stands."""
        return self._counter.status()

    def before_call(self, model: str) -> None:
        """Ask for a call.

        Raises:
            BudgetExceededError: If it would pass a limit.
            ConfigurationError: If what calls take is not known at all.
        """
        call = f"{self._holder}/{next(self._numbers)}"
        refusal = self._counter.reserve(call)
        if refusal is not None:
            raise refusal
        self._in_flight.append(call)

    def after_call(self, record: CallRecord) -> None:
        """Charge a call."""
        self.charge(record, spending_of(record))

    def charge(self, record: CallRecord, spending: Spending) -> None:
        """As :meth:`after_call`, for who has reckoned already what the call took: a price is long to look up."""
        self._counter.settle(self._in_flight.popleft(), charge_of(record, spending))

    def __getstate__(self) -> dict[str, Any]:
        return {"counter": self._counter}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._begin(state["counter"])


def charge_of(record: CallRecord, spending: Spending) -> Charge:
    """What a call takes of a budget."""
    is_counted = record.usage is not None or bool(record.usage_of_retried)
    if not is_counted and not spending.uncounted_calls:
        return FREE
    return Charge(
        cost=None if spending.unpriced_calls or spending.uncounted_calls else spending.total_cost,
        tokens=None if spending.uncounted_calls else spending.total_tokens,
    )
