"""What the pages point at is there: tests, pages, files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OF_THE_HOUSE = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "CODE_OF_CONDUCT.md"]
PAGES = [*(ROOT / name for name in OF_THE_HOUSE), *sorted((ROOT / "docs").rglob("*.md"))]
TEST = re.compile(r"((?:tests/)?[\w/]*test_\w+\.py)::((?:\w+::)*\w+)")
ANCHOR = re.compile(r"\]\((?!https?://)([^)#]*)#([^)]+)\)")
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_named_tests_exist(page: Path) -> None:
    missing = []
    for file, name in TEST.findall(page.read_text(encoding="utf-8")):
        candidates = [path for path in (ROOT / "tests").rglob(Path(file).name) if str(path).endswith(file)]
        function = name.rpartition("::")[2]
        if not any(re.search(rf"(def|class) {function}\b", path.read_text(encoding="utf-8")) for path in candidates):
            missing.append(f"{file}::{name}")
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_linked_files_exist(page: Path) -> None:
    targets = LINK.findall(page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_linked_headings_exist(page: Path) -> None:
    missing = [
        f"{target}#{anchor}"
        for target, anchor in ANCHOR.findall(page.read_text(encoding="utf-8"))
        if anchor not in anchors_of(page.parent / target if target else page)
    ]
    assert missing == []


def anchors_of(page: Path) -> set[str]:
    """The names under which a page's headings can be linked, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}
