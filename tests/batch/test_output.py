"""The output folder, as it is found after whatever happened."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from gumloop_batch import BatchOutputError, read_results, run
from gumloop_batch.column_values import encode_row
from gumloop_batch.journal import Journal
from gumloop_batch.keys import row_ids
from gumloop_batch.manifest import read_manifest
from gumloop_batch.output import OutputFolder

ROWS = [{"id": number} for number in range(8)]


async def double(row: dict[str, Any]) -> str:
    return str(2 * row["id"])


async def fail(row: dict[str, Any]) -> str:
    raise ValueError(f"no {row['id']}")


def job(output: Path, rows: list[dict[str, int]], task: Any) -> Any:
    return run(rows, task, output=output, key="id", job="x", progress=False)


def folder(output: Path) -> OutputFolder:
    manifest = read_manifest(output)
    assert manifest is not None
    return OutputFolder(output, manifest.schema, ["answer"])


def left_journal(output: Path, number: int, rows: dict[int, str | None]) -> Path:
    """Leave a journal as a run that was killed does: answers, and `None` for a failure."""
    row_id = row_ids(["id"], ["id"])
    lines = [
        encode_row({"id": key, "answer": answer, "error_type": None if answer else "E", "row_id": row_id({"id": key})})
        for key, answer in rows.items()
    ]
    journal = Journal(output / f"_journal-{number:04d}-local-00001")
    journal.append(lines)
    journal.close()
    return journal.path


def seen(output: Path) -> dict[int, str | None]:
    table = read_results(output, ["id", "answer"])
    assert table.num_rows == len(set(table["id"].to_pylist()))
    return {row["id"]: row["answer"] for row in table.to_pylist()}


def test_journals_are_read_and_made_into_files_by_the_next_run(output: Path) -> None:
    job(output, ROWS[:2], double)
    left_journal(output, 2, {2: "four", 3: None})
    assert seen(output) == {0: "0", 1: "2", 2: "four", 3: None}
    assert job(output, ROWS, double).skipped == 3
    assert seen(output) == {0: "0", 1: "2", 2: "four", **{number: str(2 * number) for number in range(3, 8)}}
    assert sorted(output.glob("_journal*")) == sorted(output.glob("failed*")) == []
    assert pyarrow.parquet.read_table(output).num_rows == 8


def test_a_crash_while_files_are_made_of_a_journal_makes_no_row_twice(output: Path) -> None:
    job(output, ROWS[:2], double)
    path = left_journal(output, 2, {2: "four", 3: None})
    content = path.read_bytes()
    folder(output).fold(path)
    path.write_bytes(content)  # the files are there, and the journal was not removed yet
    assert seen(output) == {0: "0", 1: "2", 2: "four", 3: None}
    assert job(output, ROWS[:3], double).skipped == 3
    assert pyarrow.parquet.read_table(output).num_rows == 4


def test_the_last_of_several_failures_counts(output: Path) -> None:
    job(output, ROWS[:3], fail)
    left_journal(output, 2, {1: None})
    left_journal(output, 3, {0: "zero"})
    by_id = {row["id"]: row for row in read_results(output).to_pylist()}
    assert by_id[0]["answer"] == "zero"
    assert by_id[1]["error_type"] == "E"
    assert by_id[2]["error"] == "no 2"


def test_failures_that_are_not_asked_again_stay(output: Path) -> None:
    job(output, ROWS, fail)
    job(output, ROWS[:3], double)
    (failed,) = output.glob("failed-*.parquet")
    assert pyarrow.parquet.read_table(failed)["id"].to_pylist() == list(range(3, 8))
    assert seen(output) == {0: "0", 1: "2", 2: "4", **dict.fromkeys(range(3, 8))}


def test_half_written_files_are_no_results(output: Path) -> None:
    job(output, ROWS[:2], double)
    (output / ".part-0002-local-00001.parquet").write_bytes(b"PAR1 and then nothing")
    assert seen(output) == {0: "0", 1: "2"}
    assert job(output, ROWS, double).answered == 6


def test_results_of_a_folder_that_has_none(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(BatchOutputError, match="holds no results of a job"):
            read_results(path)


def test_columns_that_are_not_there(output: Path) -> None:
    job(output, ROWS, double)
    assert read_results(output, ["answer"]).column_names == ["answer"]
    with pytest.raises(BatchOutputError, match="has no columns nothing, but id, answer"):
        read_results(output, ["nothing"])


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"version": 9, "schema": "", "key": null, "task": {}}'])
def test_a_manifest_that_cannot_be_read(output: Path, content: str) -> None:
    output.mkdir()
    (output / "_job.json").write_text(content)
    with pytest.raises(BatchOutputError, match=r"_job.json cannot be read"):
        job(output, ROWS, double)


def test_a_damaged_file_of_results_is_said_before_the_first_call(output: Path) -> None:
    job(output, ROWS[:2], double)
    (path,) = output.glob("part-*")
    path.write_bytes(b"nothing")
    asked = []
    with pytest.raises(BatchOutputError):
        job(output, ROWS, asked.append)
    assert asked == []
    with pytest.raises(BatchOutputError, match="cannot be read"):
        read_results(output)


def test_what_was_spent_is_the_sum_of_all_rows(output: Path) -> None:
    job(output, ROWS[:2], double)
    found = folder(output)
    rows = [{"id": 7, "cost": 0.5, "input_tokens": 3, "output_tokens": 4, "row_id": bytes(16)}]
    pyarrow.parquet.write_table(pa.Table.from_pylist(rows, schema=found.schema), output / "failed-0001-x-00001.parquet")
    (output / "_forgotten.json").write_text(json.dumps({"cost": 0.25, "tokens": 1}))
    assert found.spent() == (0.75, 8)
    assert found.rows_of(1) == (2, 1)
    assert found.rows_of(2) == (0, 0)
