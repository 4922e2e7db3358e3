"""A short run of the soak script, and that it would see a loss."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest

from gumloop_core.http import sync_pool
from tests.faults import soak
from tests.faults.soak_server import OUTCOMES, pieces_of


@pytest.mark.timeout(120)
def test_a_short_run_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written = tmp_path / "report.json"
    arguments = ["--seconds", "3", "--streams", "60", "--threads", "4", "--pause", "0.05", "--idle", "2.5"]
    monkeypatch.setattr("sys.argv", ["soak", "--json", str(written), *arguments])
    monkeypatch.setattr(sync_pool, "_pool", None)  # one that only these models share, and close
    with warnings.catch_warnings():
        status = soak.main()
    report = json.loads(written.read_text())
    printed = capsys.readouterr().out
    assert status == 0, printed[-3000:]
    assert soak.is_clean(report)
    assert report["calls"] > 20  # how many there are is the machine's affair
    assert report["outcomes"]["answered right"] > 50
    assert "0  unexpected" in printed


@pytest.mark.parametrize("fault", OUTCOMES)
def test_a_wrong_outcome_would_be_seen(fault: str) -> None:
    tally = soak.Tally()
    text = "".join(pieces_of(7))
    tally.end(7, fault, text[:-1], None, None)
    tally.end(7, fault, text, KeyError("bare"), None)
    tally.end(7, fault, "other words", None, "left")
    assert tally.outcomes == {"unexpected": 3}
