"""Sums of what calls cost."""

from __future__ import annotations

from gumloop_core.costs.inbox import Inbox
from gumloop_core.costs.observer_context import ObserverContext
from gumloop_core.costs.spending import Spending, spending_of
from gumloop_core.errors import BudgetExceededError
from gumloop_core.observation import CallRecord


class CostTracker(ObserverContext):
    """Adds up tokens and costs of all calls that it is told of, for each model. Safe to use from threads and tasks.

    It is a context manager: calls that begin inside are counted, of both adapters and in tasks and threads as
    :func:`~gumloop_core.observation.observed_by` says. It can be entered several times, and trackers within each other
    all count. Each adapter has a callback handler for it too; a call is counted once, by however many ways it is
    told of it.

    A stream counts when it ends. A call that a :class:`~gumloop_core.costs.budget.Budget` refused is no call.
    """

    def __init__(self) -> None:
        super().__init__()
        self._by_model: dict[str, Spending] = {}
        self._inbox: Inbox[CallRecord] = Inbox(self._add)

    @property
    def total(self) -> Spending:
        """What all calls so far took together."""
        return sum(self.by_model.values(), Spending())

    @property
    def by_model(self) -> dict[str, Spending]:
        """What they took for each model: by the name that the answer gives, else by the one that was asked for."""
        with self._inbox.emptied():
            return dict(self._by_model)

    def reset(self) -> None:
        """Begin anew."""
        with self._inbox.emptied():
            self._by_model.clear()

    def before_call(self, model: str) -> None:
        """Nothing is counted before a call has ended."""

    def after_call(self, record: CallRecord) -> None:
        """Count a call."""
        if not isinstance(record.error, BudgetExceededError):
            self._inbox.put(record)

    def _add(self, record: CallRecord) -> None:
        model = record.answered_by or record.model
        self._by_model[model] = self._by_model.get(model, Spending()) + spending_of(record)

    def __repr__(self) -> str:
        total = self.total
        return (
            f"CostTracker({total.calls} calls, {total.total_tokens} tokens, {total.cost:.6g} USD"
            + (f" and about {total.estimated_cost:.6g} USD" if total.estimated_cost else "")
            + ")"
        )
