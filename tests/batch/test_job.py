"""A job from its rows to its results."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from pydantic import BaseModel

from gumloop_batch import (
    BatchInputError,
    BatchOutputError,
    BatchTaskError,
    DuplicateKeysError,
    FolderInUseError,
    JobStoppedError,
    OtherJobError,
    read_results,
    run,
)
from gumloop_batch.lock import locked
from gumloop_core import AsyncGumloopClient
from gumloop_emulator import Answer, Emulator, Failure

ROWS = [{"id": number, "text": f"ticket {number}"} for number in range(20)]


class Ticket(BaseModel):
    topic: str
    urgent: bool = False


async def classify(row: dict[str, Any]) -> Ticket:
    return Ticket(topic=row["text"].upper())


def asker(server: Emulator) -> Any:
    """A task that asks the emulator, which the environment names, for a row's text."""
    client = AsyncGumloopClient()

    async def ask(row: dict[str, Any]) -> str:
        messages = [{"role": "user", "content": row["text"]}]
        return (await client.complete({"model": "claude-sonnet-4-5", "messages": messages})).text

    return ask


def results(folder: Path) -> list[dict[str, Any]]:
    return sorted(read_results(folder).to_pylist(), key=lambda row: row["id"])


def test_rows_come_out_with_their_answers(output: Path) -> None:
    result = run(ROWS, classify, output=output, key="id", progress=False)
    assert (result.rows, result.answered, result.failed, result.skipped) == (20, 20, 0, 0)
    first = results(output)[0]
    assert {name: first[name] for name in ("id", "text", "topic", "urgent", "error_type", "error")} == {
        "id": 0,
        "text": "ticket 0",
        "topic": "TICKET 0",
        "urgent": False,
        "error_type": None,
        "error": None,
    }
    # Any reader of Parquet folders sees the same rows.
    assert pyarrow.parquet.read_table(output).num_rows == 20
    assert sorted(file.name for file in output.iterdir()) == ["_job.json", "_lock", "part-0001-local-00001.parquet"]


def test_a_row_says_what_its_calls_took(server: Emulator, output: Path) -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10, "cost": 0.25}
    server.queue(Failure(503))
    server.reply(Answer("Yes", usage=usage))
    result = run(ROWS[:1], asker(server), output=output, key="id", progress=False)
    (row,) = results(output)
    assert (row["answer"], row["attempts"], row["input_tokens"], row["output_tokens"], row["cost"]) == (
        "Yes",
        2,
        7,
        3,
        0.25,
    )
    assert row["answer_id"].startswith("chatcmpl-")
    assert row["latency_s"] > 0
    assert (result.input_tokens, result.output_tokens, result.cost) == (7, 3, 0.25)


def test_a_failed_row_stops_nothing_and_is_asked_again(server: Emulator, output: Path) -> None:
    server.reply(Failure(400, "no such thing"), when=lambda request: request.user_text in ("ticket 3", "ticket 4"))
    result = run(ROWS, asker(server), output=output, key="id", progress=False)
    assert (result.answered, result.failed) == (18, 2)
    failed = [row for row in results(output) if row["error_type"]]
    assert [row["id"] for row in failed] == [3, 4]
    assert failed[0]["error_type"] == "BadRequestError"
    assert "no such thing" in failed[0]["error"]
    assert failed[0]["answer"] is None
    server.clear()
    server.reply(Failure(400), to="ticket 4")
    again = run(ROWS, asker(server), output=output, key="id", progress=False)
    assert (again.answered, again.failed, again.skipped) == (1, 1, 18)
    assert len(server.requests) == 2
    # One row for each key: the later success took the failure's place, the later failure the earlier one's.
    assert pyarrow.parquet.read_table(output).num_rows == 20
    assert [row["id"] for row in results(output) if row["error_type"]] == [4]


def test_rows_that_have_an_answer_are_not_asked_again(server: Emulator, output: Path) -> None:
    run(ROWS[:15], asker(server), output=output, key="id", progress=False)
    result = run(iter(ROWS), asker(server), output=output, key="id", progress=False)
    assert (result.answered, result.skipped) == (5, 15)
    assert len(server.requests) == 20
    assert [row["answer"] for row in results(output)] == [row["text"] for row in ROWS]


def test_without_a_key_a_row_is_all_its_columns(server: Emulator, output: Path) -> None:
    run(ROWS, asker(server), output=output, progress=False)
    changed = [{**row, "text": "another"} if row["id"] == 0 else dict(reversed(row.items())) for row in ROWS]
    with pytest.raises(OtherJobError, match="another order"):
        run(changed[1:], asker(server), output=output, progress=False)
    result = run(
        [{"id": row["id"], "text": row["text"]} for row in changed], asker(server), output=output, progress=False
    )
    assert (result.answered, result.skipped) == (1, 19)


@pytest.mark.parametrize("again", [lambda rows: rows, iter], ids=["list", "iterator"])
def test_keys_that_come_twice_are_refused_with_the_first_five(server: Emulator, output: Path, again: Any) -> None:
    rows = again([*ROWS, *ROWS[2:9], {"id": 2, "text": "a third time"}])
    with pytest.raises(DuplicateKeysError, match="7 keys") as caught:
        run(rows, asker(server), output=output, key="id", progress=False)
    assert caught.value.keys == [2, 3, 4, 5, 6]
    assert len(server.requests) == 0
    assert not output.exists()


def test_equal_rows_are_refused_without_a_key(output: Path) -> None:
    with pytest.raises(DuplicateKeysError, match="come more than once") as caught:
        run([*ROWS, ROWS[3]], classify, output=output, progress=False)
    assert caught.value.keys == [ROWS[3]]


def test_a_key_may_be_several_columns(output: Path) -> None:
    rows = [{"day": day, "shop": shop} for day in ("Monday", "Tuesday") for shop in (1, 2)]

    async def name(row: dict[str, Any]) -> str:
        return f"{row['day']} {row['shop']}"

    assert run(rows, name, output=output, key=["day", "shop"], progress=False).answered == 4
    with pytest.raises(DuplicateKeysError) as caught:
        run([*rows, rows[1]], name, output=output.with_name("other"), key=["day", "shop"], progress=False)
    assert caught.value.keys == [("Monday", 2)]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"key": "text"}, "its key is id, and not text"),
        ({"rows": [{"id": 1, "body": "x"}]}, "it has the columns text"),
        ({"rows": [{"id": "1", "text": "x"}]}, "its column id is of the type int64, and not string"),
        ({"answer_type": str}, "it has the columns topic, urgent"),
        ({"answer_prefix": "answer_"}, "it has the columns topic, urgent"),
        ({"task": lambda row: Ticket(topic=""), "answer_type": Ticket}, "its task has another function"),
        ({"job": "mine"}, "its task has another function and another job"),
    ],
)
def test_the_folder_of_another_job_is_refused(output: Path, change: dict[str, Any], what: str) -> None:
    options = {"rows": ROWS, "task": classify, "output": output, "key": "id", "progress": False}
    run(**options)
    before = sorted(output.iterdir())
    with pytest.raises(OtherJobError) as caught:
        run(**{**options, **change})
    assert what in str(caught.value)
    assert sorted(output.iterdir()) == before


def test_a_job_with_a_name_goes_on_whatever_its_task_is(output: Path) -> None:
    async def another(row: dict[str, Any]) -> Ticket:
        return Ticket(topic="another")

    run(ROWS[:5], classify, output=output, key="id", job="tickets", progress=False)
    assert run(ROWS, another, output=output, key="id", job="tickets", progress=False).skipped == 5


def test_a_folder_with_other_files_is_refused(output: Path) -> None:
    output.mkdir()
    (output / "holiday.jpg").write_bytes(b"")
    with pytest.raises(BatchOutputError, match=r"holds other files \(holiday.jpg\)"):
        run(ROWS, classify, output=output, progress=False)
    assert [file.name for file in output.iterdir() if not file.name.startswith("_")] == ["holiday.jpg"]


def test_a_file_in_place_of_the_folder_is_refused(output: Path) -> None:
    output.write_text("")
    with pytest.raises(BatchOutputError, match="cannot be used"):
        run(ROWS, classify, output=output, progress=False)


def test_a_folder_in_which_a_job_runs_is_refused(output: Path) -> None:
    output.mkdir()
    with locked(output), pytest.raises(FolderInUseError, match="Another process is running a job"):
        run(ROWS, classify, output=output, progress=False)


@pytest.mark.parametrize(
    ("options", "error", "what"),
    [
        ({"engine": "cluster"}, BatchTaskError, "engine must be"),
        ({"rows_in_flight": 0}, BatchTaskError, "must be at least 1"),
        ({"max_failures": 1.5}, BatchTaskError, "a share"),
        ({"max_cost": -1}, BatchTaskError, "max_cost must be a positive number"),
        ({"key": "nothing"}, BatchInputError, "no column 'nothing' for a key. They have id, text"),
        ({"rows": []}, BatchInputError, "There are no rows"),
        ({"rows": iter([])}, BatchInputError, "There are no rows"),
        ({"rows": 5}, BatchInputError, "rows must be dicts, or the paths of files that hold rows, not an int"),
        ({"rows": "nowhere.csv"}, BatchInputError, "There is no file nowhere.csv"),
        ({"rows": [{"id": 1, "text": "", "cost": 3}]}, BatchInputError, "columns of the output: cost"),
        ({"rows": [{"id": 1, "topic": ""}]}, BatchInputError, "the answer's: topic"),
        ({"prompt": "{text}"}, BatchTaskError, "a function asks by itself"),
        ({"task": 5}, BatchTaskError, "must be a LangChain runnable, a LlamaIndex program or LLM, or a function"),
    ],
)
def test_what_makes_no_sense_is_said_before_the_first_call(
    output: Path, options: dict[str, Any], error: type[Exception], what: str
) -> None:
    with pytest.raises(error, match=what):
        run(**{"rows": ROWS, "task": classify, "output": output, "key": "id", "progress": False, **options})
    assert not output.exists()


def test_an_answer_that_does_not_fit_its_columns_is_a_failure_with_the_answer_in_it(output: Path) -> None:
    async def odd(row: dict[str, Any]) -> dict[str, Any]:
        return {"topic": {0: "fine", 1: 7, 2: "\ud800"}[row["id"]], "urgent": False}

    result = run(ROWS[:3], odd, output=output, key="id", answer_type=Ticket, progress=False)
    assert (result.answered, result.failed) == (1, 2)
    fine, number, half = results(output)
    assert (fine["topic"], fine["error_type"]) == ("fine", None)
    assert number["topic"] is None
    assert '"topic":7' in number["error"]
    assert half["error_type"] is not None


def test_a_task_that_changes_its_row_changes_no_output(output: Path) -> None:
    async def careless(row: dict[str, Any]) -> str:
        row["text"] = row.pop("id")
        return "done"

    run(ROWS[:3], careless, output=output, key="id", progress=False)
    assert [row["text"] for row in results(output)] == ["ticket 0", "ticket 1", "ticket 2"]


def test_rows_under_way_are_bounded(output: Path) -> None:
    now = most = 0

    async def count(row: dict[str, Any]) -> str:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.001)
        now -= 1
        return "done"

    run(ROWS, count, output=output, key="id", rows_in_flight=3, progress=False)
    assert most == 3


def test_it_runs_where_a_loop_runs_already(output: Path) -> None:
    async def notebook() -> int:
        return run(ROWS, classify, output=output, key="id", progress=False).answered

    assert asyncio.run(notebook()) == 20


def test_many_files_are_written_and_read_as_one(output: Path) -> None:
    rows = [{"id": number} for number in range(1000)]

    async def double(row: dict[str, Any]) -> str:
        await asyncio.sleep(0)
        return str(2 * row["id"])

    run(rows, double, output=output, key="id", rows_per_file=100, progress=False)
    assert 5 <= len(list(output.glob("part-*.parquet"))) <= 10
    assert [row["answer"] for row in results(output)] == [str(2 * number) for number in range(1000)]
    assert run(rows, double, output=output, key="id", progress=False).skipped == 1000


class TestLimits:
    @pytest.mark.parametrize(("limit", "most"), [(4, 5), (0, 1)])
    def test_a_count_of_failures(self, server: Emulator, output: Path, limit: int, most: int) -> None:
        server.reply(Failure(400))
        with pytest.raises(JobStoppedError, match=f"max_failures={limit}") as caught:
            run(ROWS, asker(server), output=output, key="id", max_failures=limit, rows_in_flight=1, progress=False)
        assert (caught.value.stopped_because, caught.value.result.failed) == ("max_failures", most)
        assert len(results(output)) == len(server.requests) == most

    def test_a_share_of_failures(self, output: Path) -> None:
        async def sometimes(row: dict[str, Any]) -> str:
            return str(1 // (row["id"] % 10))

        rows = [{"id": number} for number in range(400)]
        assert run(rows, sometimes, output=output, key="id", max_failures=0.2, progress=False).failed == 40
        with pytest.raises(JobStoppedError) as caught:
            run(rows, sometimes, output=output.with_name("other"), key="id", max_failures=0.05, progress=False)
        assert 100 <= caught.value.result.answered + caught.value.result.failed < 400

    def test_a_cost_stops_before_the_call_that_would_pass_it(self, server: Emulator, output: Path) -> None:
        server.reply(Answer("x", usage={"prompt_tokens": 6, "completion_tokens": 4, "total_tokens": 10, "cost": 0.1}))
        options = {"output": output, "key": "id", "progress": False}
        with pytest.raises(JobStoppedError, match="max_cost=0\\.55: 5 rows were done") as caught:
            run(ROWS, asker(server), max_cost=0.55, **options)
        assert caught.value.result.cost == pytest.approx(0.5)
        assert len(server.requests) == len(results(output)) == 5
        # What was spent stays spent when the job goes on.
        with pytest.raises(JobStoppedError, match="2 rows were done"):
            run(ROWS, asker(server), max_cost=0.75, **options)
        with pytest.raises(JobStoppedError, match="max_tokens=100: 3 rows were done"):
            run(ROWS, asker(server), max_tokens=100, **options)
        assert len(server.requests) == len(results(output)) == 10
        assert run(ROWS, asker(server), **options).answered == 10

    def test_what_a_forgotten_failure_cost_stays_spent(self, server: Emulator, output: Path) -> None:
        usage = {"prompt_tokens": 6, "completion_tokens": 4, "total_tokens": 10, "cost": 0.1}
        server.reply(Answer("x", usage=usage))
        ask = asker(server)

        async def odd(row: dict[str, Any]) -> str:
            text: str = await ask(row)
            raise ValueError(text)

        options = {"output": output, "key": "id", "job": "odd", "progress": False}
        run(ROWS[:3], odd, **options)
        run(ROWS[:3], ask, **options)
        assert not list(output.glob("failed-*"))
        with pytest.raises(JobStoppedError, match="1 rows were done"):
            run(ROWS, ask, max_cost=0.75, **options)


PROGRAM = """
import resource, sys
from gumloop_batch import run

async def ask(row) -> str:
    return "yes"

rows = ({"id": number, "text": f"ticket {number}" * 150} for number in range(int(sys.argv[2])))
run(rows, ask, output=sys.argv[1], key="id", rows_per_file=2_000, progress=False)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="other systems count the peak of memory in other units"
)
def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    """Measured as the process's peak: Arrow's memory is none of Python's. benchmarks/load.py has a million rows."""

    def peak(rows: int) -> int:
        command = [sys.executable, "-c", PROGRAM, str(tmp_path / str(rows)), str(rows)]
        return int(subprocess.run(command, capture_output=True, text=True, check=True, timeout=50).stdout)

    assert peak(30_000) - peak(6_000) < 20_000  # KiB; the texts of 24,000 rows are 45 MB


@pytest.mark.skipif(sys.platform == "win32", reason="this system has no limit on the size of files")
def test_a_full_disk_loses_no_answer(server: Emulator, output: Path) -> None:
    """A limit on the size of files stands for the disk: what is written beyond it fails as on a full one."""
    program = f"""
import resource, signal, sys
from tests.batch.jobs import ask, tickets
from gumloop_batch import run, BatchOutputError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4_300_000, 4_300_000))
rows = [{{**row, "padding": "x" * 100_000}} for row in tickets(60)]
try:
    run(rows, ask, output={str(output)!r}, key="id", rows_in_flight=4, progress=False)
except BatchOutputError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=50, env=dict(os.environ)
    )
    assert "Nothing more can be written" in done.stdout, done.stderr
    assert "All answers that came are saved" in done.stdout
    kept = len(results(output))
    assert 0 < kept < 60
    assert len(server.requests) == kept
