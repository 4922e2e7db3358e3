"""The workflows run what `.ci/run` runs, with actions that cannot change under us."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from gumloop_core.version import __version__
from tests.packaging.distributions import ROOT, project_file

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
ON_A_SUBMISSION = set(re.findall(r"^make ([a-z-]+)", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE))
NOT_THERE = {
    "docs",  # a part of make test, by itself
    "actionlint",  # fetches a binary that not every machine can reach
}


def _read(file: Path) -> dict[Any, Any]:
    read: dict[Any, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return read


def _steps(file: Path) -> list[dict[str, Any]]:
    return [step for job in _read(file)["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_each_step_is_a_target_that_a_submission_runs_too(file: Path) -> None:
    commands = [step["run"] for step in _steps(file) if "run" in step]
    assert commands
    targets = [re.fullmatch(r'make ([a-z-]+)(?: [A-Z]+=[\w"$.]+)*', command) for command in commands]
    assert [command for command, target in zip(commands, targets, strict=True) if not target] == []
    asked = {target[1] for target in targets if target}
    assert asked <= TARGETS
    assert asked <= ON_A_SUBMISSION | NOT_THERE


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_each_action_is_a_commit_and_names_its_version(file: Path) -> None:
    used = re.findall(r"uses: (.*)", file.read_text(encoding="utf-8"))
    assert used
    assert [line for line in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []


def test_every_python_that_we_claim_is_tried() -> None:
    claimed = {
        match[1]
        for line in project_file("gumloop-llms")["project"]["classifiers"]
        if (match := re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", line))
    }
    tried = set(_read(ROOT / ".github" / "workflows" / "tests.yml")["jobs"]["locked"]["strategy"]["matrix"]["python"])
    assert claimed <= tried
    assert "3.14" in tried


def test_only_the_job_that_publishes_may_say_who_it_is() -> None:
    for file in WORKFLOWS:
        workflow = _read(file)
        assert workflow["permissions"] in ({}, {"contents": "read"})
        for name, job in workflow["jobs"].items():
            writes = {right for right, value in job.get("permissions", {}).items() if value == "write"}
            assert writes == ({"id-token", "attestations"} if (file.stem, name) == ("release", "publish") else set())
    publish = _read(ROOT / ".github" / "workflows" / "release.yml")["jobs"]["publish"]
    assert not any("run" in step for step in publish["steps"])
    assert publish["environment"]["name"] == "pypi"


def test_pre_commit_has_the_tools_of_make_lint() -> None:
    recipe = MAKEFILE.partition("\nlint: setup\n")[2].partition("\n\n")[0]
    in_lint = set(re.findall(r"\$\(BIN\)/([a-z-]+)", recipe)) - {"python"}
    hooks = _read(ROOT / ".pre-commit-config.yaml")["repos"][0]["hooks"]
    in_hooks = {hook["entry"].split()[0].removeprefix(".venv/bin/") for hook in hooks}
    assert in_hooks == in_lint


@pytest.mark.parametrize(
    ("file", "written"),
    [("CITATION.cff", f"\nversion: {__version__}\n"), ("CHANGELOG.md", f"\n## [{__version__}] - ")],
)
def test_the_version_is_written_there_too(file: str, written: str) -> None:
    assert written in (ROOT / file).read_text(encoding="utf-8")
