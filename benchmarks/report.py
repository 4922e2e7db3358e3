"""The table, as text that is also Markdown; ``python -m benchmarks.report`` prints the results that were written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.contenders import FLOOR, OURS, OVER_AIOHTTP

_NAMES = {"langchain": "LangChain", "llama_index": "LlamaIndex"}


def table(framework: str, rows: list[dict[str, Any]]) -> str:
    """A framework's table: a row for each kind of work, a column for each contender."""
    names: list[str] = []
    for row in rows:
        names += [name for name in row["contenders"] if name not in names]
    ours = OURS[framework]
    first = [FLOOR, ours, OVER_AIOHTTP[framework]]
    names.sort(key=lambda name: first.index(name) if name in first else len(first))
    head = [_NAMES[framework], *names, "aim", "met"]
    lines = [[row["title"], *(_cell(row, name) for name in names), _aim(row), _is_met(row, ours)] for row in rows]
    return _aligned([head, *lines])


def shown(row: dict[str, Any], name: str) -> float | None:
    """The number that the table shows for a contender, ``None`` if it has none."""
    found = row["contenders"].get(name, {})
    if row["unit"] is None:
        number: float | None = found.get("ratio")
        return number
    return found["value"] * row["scale"] if "value" in found else None


def _cell(row: dict[str, Any], name: str) -> str:
    found = row["contenders"].get(name)
    if found is None:
        return "-"
    if "error" in found:
        return "fails"
    number = shown(row, name)
    if row["unit"] is None and name == FLOOR:
        return f"1 ({_time(found['value'])})" if found["value"] < 0.1 else f"1 ({found['value']:.2f})"
    return "-" if number is None else f"{_number(number)}{_suffix(row)}"


def _number(number: float) -> str:
    if abs(number) < 10:
        return f"{number:.2f}".removesuffix(".00")
    return f"{number:.0f}"


def _suffix(row: dict[str, Any]) -> str:
    return f" {row['unit']}" if row["unit"] in ("ms", "µs") else ""


def _time(seconds: float) -> str:
    return f"{seconds * 1e6:.0f} µs"


def _aim(row: dict[str, Any]) -> str:
    return "-" if row["aim"] is None else f"≤ {_number(row['aim'])}{_suffix(row)}"


def _is_met(row: dict[str, Any], ours: str) -> str:
    number = shown(row, ours)
    if row["aim"] is None or number is None:
        return "-"
    return "yes" if number <= row["aim"] else "no"


def _aligned(rows: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = ["-" * width for width in widths]
    lines = [rows[0], rule, *rows[1:]]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    )


if __name__ == "__main__":
    results = json.loads(Path(__file__).with_name("results.json").read_text(encoding="utf-8"))
    for framework, rows in results["frameworks"].items():
        print(table(framework, rows), end="\n\n")
