"""A short run of the soak script, and that it would see a loss."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import soak
from tests.faults.soak_server import OUTCOMES, pieces_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(120)
def test_a_short_run_loses_nothing(tmp_path: Path) -> None:
    written = tmp_path / "report.json"
    command = [sys.executable, "-m", "tests.faults.soak", "--json", str(written)]
    arguments = ["--seconds", "4", "--streams", "100", "--threads", "4", "--pause", "0.05", "--idle", "3"]
    done = subprocess.run([*command, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=110, check=False)
    report = json.loads(written.read_text())
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert soak.is_clean(report)
    assert report["calls"] > 100
    assert report["outcomes"]["answered right"] > 50
    assert "0  unexpected" in done.stdout


@pytest.mark.parametrize("fault", OUTCOMES)
def test_a_wrong_outcome_would_be_seen(fault: str) -> None:
    tally = soak.Tally()
    text = "".join(pieces_of(7))
    tally.end(7, fault, text[:-1], None, None)
    tally.end(7, fault, text, KeyError("bare"), None)
    tally.end(7, fault, "other words", None, "left")
    assert tally.outcomes == {"unexpected": 3}
