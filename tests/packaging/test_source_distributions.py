"""What the source distributions hold: the packages, the documents, and no test that could not run from them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.packaging.distributions import FOLDERS, ROOT, build_source, project_file, source_files

PACKAGES = set(project_file("gumloop-llms")["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
HELD = {
    "gumloop-llms": PACKAGES | {"docs", "CHANGELOG.md", "hatch_build.py"},
    "langchain-gumloop": set(),
    "llama-index-llms-gumloop": {"llama_index"},
}
ALWAYS = {"README.md", "LICENSE", "pyproject.toml", "PKG-INFO", ".gitignore"}  # hatchling adds some


@pytest.mark.parametrize("name", FOLDERS)
def test_it_holds_all_of_its_packages_and_no_test(tmp_path: Path, name: str) -> None:
    inside = source_files(build_source(name, tmp_path))
    assert {path.parts[0] for path in inside} == HELD[name] | ALWAYS
    assert [path for path in inside if path.name.startswith("test_") or path.name == "conftest.py"] == []


def test_it_holds_every_file_of_the_packages(tmp_path: Path) -> None:
    modules = {
        path.relative_to(ROOT)
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert modules <= source_files(build_source("gumloop-llms", tmp_path))
