"""``docs/performance.md`` says what was measured, and the picture shows it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from benchmarks.contenders import CONTENDERS, OURS
from benchmarks.report import summary, table

ROOT = Path(__file__).resolve().parents[2]
RESULTS = json.loads((ROOT / "benchmarks" / "results.json").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("framework", OURS)
def test_the_tables_are_the_results(framework: str) -> None:
    assert table(framework, RESULTS["frameworks"][framework]) in PAGE


def test_the_readme_has_the_summary() -> None:
    assert summary(RESULTS) in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_page_names_machine_versions_and_date() -> None:
    machine = RESULTS["machine"]
    assert RESULTS["date"] in PAGE
    assert machine["python"] in PAGE
    for packages in RESULTS["packages"].values():
        assert all(f"{package} {version}" in " ".join(PAGE.split()) for package, version in packages.items())


def test_the_results_hold_no_paths_and_no_failures() -> None:
    text = json.dumps(RESULTS)
    assert not re.search(r"/(home|root|work|tmp|Users)/", text)
    for framework, names in CONTENDERS.items():
        for row in RESULTS["frameworks"][framework]:
            assert set(row["contenders"]) <= set(names)
            assert all("value" in measured for measured in row["contenders"].values()), row["title"]


def test_the_picture_has_all_contenders() -> None:
    picture = (ROOT / "docs" / "performance.svg").read_text(encoding="utf-8")
    assert picture.count("<svg") == 1
