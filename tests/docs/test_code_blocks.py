"""Every code block in the README and the docs does what it says: Python is run, shell commands are checked."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import pytest

from gumloop_emulator.__main__ import main as gumloop_emulator_command
from tests.support.redis_server import WITHOUT_REDIS, RedisServer, can_run_redis

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
PRINTED = re.compile(r"\s*It prints:\s*```text\n(.*?)^```", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    page: Path
    line: int
    language: str
    code: str
    prints: str | None = None

    @property
    def name(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks() -> list[Block]:
    return [
        Block(page, text.count("\n", 0, match.start()) + 1, match[1], match[2], printed and printed[1])
        for page in PAGES
        for text in [page.read_text(encoding="utf-8")]
        for match in FENCE.finditer(text)
        for printed in [PRINTED.match(text, match.end())]
    ]


BLOCKS = blocks()

STARTS_RAY = "ray.init("
"""What such a block starts outlives its end: it runs in a process of its own, which takes half a minute on a busy
machine."""

NEEDS = {"RedisLimits(": "redis_server", STARTS_RAY: "ray_cluster"}
"""What a block needs beside the emulator, by a word in it. Where that is absent, the block is skipped."""


@pytest.fixture
def redis_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server, whose address is in ``REDIS_URL``."""
    if not can_run_redis():
        pytest.skip(WITHOUT_REDIS)
    with RedisServer() as server:
        monkeypatch.setenv("REDIS_URL", server.url)
        yield


@pytest.fixture
def ray_cluster() -> None:
    """The block starts one by itself."""
    if importlib.util.find_spec("ray") is None:
        pytest.skip("needs Ray, which has no build for this Python here")


def of(*languages: str) -> list[object]:
    slow = pytest.mark.timeout(180)
    return [
        pytest.param(block, id=block.name, marks=[slow] if STARTS_RAY in block.code else [])
        for block in BLOCKS
        if block.language in languages
    ]


def test_every_block_names_a_language_that_is_checked() -> None:
    assert [block.name for block in BLOCKS if block.language not in ("python", "bash", "text", "json")] == []
    assert any(block.language == "python" for block in BLOCKS)


def test_every_recipe_is_one_program_that_says_what_it_prints() -> None:
    recipes = sorted(path for path in (ROOT / "docs" / "cookbook").glob("*.md") if path.name != "index.md")
    programs = [block for block in BLOCKS if block.page in recipes and block.language == "python"]
    assert len(recipes) == 8
    assert [block.page for block in programs] == recipes
    assert [block.name for block in programs if not block.prints] == []


@pytest.fixture
def same_environment() -> Iterator[None]:
    """The variables as they were, also those that a block sets."""
    with patch.dict(os.environ):
        yield


@pytest.mark.usefixtures("same_environment")
@pytest.mark.parametrize("block", of("python"))
def test_python_block_runs(block: Block, gumloop_emulator, monkeypatch, tmp_path, request, capfd) -> None:
    for word, fixture in NEEDS.items():
        if word in block.code:
            request.getfixturevalue(fixture)
    monkeypatch.setenv("GUMLOOP_BASE_URL", gumloop_emulator.base_url)
    monkeypatch.setenv("GUMLOOP_API_KEY", gumloop_emulator.api_key)
    monkeypatch.setenv("GUMLOOP_USER_ID", gumloop_emulator.user_id)
    monkeypatch.chdir(tmp_path)
    if STARTS_RAY in block.code:
        subprocess.run([sys.executable, "-c", block.code], check=True, timeout=170)
    else:
        source = "\n" * block.line + block.code  # so that a traceback names the page's line
        exec(compile(source, str(block.page), "exec", dont_inherit=True), {"__name__": "__main__"})
    if block.prints is not None:
        assert capfd.readouterr().out == block.prints


@pytest.mark.parametrize("block", of("bash"))
def test_shell_block_names_what_exists(block: Block, capsys: pytest.CaptureFixture[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    locked = (ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8")
    for line in block.code.splitlines():
        words = shlex.split(line, comments=True)
        match words:
            case [] | ["git", *_] | ["cd", *_] | ["curl", *_]:
                continue
            case ["make", *targets]:
                known = [target for target in targets if "=" not in target]
                subprocess.run(["make", "--dry-run", *known], cwd=ROOT, check=True, capture_output=True)
            case ["pip", "install", *packages]:
                for package in packages:
                    if (ROOT / "distributions" / package).is_dir():
                        continue
                    extras = re.fullmatch(r"gumloop-llms(?:\[(.*)\])?", package)
                    if extras is None:
                        assert f"\n{package}==" in locked, package
                        continue
                    wanted = {extra for extra in (extras[1] or "").split(",") if extra}
                    assert wanted <= project["project"]["optional-dependencies"].keys()
            case ["export", assignment]:
                assert assignment.split("=")[0].startswith("GUMLOOP_"), line
            case ["gumloop-emulator", *arguments]:
                named = arguments[:1] if arguments[:1] in (["record"], ["replay"]) else ["serve"]
                with pytest.raises(SystemExit, match="0"):
                    gumloop_emulator_command([*named, "--help"])
                known = capsys.readouterr().out
                assert [word for word in arguments if word.startswith("-") and word not in known] == []
            case ["gumloop-batch", *arguments]:
                command = [sys.executable, "-m", "gumloop_batch", "--help"]
                known = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                assert [word for word in arguments if word.startswith("-") and word not in known] == []
            case ["pytest" | ".venv/bin/python" | "python", *arguments]:
                paths = [word for word in arguments if "/" in word and not word.startswith("-")]
                assert [path for path in paths if not (ROOT / path.split("::")[0]).exists()] == []
            case _:
                pytest.fail(f"{block.name}: no check for {line!r}")
