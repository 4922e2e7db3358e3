"""Rows that both frameworks' tasks are asked about, and the job that asks them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel

from gumloop_batch import read_results, run

ROWS = [{"id": number, "text": f"ticket {number}"} for number in range(6)]


class Ticket(BaseModel):
    topic: str
    urgent: bool


def done(task: object, output: Path, **options: Any) -> list[dict[str, Any]]:
    """The results of a job in which no row fails, in the rows' order."""
    result = run(ROWS, task, output=output, key="id", progress=False, **options)
    assert result.failed == 0
    return sorted(read_results(output).to_pylist(), key=lambda row: row["id"])
