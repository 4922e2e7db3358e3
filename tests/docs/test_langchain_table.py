"""Every row of the comparison in docs/langchain.md names a test that exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "langchain.md").read_text(encoding="utf-8")
ROW = re.compile(
    r"^\|(?P<name>[^|]+)\|.*\|\s*`(?P<file>(?:\w+/)?test_\w+\.py)::(?P<test>test_\w+)`\s*\|$", re.MULTILINE
)


def functions_of(name: str) -> set[str]:
    tree = ast.parse((ROOT / "tests" / "langchain" / name).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}


def test_every_row_of_the_comparison_has_its_test() -> None:
    table = PAGE.partition("## Beside the alternatives")[2]
    lines = [line for line in table.splitlines() if line.startswith("| ") and not line.startswith("| ---")][1:]
    rows = list(ROW.finditer(table))
    assert len(rows) == len(lines) > 25
    for row in rows:
        assert row["test"] in functions_of(row["file"]), row["name"]
