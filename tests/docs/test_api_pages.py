"""The reference on the site shows every public name, in a place of its own."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXTS = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs" / "api").glob("*.md"))]
DIRECTIVE = re.compile(r"^::: (\S+)\n((?: +.*\n)*)", re.MULTILINE)
SHOWN = [(match[1], match[2]) for text in TEXTS for match in DIRECTIVE.finditer(text)]
"""What is shown, and the options that stand below."""
PUBLIC = [
    "gumloop_core",
    "gumloop_core.costs",
    "gumloop_core.errors",
    "gumloop_core.observation",
    "gumloop_core.telemetry",
    "langchain_gumloop",
    "langchain_gumloop.errors",
    "langchain_gumloop.langsmith_costs",
    "langchain_gumloop.telemetry",
    "llama_index_gumloop",
    "llama_index_gumloop.errors",
    "gumloop_batch",
    "gumloop_emulator",
]


@pytest.mark.parametrize("module", PUBLIC)
def test_a_public_module_is_shown_once(module: str) -> None:
    assert [name for name, _ in SHOWN].count(module) == 1


@pytest.mark.parametrize("module", PUBLIC)
def test_what_is_left_out_of_a_module_is_shown_before_it(module: str) -> None:
    patterns = [
        pattern for name, options in SHOWN if name == module for pattern in re.findall(r'"!(\^?[A-Z]\w+\$)"', options)
    ]
    names = getattr(import_module(module), "__all__", [])
    left_out = [name for name in names for pattern in patterns if re.search(pattern, name)]
    assert len(left_out) >= len(patterns)
    assert [name for name in left_out if f"{module}.{name}" not in dict(SHOWN)] == []
