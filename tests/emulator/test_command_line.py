"""The command `gumloop-emulator`, and the pytest plugin as other projects get it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gumloop_emulator import Emulator
from gumloop_emulator.__main__ import main
from tests.emulator.support import KEY_OF_THE_EMULATOR, body


@contextlib.contextmanager
def command(*arguments: str) -> Iterator[dict[str, str]]:
    """Run the command until the block ends; the variables that it tells to export."""
    process = subprocess.Popen(
        [sys.executable, "-m", "gumloop_emulator", *arguments, "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        # A job in the background is started with Ctrl-C ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        assert process.stdout is not None
        greeting = ""
        while "Ctrl-C" not in greeting:
            line = process.stdout.readline()
            assert line, f"ended early: {process.stderr.read() if process.stderr else ''}"
            greeting += line
        yield dict(re.findall(r"^export (\w+)=(.*)$", greeting, re.M))
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=10)
        assert (process.returncode, errors) == (0, "")
    finally:
        process.kill()
        process.communicate()


def ask(variables: dict[str, str], text: str = "Hello", **fields: object) -> httpx.Response:
    url = f"{variables['GUMLOOP_BASE_URL']}/chat/completions"
    return httpx.post(url, headers=KEY_OF_THE_EMULATOR, json=body(text, **fields), trust_env=False)


def test_serves_until_interrupted() -> None:
    with command() as variables:
        assert variables["GUMLOOP_API_KEY"] == "gl-key-emulator"
        assert ask(variables).json()["choices"][0]["message"]["content"] == "Hello"
        assert ask(variables, temperature=9).status_code == 400


def test_options_of_the_server() -> None:
    options = (
        "--any-key",
        "--lenient",
        "--per-minute",
        "2",
        "--concurrent",
        "5",
        "--no-retry-after",
        "--chunk-delay",
        "0",
    )
    with command("serve", *options) as variables:
        assert ask(variables, temperature=9).status_code == 200
        assert ask(variables).status_code == 200
        refused = ask(variables)
        assert (refused.status_code, "retry-after" in refused.headers) == (429, False)


def test_records_and_replays(server: Emulator, tmp_path: Path) -> None:
    path = str(tmp_path / "answers.jsonl")
    server.queue("recorded")
    with command("record", "--to", path, "--upstream", server.base_url) as variables:
        assert "recorded" in ask(variables).text
    with command("replay", path, "--ignore", "temperature", "--pace") as variables:
        assert "recorded" in ask(variables, temperature=1).text
        refused = ask(variables, "something else")
        assert (refused.status_code, refused.json()["error"]["code"]) == (404, "no_recorded_answer")
    with command("replay", path, "--at-once", "--else-stand-in") as variables:
        assert "something else" in ask(variables, "something else").text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["replay", "nowhere.jsonl"], "nowhere.jsonl"),
        (["replay", __file__], "Extra data"),
        (["record", "--to", "x", "--upstream", "ftp://x"], "base_url must be an http"),
    ],
)
def test_mistakes_are_told(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 1
    assert says in capsys.readouterr().err


def test_a_taken_port_is_told(server: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", str(server.port)]) == 1
    assert f"port {server.port}" in capsys.readouterr().err


def test_the_fixture_in_another_project(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["gumloop_emulator.pytest_plugin"]\n', encoding="utf-8")
    test = """
        def test_leaves_things_behind(gumloop_emulator):
            gumloop_emulator.queue("left over")
            gumloop_emulator.reply("left over")
            assert gumloop_emulator.base_url.startswith("http://127.0.0.1:")

        def test_finds_a_clean_one(gumloop_emulator):
            assert (gumloop_emulator.queued, gumloop_emulator.requests) == (0, [])
        """
    (tmp_path / "test_it.py").write_text(textwrap.dedent(test), encoding="utf-8")
    # Only this plugin: all that are installed here would take seconds to load.
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", str(tmp_path)]
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert "2 passed" in ran.stdout, ran.stdout + ran.stderr
