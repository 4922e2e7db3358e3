"""What there is to see."""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path

import pytest

from gumloop_batch import progress, run
from gumloop_batch.progress import Bar, Lines, Silence, progress_for
from gumloop_batch.tally import Tally


def tally() -> Tally:
    return Tally(
        rows=1200, skipped=200, answered=40, failed=2, cost=0.5, calls_in_flight=7, started=time.monotonic() - 6
    )


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    bar = progress_for(None, 1000)
    assert isinstance(bar, Bar)
    bar.show(tally())
    bar.close(tally())
    for part in ("42/1000", "row", "failed=2", "cost=$0.5000", "in_flight=7"):
        assert part in terminal.getvalue()


def test_lines_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    lines = progress_for(None, 1000)
    assert isinstance(lines, Lines)
    lines.show(tally())
    assert capsys.readouterr().err == ""  # the first comes after half a minute
    often = Lines(every=0)
    often.show(tally())
    words = capsys.readouterr().err
    assert words.startswith("42 of 1,000 rows, 2 failed, ")
    assert words.endswith(" rows/s, $0.5000, 7 calls in flight\n")


def test_nothing_where_it_is_not_wanted(capsys: pytest.CaptureFixture[str], output: Path) -> None:
    assert isinstance(progress_for(False, 10), Silence)
    run([{"id": 1}], lambda row: "x", output=output, progress=False)
    assert capsys.readouterr() == ("", "")


def test_a_job_shows_its_last_numbers(capsys: pytest.CaptureFixture[str], output: Path) -> None:
    run([{"id": 1}, {"id": 2}], lambda row: str(1 // (row["id"] - 1)), output=output)
    assert "2 of 2 rows, 1 failed" in capsys.readouterr().err


def test_rich_in_a_notebook(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("rich", reason="rich is not installed")
    monkeypatch.setattr(progress, "in_notebook", lambda: True)
    monkeypatch.setenv("COLUMNS", "200")
    bar = progress_for(None, 1000)
    bar.show(tally())
    bar.close(tally())
    shown = "".join(capsys.readouterr())
    for part in ("42/1,000", "failed=2", "cost=$0.5000", "in_flight=7"):
        assert part in shown
