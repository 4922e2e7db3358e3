"""The processes that measure: one for each contender, and the server's."""

from __future__ import annotations

import json
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from benchmarks.contenders import CONTENDERS

ROOT = Path(__file__).resolve().parents[1]


LONGEST_WORK = 90.0
"""Seconds after which a contender is held to hang. One peer leaves responses unread, and its HTTP library can wait for
itself when they are collected."""


class WorkError(Exception):
    """A contender could not do the work."""


class HungError(WorkError):
    """A contender did not come to an end."""


class Worker:
    """A contender's process; see :mod:`benchmarks.worker`."""

    def __init__(self, framework: str, name: str) -> None:
        self.name = name
        self._command = [sys.executable, "-m", "benchmarks.worker", framework, name]
        self._start()

    def _start(self) -> None:
        self._complaints = TemporaryFile("w+")  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            self._command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,  # a pipe that nobody reads would fill up and hold the contender
            text=True,
        )

    def do(self, work: str, server: str, arguments: dict[str, Any]) -> Any:
        """Have work done.

        Raises:
            WorkError: If it could not be.
            HungError: If it did not end. The process is a new one then.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps({"work": work, "server": server, "arguments": arguments}) + "\n")
            self._process.stdin.flush()
            if not select.select([self._process.stdout], [], [], LONGEST_WORK)[0]:
                self.close()
                self._start()
                raise HungError(f"{work} did not end within {LONGEST_WORK:.0f} s")
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self._complaints.seek(0)
            raise WorkError(f"the process ended: {self._complaints.read()[-500:].strip()}")
        reply = json.loads(line)
        if "error" in reply:
            raise WorkError(reply["error"])
        return reply["value"]

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
        self._complaints.close()


@contextmanager
def server() -> Iterator[str]:
    """Start the server; its address, without a path."""
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("server.py"))], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.kill()
        process.communicate()


@contextmanager
def workers(framework: str, names: list[str] | None = None) -> Iterator[list[Worker]]:
    """Start the processes of a framework's contenders."""
    with ExitStack() as stack:
        started = []
        for name in CONTENDERS[framework] if names is None else names:
            worker = Worker(framework, name)
            stack.callback(worker.close)
            started.append(worker)
        yield started
