"""What a job did, in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class JobResult:
    """What a job did.

    Attributes:
        folder: The output folder.
        rows: Rows of the input.
        answered: Rows that were answered in this run.
        failed: Rows that failed in this run; the next run asks them again.
        skipped: Rows that had an answer before.
        input_tokens: Tokens read in this run, as far as the servers said.
        output_tokens: Tokens written in this run, as far as the servers said.
        cost: USD spent in this run, as far as the servers said.
        seconds: How long this run took.
    """

    folder: Path
    rows: int
    answered: int
    failed: int
    skipped: int
    input_tokens: int
    output_tokens: int
    cost: float
    seconds: float
