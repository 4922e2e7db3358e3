"""``python -m benchmarks``: measure, print the table, write ``benchmarks/results.json``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.contenders import CONTENDERS, OURS, QUICK
from benchmarks.imports import measure_imports
from benchmarks.machine import describe
from benchmarks.report import table
from benchmarks.rounds import measure
from benchmarks.rows import ROWS
from benchmarks.workers import server, workers

RESULTS = Path(__file__).with_name("results.json")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Ours beside the peers and the floors.")
    parser.add_argument("--quick", action="store_true", help="less of all, without the slow peers; writes nothing")
    parser.add_argument("--only", metavar="WORD", help="only rows with this in their title")
    parser.add_argument("--framework", choices=list(CONTENDERS), help="only this framework")
    parser.add_argument("--contenders", metavar="NAME,NAME", help="only these contenders; writes nothing")
    parser.add_argument("--rounds", type=int, help="rounds of each row, in place of its own number; writes nothing")
    given = parser.parse_args()
    frameworks = [given.framework] if given.framework else list(CONTENDERS)
    names = given.contenders.split(",") if given.contenders else QUICK if given.quick else None
    measured = {}
    for framework in frameworks:
        rows = measured[framework] = _measure(framework, given.only or "", names, given.quick, given.rounds)
        print(table(framework, rows), end="\n\n", flush=True)
    if not (given.quick or given.contenders or given.rounds):
        _write(measured, keep=bool(given.only))


def _write(measured: dict[str, list[dict[str, Any]]], *, keep: bool) -> None:
    """Write the results; with ``keep``, a framework's rows that were not measured this time stay as they are."""
    frameworks = json.loads(RESULTS.read_text(encoding="utf-8"))["frameworks"] if RESULTS.exists() else {}
    for framework, rows in measured.items():
        known = {row["title"]: row for row in frameworks.get(framework, []) if keep}
        known.update({row["title"]: row for row in rows})
        frameworks[framework] = list(known.values())
    results = {"date": date.today().isoformat(), "machine": describe(), "frameworks": frameworks}
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _measure(
    framework: str, word: str, names: Sequence[str] | None, quick: bool, rounds: int | None
) -> list[dict[str, Any]]:
    measured = []
    wanted = [name for name in CONTENDERS[framework] if names is None or name in names]
    with server() as address, server() as fresh_address, workers(framework, wanted) as processes:
        for worker in processes:
            worker.do("verify", address, {})
        for row in ROWS:
            if word not in row.title or framework not in row.frameworks:
                continue
            taking_part = [worker for worker in processes if worker.name in row.contenders(framework)]
            if not taking_part:
                continue
            _progress(f"{framework}: {row.title}")
            # Nobody has a connection to the second server yet.
            at = fresh_address if row.work == "connections" else address
            turns = rounds or (min(2, row.rounds) if quick else row.rounds)
            found = measure(taking_part, row.work, at, row.arguments(quick=quick), turns)
            measured.append(
                {
                    "title": row.title,
                    "aim": row.aims.get(framework),
                    "unit": row.unit,
                    "scale": row.scale,
                    "rounds": turns,
                    "contenders": found,
                }
            )
    title = "import beyond the framework"
    if word in title:
        _progress(f"{framework}: {title}")
        turns = rounds or (1 if quick else 5)
        # The peers take many seconds.
        found = measure_imports(framework, turns, [OURS[framework]] if quick else wanted)
        measured.append({"title": title, "aim": 40.0, "unit": "ms", "scale": 1e3, "rounds": turns, "contenders": found})
    _progress("")
    return measured


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
