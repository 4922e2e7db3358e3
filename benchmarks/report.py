"""The table, as text that is also Markdown; ``python -m benchmarks.report`` prints the results that were written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.contenders import FLOOR, OURS, OVER_HTTPX

RESULTS = Path(__file__).with_name("results.json")
SUMMARY = ("unary call", "streamed chunk, server flat out", "tool-argument delta", "time to first chunk")
NAMES = {"langchain": "LangChain", "llama_index": "LlamaIndex"}


def table(framework: str, rows: list[dict[str, Any]]) -> str:
    """A framework's table: a row for each kind of work, a column for each contender."""
    ours = OURS[framework]
    names = dict.fromkeys([FLOOR, ours, OVER_HTTPX[framework], *(name for row in rows for name in row["contenders"])])
    measured = [name for name in names if any(name in row["contenders"] for row in rows)]
    lines = [[NAMES[framework], *measured, "aim", "met"]]
    for row in rows:
        number, aim = shown(row, ours), row["aim"]
        met = "-" if aim is None or number is None else "yes" if number <= aim else "no"
        limit = "-" if aim is None else f"≤ {_number(row, aim)}"
        lines.append([row["title"], *(_cell(row, name) for name in measured), limit, met])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(f"| {' | '.join(map(str.ljust, line, widths))} |" for line in lines)


def summary(results: dict[str, Any]) -> str:
    """Both frameworks' contenders in one short table, each as a multiple of its framework's floor."""
    names = {framework: list(rows[0]["contenders"])[1:] for framework, rows in results["frameworks"].items()}
    lines = ["| | " + " | ".join(name for framework in names for name in names[framework]) + " |"]
    lines.append("| --- |" + " ---: |" * sum(map(len, names.values())))
    for title in SUMMARY:
        rows = {
            framework: next(row for row in results["frameworks"][framework] if row["title"] == title)
            for framework in names
        }
        cells = [
            _number(rows[framework], shown(rows[framework], name)) for framework in names for name in names[framework]
        ]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def shown(row: dict[str, Any], name: str) -> float | None:
    """The number that the table shows for a contender, ``None`` if it has none."""
    number: float | None = row["contenders"].get(name, {}).get("ratio" if row["unit"] is None else "value")
    return None if number is None else number * row["scale"]


def _cell(row: dict[str, Any], name: str) -> str:
    found = row["contenders"].get(name, {})
    if "error" in found:
        return "fails"
    if found and row["unit"] is None and name == FLOOR:
        return f"1 ({found['value'] * 1e6:.0f} µs)"
    return _number(row, shown(row, name))


def _number(row: dict[str, Any], number: float | None) -> str:
    if number is None:
        return "-"
    text = f"{number:.2f}".removesuffix(".00") if abs(number) < 10 else f"{number:.0f}"
    return f"{text} {row['unit']}" if row["unit"] in ("ms", "µs", "kB") else text


if __name__ == "__main__":
    written = json.loads(RESULTS.read_text(encoding="utf-8"))
    print(summary(written), end="\n\n")
    for framework, rows in written["frameworks"].items():
        print(table(framework, rows), end="\n\n")
