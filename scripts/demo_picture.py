"""Draw ``docs/demo.svg``, the demo as it runs: ``make demo-picture``.

The demo runs in a terminal of its own, and each piece that it prints appears in the picture when it was printed. Pauses
are cut to a second: the frameworks' imports are nothing to look at. The picture is an SVG with CSS alone, which pages
of repositories and package indexes show and play; where a reader wants no motion, it stands still with all of it shown.
"""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "demo.svg"
COLUMNS = 100
LONGEST_PAUSE = 1.0
SHORTEST_PAUSE = 0.04  # the emulator is faster than an eye
HOLD = 6.0  # seconds that the end is shown before it begins anew
WIDTH, HEIGHT, MARGIN = 7.8, 19, 18  # of a character, a line and around them
COLOURS = {"1": "bold", "2": "dim", "32": "green", "0": ""}
_STYLE = """
text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#d8dee9;white-space:pre}
.bold{font-weight:bold;fill:#fff}.dim{fill:#8b95a7}.green{fill:#7bd88f}
@media (prefers-reduced-motion:reduce){text{animation:none!important}}
"""


class Piece(NamedTuple):
    """Text that appears at once."""

    seconds: float
    line: int
    column: int
    style: str
    text: str


def record(command: list[str]) -> Iterator[tuple[float, str]]:
    """Run a command in a terminal; what it printed, and after how many seconds."""
    ours, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GUMLOOP_")}
    environment |= {"TERM": "xterm-256color", "COLUMNS": str(COLUMNS)}
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, cwd=ROOT)
    os.close(theirs)
    began = time.monotonic()
    waiting = b""
    try:
        while True:
            try:
                waiting += os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            text = waiting.decode(errors="ignore")
            if text.encode() == waiting:  # no character is cut in two
                waiting = b""
                yield time.monotonic() - began, text
    finally:
        os.close(ours)
        if process.wait(timeout=60):
            raise SystemExit(f"{command} ended with {process.returncode}")


def pieces(recorded: Iterator[tuple[float, str]]) -> Iterator[Piece]:
    """Place what was printed: text, line ends and colours are all that the demo prints."""
    shown = before = 0.0
    line = column = 0
    style = ""
    for at, printed in recorded:
        shown += min(max(at - before, SHORTEST_PAUSE), LONGEST_PAUSE)
        before = at
        for part in re.split(r"(\x1b\[\d*m|\r?\n|(?<= ))", printed):
            if part.startswith("\x1b"):
                style = COLOURS[part[2:-1]]
            elif part.endswith("\n"):
                line, column = line + 1, 0
            elif part:
                if column + len(part.rstrip()) > COLUMNS:
                    line, column = line + 1, 0
                yield Piece(shown, line, column, style, part)
                column += len(part)


def drawing(placed: list[Piece]) -> str:
    """The picture."""
    end = placed[-1].seconds + HOLD
    times = sorted({piece.seconds for piece in placed})
    names = {seconds: f"t{number}" for number, seconds in enumerate(times)}
    rules = []
    for seconds, name in names.items():
        share = f"{seconds / end:.3%}"
        rules.append(f"@keyframes {name}{{0%{{opacity:0}}{share},100%{{opacity:1}}}}")
        rules.append(f".{name}{{animation:{name} {end:.1f}s step-end infinite}}")
    texts = [
        f'<text x="{MARGIN + piece.column * WIDTH:g}" y="{MARGIN + 14 + piece.line * HEIGHT}" '
        f'textLength="{len(piece.text.rstrip()) * WIDTH:g}" '  # whatever font the reader has
        f'class="{" ".join(filter(None, (names[piece.seconds], piece.style)))}">{escape(piece.text.rstrip())}</text>'
        for piece in _joined(placed)
        if piece.text.strip()
    ]
    width, height = 2 * MARGIN + COLUMNS * WIDTH, 2 * MARGIN + (placed[-1].line + 1) * HEIGHT
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height}" role="img" aria-label="The demo">'
    ground = f'<rect width="{width:g}" height="{height}" rx="8" fill="#1c2028"/>'
    return "\n".join([head, f"<style>{_STYLE}{''.join(rules)}</style>", ground, *texts, "</svg>", ""])


def _joined(placed: list[Piece]) -> Iterator[Piece]:
    """Join what appears together in a line."""
    last: Piece | None = None
    for piece in placed:
        if last is not None and last[:2] == piece[:2] and last.style == piece.style:
            last = last._replace(text=last.text + piece.text)
            continue
        if last is not None:
            yield last
        last = piece
    if last is not None:
        yield last


if __name__ == "__main__":
    drawn = drawing(list(pieces(record([sys.executable, "examples/demo.py"]))))
    PICTURE.write_text(drawn, encoding="utf-8")
