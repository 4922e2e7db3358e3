"""Interleaved rounds: in each, every contender does the same work, and is compared with the floor of that round.

A shared machine is slower at times. Contenders that take turns are slowed alike, so the ratios within a round hold
where the times themselves do not; of the rounds the median is taken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median, quantiles
from typing import Any

from benchmarks.contenders import FLOOR
from benchmarks.rows import Row
from benchmarks.workers import HungError, Worker, WorkError

MOST_HUNG = 2  # rounds of a row that a contender may miss because it hung


def measure(
    workers: Sequence[Worker], row: Row, server: str, arguments: dict[str, Any], rounds: int
) -> dict[str, dict[str, Any]]:
    """Measure contenders side by side.

    Returns:
        For each contender the medians of its numbers, ``value``, and of its ratios to the floor, ``ratio``, with
        ``quartiles``; the rounds missed because it hung, ``hung``; or why it could not do the work, ``error``.
    """
    values: dict[str, dict[int, float]] = {worker.name: {} for worker in workers}
    errors: dict[str, str] = {}
    hung: Counter[str] = Counter()
    for turn in range(rounds + (rounds > 1)):
        first = turn % len(workers)
        for worker in [*workers[first:], *workers[:first]]:
            if worker.name in errors:
                continue
            if row.is_first:
                worker.restart()
            try:
                value = worker.do(row.work, server, arguments)
            except WorkError as error:
                hung[worker.name] += isinstance(error, HungError)
                if not isinstance(error, HungError) or hung[worker.name] > MOST_HUNG:
                    errors[worker.name] = str(error)
                continue
            if turn or rounds == 1:  # the first turn warms up
                values[worker.name][turn] = value
    measured: dict[str, dict[str, Any]] = {}
    floor = values.get(FLOOR, {})
    for name, numbers in values.items():
        if name in errors or not numbers:
            measured[name] = {"error": errors.get(name, "no round came to an end")}
            continue
        measured[name] = {"value": median(numbers.values()), **({"hung": hung[name]} if hung[name] else {})}
        ratios = [number / floor[turn] for turn, number in numbers.items() if floor.get(turn)]
        if ratios:
            measured[name]["ratio"] = median(ratios)
        if len(ratios) >= 3:
            low, _, high = quantiles(ratios, n=4)
            measured[name]["quartiles"] = [low, high]
    return measured
