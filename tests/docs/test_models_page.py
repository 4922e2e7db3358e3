"""What docs/models.md says of the list of models is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic_core import from_json

from gumloop_core.model_facts import model_facts
from llama_index_gumloop.context_window import DEFAULT_CONTEXT_WINDOW

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
DOCUMENT = from_json((ROOT / "gumloop_core" / "models.json").read_bytes())


def test_its_figures_are_those_of_the_file() -> None:
    own = sum(map(len, DOCUMENT["native"].values()))
    text = " ".join(PAGE.split())
    assert f"has {len(DOCUMENT['routed'])} slugs of OpenRouter's and {own} ids of the vendors themselves" in text
    assert f"as of {DOCUMENT['date']}" in text
    assert f"of version {DOCUMENT['packages']['langchain-openrouter']} are known" in text
    assert f"it is {DEFAULT_CONTEXT_WINDOW:,}" in text


WRITTEN = [
    name
    for row in re.findall(r"^\| (`.*?) \|", PAGE.partition("## How names")[2].partition("\n## ")[0], re.MULTILINE)
    for name in re.findall(r"`([^`]+)`", row)
    if not name.startswith(":")
]


@pytest.mark.parametrize("name", WRITTEN)
def test_a_name_of_the_table_is_known_or_said_to_be_unknown(name: str) -> None:
    assert (model_facts(name) is None) == name.startswith("someone/")


def test_the_windows_of_the_two_claudes() -> None:
    route, own = model_facts("anthropic/claude-sonnet-4.5"), model_facts("claude-sonnet-4-5")
    assert route is not None
    assert own is not None
    assert (route["context_window"], own["context_window"]) == (1_000_000, 200_000)
