"""Jobs on a real Ray of this machine, with two workers."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gumloop_batch import JobStoppedError, read_results, run
from gumloop_emulator import Answer, Emulator, Failure
from gumloop_emulator.traffic import ReceivedRequest
from tests.batch.jobs import ask, tickets

ray = pytest.importorskip("ray", reason="Ray has no package for this Python, or the extra ray is not installed")
pytest.importorskip("ray.data", reason="the extra ray is not installed")

pytestmark = [
    pytest.mark.timeout(240),  # starting Ray takes half a minute on a busy machine
    pytest.mark.skipif(sys.platform == "win32", reason="Ray's Windows version is a beta"),
]
ROOT = Path(__file__).resolve().parents[2]
USAGE = {"prompt_tokens": 6, "completion_tokens": 4, "total_tokens": 10, "cost": 0.1}


@pytest.fixture(scope="module")
def cluster(gumloop_emulator_server: Emulator) -> Iterator[None]:
    # Its processes have this one's variables. Given by a runtime_env, each actor would start a process of its own.
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**gumloop_emulator_server.environment(), "PYTHONPATH": str(ROOT)}.items():
            patch.setenv(name, value)
        # No more than there are workers: what feeds them needs some too.
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=100 << 20)
        yield
        ray.shutdown()


def process(request: ReceivedRequest) -> int:
    """The process that asked."""
    return int(request.json["messages"][0]["content"])


def on_ray(output: Path, rows: Any, workers: int = 2, **options: Any) -> Any:
    return run(rows, ask, output=output, key="id", engine="ray", workers=workers, progress=False, **options)


@pytest.mark.usefixtures("cluster")
def test_workers_share_the_rows(server: Emulator, output: Path) -> None:
    in_flight, count = 5, 120

    async def answer(request: ReceivedRequest) -> Answer:
        # The first worker to come waits for the other, however long that one takes to start.
        both.add(process(request))
        return Answer(request.user_text, delay=0.02 if len(both) == 2 else 0.5)

    both: set[int] = set()
    server.answer_with = answer
    try:
        result = on_ray(output, iter(tickets(count)), rows_in_flight=in_flight)
    finally:
        server.answer_with = None
    assert (result.rows, result.answered, result.failed) == (count, count, 0)
    assert len(both) == 2
    # One pool of connections for each worker, no matter how many batches it was given.
    assert len({request.connection for request in server.requests}) <= 2 * in_flight
    assert len({request.user_text for request in server.requests}) == len(server.requests) == count
    assert {file.name for file in output.glob("[_.]*")} == {"_job.json", "_lock"}


@pytest.mark.usefixtures("cluster")
def test_a_worker_that_is_killed_loses_nothing(server: Emulator, output: Path) -> None:
    in_flight, count = 5, 60
    may_kill = threading.Event()

    async def answer(request: ReceivedRequest) -> Answer:
        if len(server.requests) == count // 2:
            may_kill.set()
        return Answer(request.user_text, usage=USAGE, delay=0.02)

    def kill() -> None:
        if may_kill.wait(120):
            os.kill(process(server.requests[0]), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    server.answer_with = answer
    try:
        result = on_ray(output, tickets(count), workers=1, rows_in_flight=in_flight)
    finally:
        server.answer_with = None
        killer.join(130)
    assert (result.rows, result.answered, result.failed) == (count, count, 0)
    assert len({process(request) for request in server.requests}) == 2  # the worker, and the one that took over
    times = Counter(request.user_text for request in server.requests)
    assert len(times) == count
    assert sum(times.values()) <= count + in_flight
    rows = read_results(output).to_pylist()
    assert sorted(row["id"] for row in rows) == list(range(count))
    assert all(row["answer"] == row["text"] and row["cost"] == 0.1 for row in rows)


@pytest.mark.usefixtures("cluster")
def test_limits_hold_for_all_workers(server: Emulator, output: Path) -> None:
    server.reply(Answer("x", usage=USAGE))
    with pytest.raises(JobStoppedError, match="max_cost") as caught:
        on_ray(output, tickets(60), max_cost=1.05, rows_in_flight=4)
    assert caught.value.result.answered == len(server.requests) == read_results(output).num_rows
    assert 10 <= len(server.requests) <= 12  # the first call of the second worker may have begun before one had ended


@pytest.mark.usefixtures("cluster")
def test_a_job_goes_on_and_stops_at_too_many_failures(server: Emulator, output: Path) -> None:
    async def at_once(row: dict[str, Any]) -> str:
        return str(row["text"])

    run(tickets(10), at_once, output=output, key="id", job="tickets", progress=False)
    server.reply(Failure(400))
    with pytest.raises(JobStoppedError, match="max_failures=5") as caught:
        on_ray(output, tickets(1_000), workers=1, job="tickets", max_failures=5, rows_in_flight=4)
    assert caught.value.result.skipped == 10
    assert 5 < caught.value.result.failed < 1_000
