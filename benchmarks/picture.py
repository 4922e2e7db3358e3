"""``python -m benchmarks.picture``: draw ``docs/performance.svg`` from ``benchmarks/results.json``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from benchmarks.contenders import CONTENDERS, OURS
from benchmarks.report import shown

RESULTS = Path(__file__).with_name("results.json")
PICTURE = Path(__file__).resolve().parents[1] / "docs" / "performance.svg"

WORKS = {
    "unary call": "unary call",
    "streamed chunk, server flat out": "streamed chunk,\nserver flat out",
    "streamed chunk, one per ms": "streamed chunk,\none per ms",
    "tool-argument delta": "tool-argument\ndelta",
    "time to first chunk": "time to\nfirst chunk",
}
LONGEST = 12.0
"""Where bars are cut off: the slowest would leave the others no room."""

COLOURS = {
    "ChatGumloop": "#d6336c",
    "Gumloop": "#d6336c",
    "ChatOpenAI": "#495057",
    "OpenAILike": "#495057",
    "ChatOpenRouter": "#868e96",
    "ChatLiteLLM": "#bdc3c9",
    "LiteLLM": "#bdc3c9",
}
TITLES = {"langchain": "LangChain", "llama_index": "LlamaIndex"}
INK, PALE = "#212529", "#868e96"


def draw(results: dict[str, Any], target: Path) -> None:
    """Draw the bars."""
    plt.rcParams.update(
        {
            # Text stays text: small, and searchable. Verdana is as wide as DejaVu Sans, which the layout is made with.
            "svg.fonttype": "none",
            "font.family": "sans-serif",
            "font.sans-serif": ["DejaVu Sans", "Verdana"],
            "font.size": 10,
            "svg.hashsalt": "performance",
            "text.color": INK,
        }
    )
    figure, axes = plt.subplots(1, 2, figsize=(11, 6.4), sharex=True, layout="constrained")
    for axis, framework in zip(axes, results["frameworks"], strict=True):
        _panel(axis, framework, {row["title"]: row for row in results["frameworks"][framework]})
    figure.suptitle(
        "CPU time, and time to the first chunk, as multiples of the floor",
        x=0.012,
        ha="left",
        fontsize=13,
        fontweight="bold",
    )
    figure.supxlabel(
        "1 is httpx, json and the framework's own validated objects: the least that one would write. Less is better.\n"
        "Bars with an arrow are cut off.",
        fontsize=9,
        color=PALE,
    )
    figure.savefig(target, facecolor="white", metadata={"Date": None} if target.suffix == ".svg" else None)


def _panel(axis: Axes, framework: str, rows: dict[str, dict[str, Any]]) -> None:
    names = [name for name in CONTENDERS[framework] if name in COLOURS]
    height = 0.8 / len(names)
    for place, title in enumerate(WORKS):
        for turn, name in enumerate(names):
            ratio = shown(rows[title], name)
            if ratio is None:
                continue
            y = place + (turn - (len(names) - 1) / 2) * height
            ours = name == OURS[framework]
            axis.barh(y, min(ratio, LONGEST), height * 0.9, color=COLOURS[name], label=None if place else name)
            inside = ratio > LONGEST
            text = f"{ratio:.2f}" if ours else f"{ratio:.1f}" if ratio < 10 else f"{ratio:.0f}"
            axis.text(
                LONGEST - 0.15 if inside else max(ratio, 1.0) + 0.12,  # beside the floor's line, not on it
                y,
                f"{text} \N{RIGHTWARDS ARROW}" if inside else text,
                va="center",
                ha="right" if inside else "left",
                fontsize=9.5 if ours else 8.5,
                fontweight="bold" if ours else "normal",
                color=("white" if COLOURS[name] != "#bdc3c9" else INK) if inside else COLOURS[name] if ours else INK,
            )
    axis.axvline(1, color=INK, linewidth=1, linestyle=(0, (4, 3)), zorder=3)
    axis.text(1, -0.56, "floor", ha="center", va="bottom", fontsize=8.5)
    axis.set_title(TITLES[framework], loc="left", fontsize=12, fontweight="bold", pad=18)
    axis.set_yticks(range(len(WORKS)), list(WORKS.values()))
    axis.set_ylim(len(WORKS) - 0.45, -0.55)
    axis.set_xlim(0, LONGEST)
    axis.tick_params(length=0, pad=6, labelcolor=INK)
    axis.tick_params(axis="x", labelcolor=PALE)
    axis.xaxis.grid(color="#e9ecef", zorder=0)
    axis.set_axisbelow(True)
    for side in axis.spines.values():
        side.set_visible(False)
    axis.legend(loc="upper center", bbox_to_anchor=(0.45, -0.06), ncols=4, frameon=False, fontsize=9, handlelength=1.2)


if __name__ == "__main__":
    draw(json.loads(RESULTS.read_text(encoding="utf-8")), Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE)
