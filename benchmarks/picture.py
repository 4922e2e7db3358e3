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

from benchmarks.contenders import OURS, OVER_HTTPX
from benchmarks.report import NAMES, RESULTS, shown

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "performance.svg"
_LINES = ("unary call", "streamed chunk,|server flat out", "streamed chunk,|one per ms", "tool-argument|delta")
LABELS = [lines.replace("|", "\n") for lines in (*_LINES, "time to|first chunk")]
TITLES = [label.replace("\n", " ") for label in LABELS]
LONGEST = 12.0  # where bars are cut off: the slowest would leave the others no room

INK, PALE, PINK = "#212529", "#868e96", "#d6336c"
COLOURS = {"ChatGumloop": PINK, "ChatOpenAI": "#495057", "ChatOpenRouter": PALE, "ChatLiteLLM": "#bdc3c9"}
COLOURS |= {"Gumloop": PINK, "OpenAILike": "#495057", "LiteLLM": "#bdc3c9"}
COLOURS |= dict.fromkeys(OVER_HTTPX.values(), "#f0a1bd")


def draw(results: dict[str, Any], target: Path) -> None:
    """Draw the bars."""
    # Text stays text: small, and searchable. Verdana is as wide as DejaVu Sans, which the layout is made with.
    plt.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "performance", "text.color": INK, "font.size": 10})
    plt.rcParams.update({"font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans", "Verdana"]})
    figure, axes = plt.subplots(1, 2, figsize=(11, 6.4), sharex=True, layout="constrained")
    for axis, framework in zip(axes, results["frameworks"], strict=True):
        _panel(axis, framework, {row["title"]: row for row in results["frameworks"][framework]})
    heading = "CPU time, and time to the first chunk, as multiples of the floor"
    figure.suptitle(heading, x=0.012, ha="left", fontsize=13, fontweight="bold")
    least = "1 is httpx, json and the framework's own validated objects: the least that one would write with httpx."
    figure.supxlabel(f"{least} Less is better.\nBars with an arrow are cut off.", fontsize=9, color=PALE)
    figure.savefig(target, facecolor="white", metadata={"Date": None} if target.suffix == ".svg" else None)


def _panel(axis: Axes, framework: str, rows: dict[str, dict[str, Any]]) -> None:
    names = [name for name in rows[TITLES[0]]["contenders"] if name in COLOURS]
    height = 0.8 / len(names)
    for place, title in enumerate(TITLES):
        for turn, name in enumerate(names):
            ratio = shown(rows[title], name)
            if ratio is not None:
                y = place + (turn - (len(names) - 1) / 2) * height
                axis.barh(y, min(ratio, LONGEST), height * 0.9, color=COLOURS[name], label=None if place else name)
                _number(axis, y, ratio, COLOURS[name], ours=name == OURS[framework])
    axis.axvline(1, color=INK, linewidth=1, linestyle=(0, (4, 3)), zorder=3)
    axis.text(1, -0.56, "floor", ha="center", va="bottom", fontsize=8.5)
    axis.set_title(NAMES[framework], loc="left", fontsize=12, fontweight="bold", pad=18)
    axis.set_yticks(range(len(LABELS)), LABELS)
    axis.set(ylim=(len(LABELS) - 0.45, -0.55), xlim=(0, LONGEST), axisbelow=True)
    axis.tick_params(length=0, pad=6, labelcolor=INK)
    axis.tick_params(axis="x", labelcolor=PALE)
    axis.xaxis.grid(color="#e9ecef", zorder=0)
    axis.spines[:].set_visible(False)
    axis.legend(loc="upper center", bbox_to_anchor=(0.45, -0.06), ncols=3, frameon=False, fontsize=9, handlelength=1.2)


def _number(axis: Axes, y: float, ratio: float, colour: str, *, ours: bool) -> None:
    text = f"{ratio:.2f}" if ours else f"{ratio:.1f}" if ratio < 10 else f"{ratio:.0f}"
    style: dict[str, Any] = {
        "va": "center",
        "fontsize": 9.5 if ours else 8.5,
        "fontweight": "bold" if ours else "normal",
    }
    if ratio > LONGEST:
        colour = "white" if colour != "#bdc3c9" else INK
        axis.text(LONGEST - 0.15, y, f"{text} \N{RIGHTWARDS ARROW}", ha="right", color=colour, **style)
    else:  # beside the floor's line, not on it
        axis.text(max(ratio, 1.0) + 0.12, y, text, ha="left", color=colour if ours else INK, **style)


if __name__ == "__main__":
    draw(json.loads(RESULTS.read_text(encoding="utf-8")), Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE)
