"""`docs/llama-index.md` claims nothing that no test holds."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "llama-index.md").read_text(encoding="utf-8")


def existing() -> set[str]:
    """The names of the adapter's tests."""
    names: set[str] = set()
    for folder in ("tests/llama_index", "tests/contract/llama_index"):
        for path in (ROOT / folder).rglob("*.py"):
            names.update(re.findall(r"def (test_\w+)\(", path.read_text(encoding="utf-8")))
    return names


def test_every_test_that_is_named_exists():
    named = set(re.findall(r"`(test_\w+)`", DOCUMENT))
    assert len(named) >= 60
    assert named <= existing()


def test_every_row_of_the_comparison_has_a_test():
    table = DOCUMENT.partition("## Beside other integrations")[2].partition("\n\nMore of the same")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][2:]
    assert len(rows) == 20
    for row in rows:
        *_, ours, tests = [cell.strip() for cell in row.strip("|").split("|")]
        assert ours.startswith("✓"), row
        assert re.findall(r"`test_\w+`", tests), row
