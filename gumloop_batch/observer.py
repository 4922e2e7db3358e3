"""What the calls of one row took."""

from __future__ import annotations

from gumloop_batch.tally import Tally
from gumloop_core.costs import Budget
from gumloop_core.costs.spending import Spending, spending_of
from gumloop_core.errors import GumloopError
from gumloop_core.observation import CallRecord


class RowObserver:
    """Adds up the calls of a row: a task may make several, an agent's for example.

    Attributes:
        attempts: Requests that were tried.
        answer_id: The id of the last answer.
        refusal: Why the budget let a call not begin.
    """

    __slots__ = ("_budget", "_spending", "_tally", "answer_id", "attempts", "refusal")

    def __init__(self, tally: Tally, budget: Budget | None = None) -> None:
        self._tally, self._budget = tally, budget
        self._spending: Spending | None = None
        self.attempts = 0
        self.answer_id: str | None = None
        self.refusal: GumloopError | None = None

    @property
    def input_tokens(self) -> int | None:
        """Tokens read; ``None`` where no server has said."""
        return None if self._spending is None else self._spending.input_tokens

    @property
    def output_tokens(self) -> int | None:
        """Tokens written; ``None`` where no server has said."""
        return None if self._spending is None else self._spending.output_tokens

    @property
    def cost(self) -> float | None:
        """USD, reported or by the price list; ``None`` where neither is known of a call."""
        return None if self._spending is None or self._spending.unpriced_calls else self._spending.total_cost

    def before_call(self, model: str) -> None:
        """Count a call that begins.

        Raises:
            GumloopError: If the budget refuses it.
        """
        if self._budget is not None:
            try:
                self._budget.before_call(model)
            except GumloopError as refusal:
                self.refusal = refusal
                raise
        self._tally.calls_in_flight += 1

    def after_call(self, record: CallRecord) -> None:
        """Add what a call took."""
        self._tally.calls_in_flight -= 1
        spending = spending_of(record)
        if self._budget is not None:
            self._budget.charge(record, spending)
        self.attempts += record.attempts
        self.answer_id = record.answer_id or self.answer_id
        if record.usage is not None or record.usage_of_retried:
            self._spending = spending if self._spending is None else self._spending + spending
