"""``python -m benchmarks``: measure, print the table, write ``benchmarks/results.json``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import sys
from contextlib import ExitStack, closing
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.contenders import CONTENDERS, QUICK
from benchmarks.report import RESULTS, table
from benchmarks.rounds import measure
from benchmarks.rows import ROWS
from benchmarks.server import BenchmarkServer
from benchmarks.workers import Worker, served

_PACKAGES = """
gumloop-llms httpx httpcore h11 httptools pydantic
langchain-core langchain-openai langchain-openrouter langchain-litellm
llama-index-core llama-index-llms-openai-like llama-index-llms-litellm litellm openai openrouter
"""


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Ours beside the peers and the floors.")
    parser.add_argument("--quick", action="store_true", help="less of all, without the slow peers; writes nothing")
    parser.add_argument("--only", metavar="WORD", default="", help="only rows with this in their title")
    parser.add_argument("--framework", choices=list(CONTENDERS), help="only this framework")
    parser.add_argument("--contenders", metavar="NAME,NAME", help="only these contenders; writes nothing")
    parser.add_argument("--rounds", type=int, help="rounds of each row, in place of its own number; writes nothing")
    given = parser.parse_args()
    measured = {}
    for framework in [given.framework] if given.framework else CONTENDERS:
        measured[framework] = _measure(framework, given)
        print(table(framework, measured[framework]), end="\n\n", flush=True)
    if not (given.quick or given.contenders or given.rounds):
        _write(measured, keep=bool(given.only))


def _measure(framework: str, given: argparse.Namespace) -> list[dict[str, Any]]:
    names = given.contenders.split(",") if given.contenders else QUICK if given.quick else CONTENDERS[framework]
    measured = []
    with ExitStack() as stack:
        address = stack.enter_context(served(BenchmarkServer))
        workers = [Worker(framework, name) for name in CONTENDERS[framework] if name in names]
        for worker in workers:
            stack.enter_context(closing(worker))
            worker.do("verify", address, {})
        for row in ROWS:
            taking_part = [worker for worker in workers if worker.name in row.contenders(framework, quick=given.quick)]
            if given.only not in row.title or not taking_part:
                continue
            if sys.stderr.isatty():
                print(f"\r\x1b[K{framework}: {row.title}", end="\r", file=sys.stderr, flush=True)
            rounds = given.rounds or (min(2, row.rounds) if given.quick else row.rounds)
            arguments = {**row.full, **(row.quick if given.quick else {})}
            # Nobody has a connection to a new server yet.
            new = row.work == "connections"
            at = stack.enter_context(served(BenchmarkServer)) if new else address
            found = measure(taking_part, row.work, at, arguments, rounds)
            described = {"title": row.title, "aim": row.aims.get(framework), "unit": row.unit, "scale": row.scale}
            measured.append({**described, "rounds": rounds, "contenders": found})
    return measured


def _write(measured: dict[str, list[dict[str, Any]]], *, keep: bool) -> None:
    """Write the results; with ``keep``, what was not measured this time stays, and what was carries its own date."""
    today = date.today().isoformat()
    results: dict[str, Any] = {"date": today, "machine": _machine(), "frameworks": {}}
    if keep and RESULTS.exists():
        results = json.loads(RESULTS.read_text(encoding="utf-8"))
    for framework, rows in measured.items():
        known = {row["title"]: row for row in results["frameworks"].get(framework, []) if keep}
        known.update({row["title"]: {**row, "date": today} if keep else row for row in rows})
        order = [row.title for row in ROWS]
        results["frameworks"][framework] = sorted(known.values(), key=lambda row: order.index(row["title"]))
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _machine() -> dict[str, Any]:
    """The machine, without its name or paths, and the versions."""
    processors = Path("/proc/cpuinfo")
    model = re.search(r"model name\s*: (.*)", processors.read_text(encoding="utf-8") if processors.exists() else "")
    return {
        "processor": model[1] if model else platform.machine(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": {name: version(name) for name in _PACKAGES.split()},
    }


if __name__ == "__main__":
    main()
