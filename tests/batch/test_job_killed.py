"""Jobs that are killed in the middle, and go on: real processes, real signals, and what the server was asked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from gumloop_batch import read_results
from gumloop_emulator import Answer, Emulator
from gumloop_emulator.traffic import ReceivedRequest

IN_FLIGHT = 5
ROWS = 120


def job(output: Path, rows: int = ROWS, in_flight: int = IN_FLIGHT) -> subprocess.Popen[str]:
    """Begin a job in a process of its own."""
    command = [sys.executable, "-m", "tests.batch.jobs", str(output), str(rows), str(in_flight)]
    # A job in the background is started with Ctrl-C ignored.
    restore = None if sys.platform == "win32" else lambda: signal.signal(signal.SIGINT, signal.default_int_handler)
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ), preexec_fn=restore
    )


def wait_until(holds: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.01)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
def test_only_calls_in_flight_are_asked_again(server: Emulator, output: Path, how: signal.Signals) -> None:
    async def answer(request: ReceivedRequest) -> Answer:
        return Answer(request.user_text, delay=0.02)

    server.answer_with = answer
    try:
        with job(output) as killed:
            wait_until(lambda: len(server.requests) >= ROWS // 2)
            killed.send_signal(how)
            _, errors = killed.communicate(timeout=30)
        assert killed.returncode != 0
        asked = len(server.requests)
        assert ROWS // 2 <= asked < ROWS
        kept = read_results(output)
        # All that was asked is there, but for what was in flight.
        assert asked - IN_FLIGHT <= kept.num_rows <= asked
        assert set(kept["error_type"].to_pylist()) == {None}
        if how == signal.SIGINT:
            assert "KeyboardInterrupt" in errors
            assert not list(output.glob("_journal-*"))
        with job(output) as resumed:
            told, errors = resumed.communicate(timeout=30)
        assert errors == ""
        assert told.split() == [str(ROWS - kept.num_rows), "0", str(kept.num_rows)]
    finally:
        server.answer_with = None
    times = Counter(request.user_text for request in server.requests)
    assert len(times) == ROWS
    assert sum(times.values()) <= ROWS + IN_FLIGHT
    rows = read_results(output).to_pylist()
    assert sorted(row["id"] for row in rows) == list(range(ROWS))
    assert all(row["answer"] == row["text"] for row in rows)
    assert not list(output.glob("_journal-*"))


@pytest.mark.parametrize("in_flight", [1, 3])
def test_what_came_of_a_row_is_kept_before_another_is_asked(server: Emulator, output: Path, in_flight: int) -> None:
    """The journal alone tells what a killed job must not pay for again."""
    missing: list[int] = []

    async def answer(request: ReceivedRequest) -> Answer:
        kept = sum(path.read_bytes().count(b"\n") for path in output.glob("_journal-*"))
        missing.append(len(server.requests) - kept)
        return Answer(request.user_text)

    server.answer_with = answer
    try:
        with job(output, 40, in_flight) as asked:
            _, errors = asked.communicate(timeout=30)
    finally:
        server.answer_with = None
    assert errors == ""
    assert len(missing) == 40
    assert max(missing) <= in_flight
