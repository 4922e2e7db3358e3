"""What the workers of a job share on Ray: limits, counts, and who has begun with which rows. An actor holds it."""

from __future__ import annotations

from dataclasses import dataclass

from gumloop_batch.errors import StopReason
from gumloop_batch.limits import Limits
from gumloop_batch.tally import Counts, Tally
from gumloop_core.costs import BudgetState, BudgetStatus, Charge
from gumloop_core.errors import GumloopError


@dataclass(frozen=True, slots=True)
class Told:
    """What a worker is told when it reports.

    Attributes:
        stopped_because: Which limit ended the job.
        is_stopped: Whether no further row is to be asked, for whatever reason.
    """

    stopped_because: StopReason | None
    is_stopped: bool


class Coordinator:
    """Knows of all workers of a job what they did. Its methods are called one at a time."""

    def __init__(self, limits: Limits, budget: BudgetState | None) -> None:
        self._limits, self._budget = limits, budget
        self._counts: dict[str, Counts] = {}
        self._begun: dict[bytes, str] = {}
        self._holders: dict[str, str] = {}
        self._stopped_because: StopReason | None = None
        self._refusal: GumloopError | None = None
        self._is_stopped = False

    def begin(self, batch: bytes, worker: str, holder: str | None) -> bool:
        """A worker begins with a batch.

        Args:
            batch: The id of its first row.
            worker: The worker's name.
            holder: What the ids of its calls begin with, where there is a budget.

        Returns:
            Whether another worker has begun with it before, and died: some of its rows may have their answers.
        """
        before = self._begun.get(batch)
        self._begun[batch] = worker
        if holder is not None:
            self._holders[worker] = holder
        if before is not None and before != worker and self._budget is not None and before in self._holders:
            self._budget.abandon(self._holders.pop(before))
        return before is not None

    def report(
        self, worker: str, counts: Counts, stopped_because: StopReason | None, refusal: GumloopError | None
    ) -> Told:
        """A worker tells what it did so far, and is told whether to go on."""
        self._counts[worker] = counts
        self._refusal = self._refusal or refusal
        self._stopped_because = self._stopped_because or stopped_because or self._limits.reached(self.tally())
        self._is_stopped = self._is_stopped or self._stopped_because is not None or self._refusal is not None
        return Told(self._stopped_because, self._is_stopped)

    def stop(self) -> None:
        """Have the workers ask no further row."""
        self._is_stopped = True

    def tally(self) -> Tally:
        """What all workers did."""
        tally = Tally()
        for counts in self._counts.values():
            tally.add(counts)
        return tally

    def outcome(self) -> tuple[StopReason | None, GumloopError | None]:
        """Which limit ended the job, and why the budget cannot be kept."""
        return self._stopped_because, self._refusal

    # The budget's counter; see `gumloop_core.costs.BudgetCounter`.

    def reserve(self, call: str) -> GumloopError | None:
        """Ask for a call."""
        return None if self._budget is None else self._budget.reserve(call)

    def settle(self, call: str, charge: Charge) -> None:
        """Tell what a call took."""
        if self._budget is not None:
            self._budget.settle(call, charge)

    def status(self) -> BudgetStatus:
        """Where the budget stands."""
        return BudgetStatus() if self._budget is None else self._budget.status()
