"""The suite can fail: on `OpenAILike` exactly those tests fail that `docs/llama-index.md` lists."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DOCUMENT = ROOT / "docs" / "llama-index.md"
MODULE = "tests/contract/llama_index/openai_like.py"


def documented() -> tuple[bool, set[str]]:
    """Whether the installed versions are those that the document speaks of, and the tests that it says fail."""
    section = DOCUMENT.read_text(encoding="utf-8").partition("## What `OpenAILike` fails")[2].partition("\n## ")[0]
    spoken_of = re.findall(r"`(llama-index-[a-z-]+)` ([\d.]*\d)", section)
    assert {"llama-index-llms-openai-like", "llama-index-core"} <= {name for name, _ in spoken_of}
    return all(version(name) == said for name, said in spoken_of), set(re.findall(r"`(test_\w+)`", section))


@pytest.mark.timeout(150)
def test_openai_like_fails_what_the_document_says(tmp_path: Path):
    # Twice at once, since it takes a while: what is asynchronous, and all else. Of pytest's plugins and rewriting it
    # needs little.
    halves = {tmp_path / "async.xml": "async", tmp_path / "others.xml": "not async"}
    plugins = ["-p", "pytest_asyncio.plugin", "-p", "pytest_timeout", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", MODULE, "-q", "--tb=no", "--assert=plain", "-o", "addopts=", *plugins]
    # What this peer leaves to the garbage collector would count against whatever test runs at that moment.
    command += ["-W", "ignore::pytest.PytestUnraisableExceptionWarning"]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "", "PYTEST_XDIST_WORKER": ""}
    running = [
        subprocess.Popen(
            [*command, "-k", half, f"--junitxml={report}"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for report, half in halves.items()
    ]
    said = [process.communicate(timeout=140)[0] for process in running]
    assert all(report.exists() for report in halves), said
    cases = [case for report in halves for case in ElementTree.parse(report).getroot().iter("testcase")]
    assert len(cases) > 300
    failed = {
        case.get("name", "").split("[")[0]
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    }
    as_documented, listed = documented()
    if as_documented:
        assert failed == listed
    else:
        assert failed  # other versions may fail in other places
