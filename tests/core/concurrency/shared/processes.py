"""Starts :mod:`tests.core.concurrency.shared.worker` in processes of their own."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

from gumloop_core.concurrency.limits import Limits

ROOT = Path(__file__).resolve().parents[4]
LONGEST = 50.0
"""Seconds after which a process is held to hang."""


def started(limits: Limits, base_url: str, *, calls: int, cap: int, how: str = "call") -> subprocess.Popen[bytes]:
    """Start a process that makes calls; it has begun with them when this returns."""
    command = [sys.executable, "-m", "tests.core.concurrency.shared.worker", how, base_url, str(calls), str(cap)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, env=environment)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(pickle.dumps(limits))
    process.stdin.close()
    assert process.stdout.readline().strip() == b"begins"
    return process


def errors_of(process: subprocess.Popen[bytes]) -> str:
    """What the process says in the end."""
    said, status = ended(process)
    assert status == 0
    return said


def ended(process: subprocess.Popen[bytes]) -> tuple[str, int]:
    """Wait for the process; what it has written, and its status."""
    assert process.stdout is not None
    with process.stdout as output:
        said = output.read().decode().strip()
    return said, process.wait(LONGEST)
