"""The core imports no framework, neither adapter needs the other's, and nothing of theirs needs the emulator."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys


class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked!r}:
            raise ImportError(f"{{name}} is not installed")


sys.meta_path.insert(0, Blocker())
import {module}
print(*sorted({{name.split(".")[0] for name in sys.modules}} & {forbidden!r}))
"""
LANGCHAIN = {"langchain", "langchain_core", "langgraph", "langsmith"}
LLAMA_INDEX = {"llama_index"}
PEERS = {"openai", "litellm", "tiktoken"}


@pytest.mark.parametrize(
    ("module", "blocked", "forbidden"),
    [
        ("gumloop_core", LANGCHAIN | LLAMA_INDEX, {"httpx", "langchain_gumloop"}),
        ("langchain_gumloop", LLAMA_INDEX | PEERS, {"httpx", "llama_index_gumloop"}),
        ("llama_index_gumloop", LANGCHAIN, {"langchain_gumloop"}),
        ("gumloop_emulator", LANGCHAIN | LLAMA_INDEX, {"langchain_gumloop", "llama_index_gumloop"}),
    ],
)
def test_it_imports_without_the_others(module: str, blocked: set[str], forbidden: set[str]) -> None:
    program = PROGRAM.format(module=module, blocked=blocked, forbidden=forbidden)
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == ""


@pytest.mark.parametrize(
    ("module", "framework", "extra"),
    [("langchain_gumloop", "langchain_core", "langchain"), ("llama_index_gumloop", "llama_index", "llama-index")],
)
@pytest.mark.parametrize("error", ["ImportError(name)", "ModuleNotFoundError(name, name=name)"])
def test_without_its_framework_it_says_which_extra_to_install(
    module: str, framework: str, extra: str, error: str
) -> None:
    program = PROGRAM.format(module=module, blocked={framework}, forbidden=set())
    program = program.replace('ImportError(f"{name} is not installed")', error)
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert f"ImportError: {module} needs" in run.stderr
    assert f"pip install 'gumloop-llms[{extra}]'" in run.stderr


@pytest.mark.parametrize("package", ["gumloop_core", "langchain_gumloop", "llama_index_gumloop"])
def test_nothing_in_it_imports_the_emulator(package: str) -> None:
    """Not within functions either: it is for tests, and for programs without a key."""
    files = list((Path(__file__).resolve().parents[2] / package).rglob("*.py"))
    assert files
    found = [str(file) for file in files if re.search(r"\bgumloop_emulator\b", file.read_text(encoding="utf-8"))]
    assert found == []
