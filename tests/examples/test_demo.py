"""The demo gives true answers, streamed, against the emulator."""

from __future__ import annotations

import os
import re
import runpy
import sys
from html import unescape
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

DEMO = Path(__file__).resolve().parents[2] / "examples" / "demo.py"


def printed(encoding: str) -> str:
    """What it writes to such a terminal, run in this process, which has imported both frameworks already."""
    terminal = TextIOWrapper(BytesIO(), encoding=encoding)
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("GUMLOOP_")]:
            patch.delenv(name)
        patch.syspath_prepend(DEMO.parent)
        patch.setattr(sys, "stdout", terminal)
        runpy.run_path(str(DEMO), run_name="__main__")
    terminal.seek(0)
    return terminal.read()


@pytest.fixture(scope="module")
def shown() -> str:
    """What it writes."""
    return printed("utf-8")


def test_the_picture_of_it_shows_what_it_prints(shown: str) -> None:
    drawn = (DEMO.parents[1] / "docs" / "demo.svg").read_text(encoding="utf-8")
    texts = [unescape(text) for text in re.findall(r"<text [^>]*>([^<]*)</text>", drawn)]
    picture = " ".join(" ".join(texts).split())
    answer = shown.split("how often?")[-1].split("Sources:")[0]
    for line in [*re.findall(r"→ .*", shown), "From Paris to Tokyo it is 9,713 km.", " ".join(answer.split())]:
        assert line in picture, "make demo-picture"


def test_it_says_which_endpoint_it_talks_to(shown: str) -> None:
    assert re.search(r"local emulator at http://127\.0\.0\.1:\d+/api/v1", shown)


def test_the_agent_calls_both_tools_and_answers_from_their_results(shown: str) -> None:
    assert "→ local_time(city='Tokyo')" in shown
    assert "→ distance_between(origin='Paris', destination='Tokyo')" in shown
    answer = shown.split("← ")[-1].split("\n", 1)[1].split("LlamaIndex")[0]
    assert "Tokyo, Japan (JST, UTC+0900)" in answer
    assert "From Paris to Tokyo it is 9,713 km." in answer


def test_the_documents_answer_the_question_with_their_sources(shown: str) -> None:
    answer, sources = shown.split("how often?")[-1].split("Sources:")
    assert "up to `max_retries` times: connection failures, timeouts, and the statuses 408" in answer
    assert "docs/configuration.md" in sources


def test_a_terminal_without_arrows_still_gets_the_answers() -> None:
    assert "? local_time(city='Tokyo')" in printed("ascii")
