"""The command `gumloop-emulator`, and the pytest plugin as other projects get it."""

from __future__ import annotations

import importlib.metadata
import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import httpx
import pytest

from gumloop_core.emulator import Emulator, cli
from tests.emulator.support import body

COMMAND = [sys.executable, "-m", "gumloop_core.emulator"]


def test_serves_until_interrupted() -> None:
    process = subprocess.Popen(
        [*COMMAND, "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )
    try:
        assert process.stdout is not None
        greeting = ""
        while "Ctrl-C" not in greeting:
            line = process.stdout.readline()
            assert line, f"ended early: {process.stderr.read() if process.stderr else ''}"
            greeting += line
        exported = dict(re.findall(r"^export (\w+)=(.*)$", greeting, re.M))
        url = f"{exported['GUMLOOP_BASE_URL']}/chat/completions"
        sent = {"Authorization": f"Bearer {exported['GUMLOOP_API_KEY']}", "x-auth-key": exported["GUMLOOP_USER_ID"]}
        assert f"curl {url}" in greeting
        answer = httpx.post(url, headers=sent, json=body("Capital of Canada?"), trust_env=False)
        assert answer.json()["choices"][0]["message"]["content"] == "Ottawa."
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=10)
        assert process.returncode == 0
        assert errors == ""
    finally:
        process.kill()
        process.communicate()


def test_a_taken_port(gumloop_emulator: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--port", str(gumloop_emulator.port)]) == 1
    assert f"Cannot listen on 127.0.0.1:{gumloop_emulator.port}" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["starlette", "uvicorn"])
def test_says_what_is_missing(
    missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    assert cli.main(["--port", "0"]) == 1
    assert 'pip install "gumloop-llms[emulator]"' in capsys.readouterr().err
    with pytest.raises(ImportError, match="gumloop-llms"):
        Emulator().start()


def test_importing_the_plugin_imports_no_server() -> None:
    code = (
        "import sys, gumloop_core.emulator.pytest_plugin\n"
        "print([name for name in ('starlette', 'uvicorn') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_the_fixture_in_another_project(tmp_path: Path) -> None:
    test = """
        from gumloop_core.emulator import Answer

        def test_leaves_things_behind(gumloop_emulator):
            gumloop_emulator.queue(Answer(text="left over"))
            assert gumloop_emulator.base_url.startswith("http://127.0.0.1:")

        def test_finds_a_clean_one(gumloop_emulator):
            assert (gumloop_emulator.queued, gumloop_emulator.requests) == (0, [])
        """
    (tmp_path / "test_it.py").write_text(textwrap.dedent(test), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "gumloop_core.emulator.pytest_plugin", str(tmp_path)]
    # Only this plugin: all that are installed here would take seconds to load.
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert "2 passed" in ran.stdout, ran.stdout + ran.stderr


def test_the_plugin_is_registered() -> None:
    found = {entry.name: entry.value for entry in importlib.metadata.entry_points(group="pytest11")}
    assert found["gumloop_emulator"] == "gumloop_core.emulator.pytest_plugin"
