"""Calls objects in a process that got them as a pickle; run as a module, or ask :func:`in_worker`."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

ROOT = Path(__file__).resolve().parents[2]

Call: TypeAlias = "tuple[Any, str, tuple[Any, ...]]"
"""An object, the name of its method, and the arguments."""


def in_worker(calls: Sequence[Call], environment: dict[str, str]) -> list[Any]:
    """Make calls in another process, one after another; what they return.

    Args:
        calls: The calls.
        environment: Variables that the process has beside this one's.
    """
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.in_worker"],
        input=pickle.dumps(list(calls)),
        cwd=ROOT,
        env={**os.environ, **environment, "PYTHONPATH": path},
        capture_output=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    returned: list[Any] = pickle.loads(done.stdout)
    return returned


def main() -> None:
    calls: list[Call] = pickle.loads(sys.stdin.buffer.read())
    sys.stdout.buffer.write(pickle.dumps([getattr(thing, method)(*arguments) for thing, method, arguments in calls]))


if __name__ == "__main__":
    main()
