"""The three distributions of this repository, and what is in what is built of them."""

from __future__ import annotations

import tarfile
import tomllib
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {
    "gumloop-llms": ROOT,
    "langchain-gumloop": ROOT / "distributions" / "langchain-gumloop",
    "llama-index-llms-gumloop": ROOT / "distributions" / "llama-index-llms-gumloop",
}


def project_file(name: str) -> dict[str, Any]:
    """What a distribution's pyproject.toml says."""
    return tomllib.loads((FOLDERS[name] / "pyproject.toml").read_text(encoding="utf-8"))


def build_wheel(name: str, place: Path) -> Path:
    """Build a wheel, without the network."""
    (built,) = WheelBuilder(str(FOLDERS[name])).build(directory=str(place), versions=["standard"])
    return Path(built)


def build_source(name: str, place: Path) -> Path:
    """Build a source distribution, without the network."""
    (built,) = SdistBuilder(str(FOLDERS[name])).build(directory=str(place), versions=["standard"])
    return Path(built)


def source_files(archive: Path) -> set[Path]:
    """What a source distribution holds, below its own folder."""
    with tarfile.open(archive) as opened:
        return {Path(*Path(name).parts[1:]) for name in opened.getnames()}


def wheel_metadata(wheel: Path) -> Message:
    """What an index is told of a wheel; the description is its payload."""
    with ZipFile(wheel) as opened:
        (name,) = [name for name in opened.namelist() if name.endswith(".dist-info/METADATA")]
        return Parser().parsestr(opened.read(name).decode())
