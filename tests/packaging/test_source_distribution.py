"""What the source distribution holds: the packages, the documents, and no test that could not run from it."""

from __future__ import annotations

import re
import tarfile
import tomllib
from pathlib import Path

from hatchling.builders.sdist import SdistBuilder

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = set(PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
DOCUMENTS = {"docs", "README.md", "CHANGELOG.md", "LICENSE"}
ADDED = {"pyproject.toml", "hatch_build.py", "PKG-INFO", ".gitignore"}  # hatchling does


def test_it_holds_all_or_none_of_the_tests(tmp_path: Path) -> None:
    (built,) = SdistBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with tarfile.open(built) as archive:
        inside = [Path(*Path(name).parts[1:]) for name in archive.getnames()]
    assert {path.parts[0] for path in inside} == PACKAGES | DOCUMENTS | ADDED
    modules = {
        path.relative_to(ROOT)
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert modules <= set(inside)


def test_its_description_has_no_link_that_leads_nowhere(tmp_path: Path) -> None:
    (built,) = SdistBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with tarfile.open(built) as archive:
        (name,) = [name for name in archive.getnames() if name.endswith("/PKG-INFO")]
        held = archive.extractfile(name)
        assert held is not None
        description = held.read().decode()
    targets = re.findall(r"\]\(([^)]*)\)", description)
    assert targets
    assert [target for target in targets if not target.startswith("https://")] == []
    assert "changelog" in description
