"""Name the packages whose versions differ between two files of pinned requirements, as for this Python."""

from __future__ import annotations

import sys
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def pinned(text: str) -> dict[str, str]:
    """Read the versions of a file of requirements: ``name==version``, with or without hashes and markers."""
    versions: dict[str, str] = {}
    for line in text.splitlines():
        written = line.removesuffix("\\").strip()
        if not written or written.startswith(("#", "-")):
            continue
        requirement = Requirement(written)
        if requirement.marker is None or requirement.marker.evaluate():
            versions[canonicalize_name(requirement.name)] = str(requirement.specifier).removeprefix("==")
    return versions


def differing(locked: str, newest: str) -> list[str]:
    """Compare two files' texts.

    Returns:
        A line for each package that is not the same in both, by name.
    """
    before, after = pinned(locked), pinned(newest)
    return [
        f"{name} {after.get(name, 'is gone')} (locked: {before.get(name, 'not there')})"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]


if __name__ == "__main__":
    print("\n".join(differing(*(Path(name).read_text(encoding="utf-8") for name in sys.argv[1:3]))))
