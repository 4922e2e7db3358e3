"""An environment that holds what some requirements ask for and nothing else, made without the network.

The distributions are those that the running environment has, linked rather than downloaded: the same files that an
index gives at these versions. What is tried, our wheels, is installed by pip as for any user, and pip checks what they
require against what is there. Our own distributions are never linked, and neither is what nobody required.
"""

from __future__ import annotations

import re
import subprocess
import sys
import venv
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

OURS = {"gumloop-llms", "langchain-gumloop", "llama-index-llms-gumloop"}


def fresh_environment(place: Path, requirements: Iterable[str]) -> Path:
    """Make one.

    Args:
        place: Where; it is made.
        requirements: What it is to hold, with whatever that needs in turn.

    Returns:
        Its interpreter.
    """
    venv.create(place, with_pip=False)
    python = place / "bin" / "python"
    linked = place / "linked"
    linked.mkdir()
    for found in _with_what_they_need(requirements):
        for part in {file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
            link = linked / part
            if not link.exists():
                link.symlink_to(Path(str(found.locate_file(part))))
    show = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = subprocess.run([python, "-c", show], capture_output=True, text=True, check=True).stdout.strip()
    (Path(site) / "linked.pth").write_text(f"{linked}\n", encoding="utf-8")
    return python


def install(python: Path, wheels: Path, name: str) -> None:
    """Have pip install a distribution from a folder of wheels, and from nowhere else.

    Raises:
        AssertionError: If it would not, with what it said.
    """
    command = [
        sys.executable,
        "-m",
        "pip",
        "--isolated",
        "--python",
        str(python),
        "install",
        "--no-index",
        "--no-compile",
    ]
    run = subprocess.run([*command, "--find-links", str(wheels), name], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def _with_what_they_need(requirements: Iterable[str]) -> list[Distribution]:
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [Requirement(text) for text in requirements]
    while waiting:
        requirement = waiting.pop()
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        try:
            wanted = distribution(name)
        except PackageNotFoundError:
            continue  # pip says so, if it matters
        for extra in ("", *sorted(requirement.extras)):
            if name not in OURS and (name, extra) not in seen:
                seen.add((name, extra))
                found[name] = wanted
                needed = [Requirement(text) for text in wanted.requires or ()]
                waiting += [item for item in needed if item.marker is None or item.marker.evaluate({"extra": extra})]
    return list(found.values())
