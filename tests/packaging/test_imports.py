"""The core imports no framework, neither adapter the other's, nothing the emulator, and an adapter loads little."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PROGRAM = """
import sys


class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked!r}:
            raise ImportError(f"{{name}} is not installed")


sys.meta_path.insert(0, Blocker())
{first}
before = set(sys.modules)
import {module}
print(*sorted({{name.split(".")[0] for name in sys.modules}} & {forbidden!r}))
print(*sorted(set(sys.modules) - before))
"""
LANGCHAIN = {"langchain", "langchain_core", "langgraph", "langsmith"}
LLAMA_INDEX = {"llama_index"}
PEERS = {"openai", "litellm", "tiktoken"}
ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ["gumloop_core", "langchain_gumloop", "llama_index_gumloop", "gumloop_emulator", "gumloop_batch"]


FRAMEWORKS = {
    "langchain_gumloop": "from langchain_core.language_models.chat_models import BaseChatModel\n"
    "from langchain_core.tools import BaseTool",
    "llama_index_gumloop": "import llama_index.core, llama_index.core.llms.function_calling",
}
NOT_AT_IMPORT = {
    "gumloop_core.answer",
    "gumloop_core.concurrency.limits",
    "gumloop_core.concurrency.memory_limiter",
    "gumloop_core.costs",
    "gumloop_core.http.ended_stream",
    "gumloop_core.http.exchange",
    "gumloop_core.http.http_library",
    "gumloop_core.http.passed",
    "gumloop_core.http.observed_call",
    "gumloop_core.model_facts",
    "gumloop_core.observation",
    "gumloop_core.settled_arguments",
    "gumloop_core.http.async_pool",
    "gumloop_core.http.callers_transport",
    "gumloop_core.http.sync_pool",
    "gumloop_core.http.response_body",
    "gumloop_core.http.rest_of_body",
    "gumloop_core.http.road",
    "gumloop_core.http.asyncio_connection",
    "gumloop_core.http.http11",
    "gumloop_core.http.httpx_connection",
    "gumloop_core.http.socket_connection",
    "gumloop_core.http.timed",
    "gumloop_emulator",
    "httpx",
    "httpx2",
    "httpcore",
    "httptools",
    "anyio",
    "difflib",
    "openai",
    "platform",
}


@pytest.mark.parametrize(
    ("module", "blocked", "forbidden"),
    [
        ("gumloop_core", LANGCHAIN | LLAMA_INDEX, {"httpx", "httpx2", "langchain_gumloop"}),
        ("langchain_gumloop", LLAMA_INDEX | PEERS, {"httpx", "llama_index_gumloop"}),
        ("llama_index_gumloop", LANGCHAIN, {"langchain_gumloop"}),
        ("gumloop_emulator", LANGCHAIN | LLAMA_INDEX, {"langchain_gumloop", "llama_index_gumloop"}),
        ("gumloop_batch", LANGCHAIN | LLAMA_INDEX | {"ray", "tqdm"}, {"langchain_gumloop", "gumloop_emulator"}),
    ],
)
def test_it_imports_without_the_others(module: str, blocked: set[str], forbidden: set[str]) -> None:
    """An adapter also loads little beyond its framework."""
    first = FRAMEWORKS.get(module, "")
    program = PROGRAM.format(module=module, blocked=blocked, forbidden=forbidden, first=first)
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    found, loaded_by_it = run.stdout.splitlines()
    assert found == ""
    loaded = set(loaded_by_it.split())
    assert module in loaded
    if first:
        assert loaded & NOT_AT_IMPORT == set()
        others = {name for name in loaded if name.split(".")[0] not in PACKAGES}
        assert len(others) <= 12, sorted(others)
        assert len(loaded - others) <= 58


@pytest.mark.parametrize(
    ("module", "framework", "extra"),
    [
        ("langchain_gumloop", "langchain_core", "langchain"),
        ("llama_index_gumloop", "llama_index", "llama-index"),
        ("gumloop_batch", "pyarrow", "batch"),
        ("gumloop_batch", "numpy", "batch"),
    ],
)
@pytest.mark.parametrize("error", ["ImportError(name)", "ModuleNotFoundError(name, name=name)"])
def test_without_its_framework_it_says_which_extra_to_install(
    module: str, framework: str, extra: str, error: str
) -> None:
    program = PROGRAM.format(module=module, blocked={framework}, forbidden=set(), first="")
    program = program.replace('ImportError(f"{name} is not installed")', error)
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert f"ImportError: {module} needs" in run.stderr
    assert f"pip install 'gumloop-llms[{extra}]'" in run.stderr


@pytest.mark.parametrize("package", ["gumloop_core", "langchain_gumloop", "llama_index_gumloop", "gumloop_batch"])
def test_nothing_in_it_imports_the_emulator(package: str) -> None:
    """Not within functions either: it is for tests, and for programs without a key."""
    files = list((ROOT / package).rglob("*.py"))
    assert files
    found = [str(file) for file in files if re.search(r"\bgumloop_emulator\b", file.read_text(encoding="utf-8"))]
    assert found == []


def _modules() -> dict[str, Path]:
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    names = [file.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".") for file in files]
    return {name.removesuffix(".__init__"): file for name, file in zip(names, files, strict=True)}


def _imports(file: Path, modules: dict[str, Path]) -> set[str]:
    """Which of the modules a file imports, within functions and for types too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file} imports by a relative name"
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            found.update(name if name in modules else str(node.module) for name in whole)
    return found & modules.keys()


def test_no_module_imports_itself_in_the_end() -> None:
    """An import graph without circles: who is read first can be told of any two modules."""
    modules = _modules()
    graph = {name: _imports(file, modules) for name, file in modules.items()}
    assert all(graph[package] for package in PACKAGES)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))
