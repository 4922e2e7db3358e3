"""How far a job is, in numbers that all who work on it see."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import NamedTuple


class Counts(NamedTuple):
    """What one worker did; the names are those of :class:`Tally`."""

    answered: int
    failed: int
    input_tokens: int
    output_tokens: int
    cost: float
    calls_in_flight: int


@dataclass(slots=True)
class Tally:
    """How far a job is.

    Written by the worker's thread alone, but for calls of functions that block, whose counts only the bar shows; read
    by the one that shows it.

    Attributes:
        rows: Rows of the input.
        skipped: Rows that had an answer before.
        answered: Rows that were answered.
        failed: Rows that failed.
        input_tokens: Tokens read.
        output_tokens: Tokens written.
        cost: USD.
        calls_in_flight: Calls that have begun and not ended; those that wait for room are among them.
        started: When the job began, by ``time.monotonic``.
    """

    rows: int = 0
    skipped: int = 0
    answered: int = 0
    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    calls_in_flight: int = 0
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Since the job began."""
        return time.monotonic() - self.started

    @property
    def counts(self) -> Counts:
        """What was done."""
        return Counts(*[getattr(self, name) for name in Counts._fields])

    def add(self, counts: Counts) -> None:
        """Add what a worker did."""
        for name, count in counts._asdict().items():
            setattr(self, name, getattr(self, name) + count)

    def take(self, counts: Counts) -> None:
        """Say what all workers did."""
        for name, count in counts._asdict().items():
            setattr(self, name, count)
