"""The README as a package index shows it: there, only absolute addresses lead anywhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_TARGET = re.compile(r"(!?)\[([^\]]*)\]\((?!https?://|#)([^)]*)\)")


class CustomMetadataHook(MetadataHookInterface):
    """Gives the distribution its description."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Point at this version's files in the repository; pictures at the bytes, not at the page that shows them."""
        source = metadata["urls"]["Source"]
        tag = f"v{metadata['version']}"
        files = f"{source}/blob/{tag}/"
        bytes_of_files = f"{source.replace('github.com', 'raw.githubusercontent.com')}/{tag}/"

        def absolute(match: re.Match[str]) -> str:
            mark, text, path = match.groups()
            return f"{mark}[{text}]({bytes_of_files if mark else files}{path})"

        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": _TARGET.sub(absolute, text)}
