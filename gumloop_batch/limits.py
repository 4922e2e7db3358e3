"""When a job stops before its rows are done."""

from __future__ import annotations

from dataclasses import dataclass

from gumloop_batch.errors import BatchTaskError, StopReason
from gumloop_batch.tally import Tally

_ENOUGH = 100  # rows; a share of fewer says little


@dataclass(frozen=True, slots=True)
class Limits:
    """A job's limits.

    Attributes:
        max_failures: How many rows may fail: a count, or with a ``float`` below 1 a share of the rows done in this run,
            which counts from a hundred rows on. ``None`` for any number.
        max_cost: USD that may be spent; ``None`` for any amount.
        max_tokens: Tokens that may be used, read and written; ``None`` for any number.
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
        for name, value in (("max_failures", failures), ("max_cost", self.max_cost), ("max_tokens", self.max_tokens)):
            if value is not None and not value >= 0:
                raise BatchTaskError(f"{name} must not be negative: {value}.")

    def reached(self, tally: Tally) -> StopReason | None:
        """Which limit a row that failed has passed."""
        if self.max_failures is None:
            return None
        if isinstance(self.max_failures, float):
            done = tally.answered + tally.failed
            return "max_failures" if done >= _ENOUGH and tally.failed > self.max_failures * done else None
        return "max_failures" if tally.failed > self.max_failures else None
