"""When a job stops before its rows are done."""

from __future__ import annotations

from dataclasses import dataclass

from gumloop_batch.errors import BatchTaskError, StopReason
from gumloop_batch.tally import Tally
from gumloop_core.costs import BudgetLimits, BudgetState
from gumloop_core.errors import BudgetExceededError, ConfigurationError

_ENOUGH = 100  # rows; a share of fewer says little


@dataclass(frozen=True, slots=True)
class Limits:
    """A job's limits.

    Attributes:
        max_failures: How many rows may fail: a count, or with a ``float`` below 1 a share of the rows done in this run,
            which counts from a hundred rows on. ``None`` for any number.
        max_cost: USD that the job may spend, earlier runs included; ``None`` for any amount.
        max_tokens: Tokens that it may use, read and written, likewise; ``None`` for any number.
    """

    max_failures: int | float | None = None
    max_cost: float | None = None
    max_tokens: int | None = None

    def check(self) -> None:
        """Make sure that they make sense.

        Raises:
            BatchTaskError: If they do not.
        """
        failures = self.max_failures
        if isinstance(failures, float) and not 0 <= failures < 1:
            raise BatchTaskError(f"max_failures must be a count, or a share of at least 0.0 and below 1.0: {failures}.")
        if failures is not None and not failures >= 0:
            raise BatchTaskError(f"max_failures must not be negative: {failures}.")
        self.budget()

    def budget(self, *, cost: float = 0.0, tokens: int = 0) -> BudgetState | None:
        """The state of the job's budget at its beginning, ``None`` if it has none.

        Args:
            cost: USD that earlier runs spent.
            tokens: Tokens that earlier runs used.

        Raises:
            BatchTaskError: If a limit is no positive number.
        """
        if self.max_cost is None and self.max_tokens is None:
            return None
        try:
            return BudgetState(BudgetLimits(self.max_cost, self.max_tokens), cost=cost, tokens=tokens)
        except ConfigurationError as error:
            raise BatchTaskError(error.message) from None

    def reached(self, tally: Tally) -> StopReason | None:
        """Which limit a row that failed has passed."""
        if self.max_failures is None:
            return None
        if isinstance(self.max_failures, float):
            done = tally.answered + tally.failed
            return "max_failures" if done >= _ENOUGH and tally.failed > self.max_failures * done else None
        return "max_failures" if tally.failed > self.max_failures else None


def passed_limit(refusal: BudgetExceededError) -> StopReason:
    """Which limit a call would have passed: the one that is used up furthest."""
    if refusal.max_tokens is None:
        return "max_cost"
    if refusal.max_cost is None or refusal.tokens / refusal.max_tokens > refusal.cost / refusal.max_cost:
        return "max_tokens"
    return "max_cost"
