"""The benchmark runs, and its contenders answer rightly; nothing is timed here."""

from __future__ import annotations

import gc
import json
import runpy
import sys
from collections.abc import Iterator
from contextlib import closing
from importlib import import_module
from typing import Any

import pytest

from benchmarks.contenders import CONTENDERS, FLOOR, OURS
from benchmarks.report import table
from benchmarks.rounds import measure
from benchmarks.rows import ROWS
from benchmarks.server import BenchmarkServer
from benchmarks.work import Work
from benchmarks.workers import Worker, WorkError, served

LITTLE = {
    "calls": 2,
    "messages": 3,
    "chunks": 20,
    "pace": 100,
    "short": 3,
    "long": 20,
    "models": 1,
    "streams": 3,
}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served(BenchmarkServer) as address:
        yield address


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the work, which collects garbage before it measures, all that the tests have loaded and frozen."""
    monkeypatch.setattr(gc, "unfreeze", lambda: None)


class InThisProcess:
    """Does the work that a worker would do in its own process."""

    def __init__(self, framework: str, name: str, address: str) -> None:
        self.name = name
        calls = import_module(f"benchmarks.callers.{framework}").CALLS
        self._work = Work(calls, CONTENDERS[framework][name], address)

    def do(self, name: str, address: str, arguments: dict[str, Any]) -> Any:
        return getattr(self._work, name)(**arguments)

    def restart(self) -> None:
        """It would be a new process."""

    def close(self) -> None:
        self._work.loop.run_until_complete(self._work.loop.shutdown_asyncgens())
        self._work.loop.close()


@pytest.mark.usefixtures("frozen")
@pytest.mark.parametrize("framework", OURS)
def test_floor_and_ours_do_all_the_work(address: str, framework: str) -> None:
    contenders = [InThisProcess(framework, name, address) for name in (FLOOR, OURS[framework])]
    rows = []
    for contender in contenders:
        contender.do("verify", address, {})
    for row in ROWS:
        names = row.contenders(framework)
        taking_part: Any = [contender for contender in contenders if contender.name in names]
        if taking_part:
            arguments = {name: LITTLE.get(name, value) for name, value in row.full.items()}
            found = measure(taking_part, row, address, arguments, 1)
            assert all("value" in measured for measured in found.values()), found
            rows.append({"title": row.title, "aim": row.aims.get(framework), "unit": row.unit, "scale": row.scale})
            rows[-1]["contenders"] = found
    for contender in contenders:
        contender.close()
    text = table(framework, rows)
    assert all(row["title"] in text for row in rows)
    assert len(rows) == {"langchain": 27, "llama_index": 25}[framework]
    assert json.loads(json.dumps(rows)) == rows


@pytest.mark.parametrize("framework", OURS)
def test_a_wrong_answer_is_noticed(address: str, framework: str, monkeypatch: pytest.MonkeyPatch) -> None:
    contender = InThisProcess(framework, OURS[framework], address)
    monkeypatch.setattr("benchmarks.answers.UNARY_TEXT", "Another text.")
    with pytest.raises(AssertionError):
        contender.do("verify", address, {})
    contender.close()


def test_a_worker_says_what_went_wrong(address: str) -> None:
    with closing(Worker("langchain", "NoSuchModel")) as worker, pytest.raises(WorkError, match="KeyError"):
        worker.do("verify", address, {})


def test_the_command_prints_a_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["langchain", "--quick", "--only=unary call, over TLS", "--contenders", "floor", "ChatGumloop"]
    monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments])
    runpy.run_module("benchmarks", run_name="__main__")
    assert "| unary call, over TLS | 1 (" in capsys.readouterr().out
