"""Hooks of mkdocs: the pages that lie outside `docs/`, and links that lead out of it.

On GitHub a page links to files of the repository, and the README to pages in `docs/`. On the site, the README is the
home, the changelog and the map of the house are pages, and what is no page leads to the repository.
"""

from __future__ import annotations

import posixpath
import re
import tomllib
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
PAGES = {"README.md": "index.md", "CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
"""Files of the repository that are pages of the site, by the name that they have there."""

_LINK = re.compile(r"(\]\()(?!https?://|#|mailto:)([^)#\s]+)(#[^)\s]*)?(\))")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Take the repository's address from where all the others are."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        config.repo_url = tomllib.load(file)["project"]["urls"]["Source"]
    config.repo_name = "Source"
    config.edit_uri = ""  # the pages that are made of other files have none
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie elsewhere."""
    for source, page in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point each link at the page of the site, or else at the file in the repository."""
    page.meta["hide"] = [
        *(["navigation"] if page.parent is None else []),  # beside it there would be a list of one page
        *([] if "\n## " in markdown or "\n::: " in markdown else ["toc"]),  # and here one of no headings
    ]
    names = {page_name: source for source, page_name in PAGES.items()}
    source = names.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    here = posixpath.dirname(page.file.src_uri)

    def on_site(match: re.Match[str]) -> str:
        before, path, anchor, after = match.groups()
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        if target in PAGES:
            target = posixpath.relpath(PAGES[target], here)
        elif target.startswith("docs/"):
            target = posixpath.relpath(target.removeprefix("docs/"), here)
        elif (ROOT / target).exists():
            target = f"{config.repo_url}/blob/main/{target}"
        else:
            return match[0]  # mkdocs says that it leads nowhere
        return f"{before}{target}{anchor or ''}{after}"

    return _LINK.sub(on_site, markdown)
