"""The benchmark runs, and its contenders answer rightly; nothing is timed here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from benchmarks import work
from benchmarks.contenders import FLOOR, OURS, maker
from benchmarks.report import table
from benchmarks.rounds import measure
from benchmarks.rows import ROWS
from benchmarks.workers import Worker, WorkError, server, workers

ROOT = Path(__file__).resolve().parents[2]
LITTLE = {
    "calls": 2,
    "messages": 3,
    "chunks": 12,
    "pace": 100,
    "short": 5,
    "long": 10,
    "models": 2,
    "streams": 3,
}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with server() as address:
        yield address


class InThisProcess:
    """Does the work that a worker would do in its own process."""

    def __init__(self, framework: str, name: str) -> None:
        self.name = name
        self._framework = framework
        self._contender: work.Contender | None = None

    def do(self, name: str, address: str, arguments: dict[str, Any]) -> Any:
        if self._contender is None:
            calls = import_module(f"benchmarks.callers.{self._framework}")
            self._contender = work.Contender(calls, maker(self._framework, self.name), address)
        return getattr(work, name)(self._contender, **arguments)

    def close(self) -> None:
        if self._contender is not None:
            self._contender.close()


@pytest.mark.parametrize("framework", OURS)
def test_floor_and_ours_do_all_the_work(address: str, framework: str) -> None:
    contenders = [InThisProcess(framework, name) for name in (FLOOR, OURS[framework])]
    rows = []
    for contender in contenders:
        contender.do("verify", address, {})
    for row in ROWS:
        if framework not in row.frameworks:
            continue
        arguments = {name: LITTLE[name] for name in row.full}
        names = row.contenders(framework)
        taking_part: Any = [contender for contender in contenders if contender.name in names]
        found = measure(taking_part, row.work, address, arguments, 1)
        assert all("value" in measured for measured in found.values()), found
        rows.append({"title": row.title, "aim": row.aims.get(framework), "unit": row.unit, "scale": row.scale})
        rows[-1]["contenders"] = found
    for contender in contenders:
        contender.close()
    text = table(framework, rows)
    assert all(row["title"] in text for row in rows)
    assert json.loads(json.dumps(rows)) == rows


@pytest.mark.parametrize("framework", OURS)
def test_a_wrong_answer_is_noticed(address: str, framework: str, monkeypatch: pytest.MonkeyPatch) -> None:
    contender = InThisProcess(framework, OURS[framework])
    monkeypatch.setattr("benchmarks.answers.UNARY_TEXT", "Another text.")
    with pytest.raises(AssertionError):
        contender.do("verify", address, {})
    contender.close()


def test_a_worker_works_and_says_what_went_wrong(address: str) -> None:
    with workers("langchain", [OURS["langchain"]]) as (worker,):
        assert worker.do("verify", address, {}) is None
        with pytest.raises(WorkError, match="no_such_work"):
            worker.do("no_such_work", address, {})


def test_a_contender_that_cannot_start_is_reported(address: str) -> None:
    worker = Worker("langchain", "NoSuchModel")
    with pytest.raises(WorkError, match="KeyError"):
        worker.do("verify", address, {})
    worker.close()


def test_the_command_prints_a_table() -> None:
    command = [sys.executable, "-m", "benchmarks", "--quick", "--framework", "langchain", "--only", "second model obj"]
    command += ["--contenders", f"{FLOOR},{OURS['langchain']}"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert "| second model object" in run.stdout
