"""A test stands where what it tests does: `test_<module>.py`, or `test_<module>_<aspect>.py`, in the same room."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MIRRORED = {
    "core": "gumloop_core",
    "langchain": "langchain_gumloop",
    "llama_index": "llama_index_gumloop",
    "batch": "gumloop_batch",
}


@pytest.mark.parametrize("folder", MIRRORED)
def test_each_test_file_is_named_after_a_module(folder: str) -> None:
    package = ROOT / MIRRORED[folder]
    modules = {str(path.relative_to(package).with_suffix("")) for path in package.rglob("*.py")}
    tests = [path.relative_to(ROOT / "tests" / folder) for path in (ROOT / "tests" / folder).rglob("test_*.py")]
    assert tests
    assert [str(test) for test in tests if not _modules_of(test) & modules] == []


def _modules_of(test: Path) -> set[str]:
    """The modules that a test file's name may stand for, from the longest to the shortest."""
    words = test.stem.split("_")[1:]
    return {str(test.parent / "_".join(words[:count])) for count in range(1, len(words) + 1)}
