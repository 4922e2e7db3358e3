"""The output folder: Parquet files with what was answered, others with what failed, and journals while a job runs.

A journal becomes a file of each kind when it is long enough, or when the job ends. Its name says which they are, so
that doing it again, after a crash in the middle, does it over. All names that begin with `_` or `.` are left out by
readers of Parquet folders.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet
from pydantic_core import to_json

from gumloop_batch.column_values import row_decoder
from gumloop_batch.columns import ERROR_TYPE, ROW_ID
from gumloop_batch.errors import BatchOutputError
from gumloop_batch.files import write_parquet, write_text
from gumloop_batch.journal import Journal, read_journal
from gumloop_batch.keys import Digests, among, first_of_each, sorted_ids
from gumloop_batch.manifest import read_manifest

_ANSWERED, _FAILED, _JOURNAL = "part-", "failed-", "_journal-"
_FORGOTTEN = "_forgotten.json"
_SPENT = ["cost", "input_tokens", "output_tokens"]
_PIECE = 1024  # rows of a journal that are looked at together
_UNFIT = (pa.ArrowException, OverflowError, ValueError, TypeError)  # what Arrow raises for a value of another type
_NUMBERED = re.compile(r"(?:part|failed|_journal)-(\d+)-")


class OutputFolder:
    """The files of a job's output.

    Attributes:
        path: The folder.
        schema: The columns of its files.
        answer_columns: The names of those that are the answer's.
    """

    def __init__(self, path: Path, schema: pa.Schema, answer_columns: Sequence[str] = ()) -> None:
        self.path, self.schema, self.answer_columns = path, schema, list(answer_columns)

    def next_run(self) -> int:
        """The number of a run that begins now: one above all that left files."""
        return max(map(_run_of, self.path.iterdir()), default=0) + 1

    def answered(self) -> list[Path]:
        """The files of rows that were answered."""
        return sorted(self.path.glob(f"{_ANSWERED}*.parquet"))

    def failed(self) -> list[Path]:
        """The files of rows that failed, those of later runs last."""
        return sorted(self.path.glob(f"{_FAILED}*.parquet"))

    def journals(self) -> list[Path]:
        """The journals that became no files yet."""
        return sorted(self.path.glob(f"{_JOURNAL}*"))

    def rows_of(self, run: int) -> tuple[int, int]:
        """How many rows a run has answered, and how many failed in it, as its files say.

        Raises:
            OSError: If a file cannot be read.
        """
        answered, failed = (
            first_of_each(chain.from_iterable(_ids_in(path) for path in files if _run_of(path) == run))
            for files in (self.answered(), self.failed())
        )
        return int(answered.sum()), int(failed.sum())

    def new_journal(self, run: int, worker: str, number: int) -> Journal:
        """Begin a journal.

        Raises:
            OSError: If that cannot be done.
        """
        return Journal(self.path / f"{_JOURNAL}{run:04d}-{worker}-{number:05d}")

    def fold(self, journal: Path) -> int:
        """Make Parquet files of a journal, and remove it.

        Returns:
            How many answers did not fit their columns; they are kept in the words of an error.

        Raises:
            OSError: If they cannot be written; the journal stays then.
        """
        batches, unfit = self._read(journal)
        name = journal.name.removeprefix(_JOURNAL) + ".parquet"
        for prefix, chosen in ((_ANSWERED, pyarrow.compute.is_null), (_FAILED, pyarrow.compute.is_valid)):
            rows = [batch.filter(chosen(batch[ERROR_TYPE])) for batch in batches]
            if any(batch.num_rows for batch in rows):
                write_parquet(pa.Table.from_batches(rows), self.path / f"{prefix}{name}")
        journal.unlink()
        return unfit

    def read(self, journal: Path) -> pa.Table:
        """A journal's rows.

        Raises:
            OSError: If it cannot be read.
        """
        return pa.Table.from_batches(self._read(journal)[0], self.schema)

    def _read(self, journal: Path) -> tuple[list[pa.RecordBatch], int]:
        """A journal's rows, and how many did not fit."""
        put_back = row_decoder(self.schema)
        rows = read_journal(journal)
        batches: list[pa.RecordBatch] = []
        unfit = 0
        while piece := list(islice(rows, _PIECE)):
            for row in piece:
                put_back(row)
            try:
                batches.append(pa.RecordBatch.from_pylist(piece, schema=self.schema))
            except _UNFIT:
                one_by_one = [self._fitted(row) for row in piece]
                unfit += sum(not fits for _, fits in one_by_one)
                batches += [batch for batch, _ in one_by_one]
        return batches, unfit

    def _fitted(self, row: dict[str, object]) -> tuple[pa.RecordBatch, bool]:
        """A row, or where its answer does not fit its columns, a row with an error that holds it."""
        try:
            return pa.RecordBatch.from_pylist([row], schema=self.schema), True
        except _UNFIT as error:
            answer = {name: row.get(name) for name in self.answer_columns}
            what = f"The answer does not fit its columns: {error}. It is {to_json(answer, fallback=str).decode()}"
            failed = {**row, **dict.fromkeys(answer), ERROR_TYPE: type(error).__name__, "error": what}
            return pa.RecordBatch.from_pylist([failed], schema=self.schema), False

    def answered_ids(self) -> Digests:
        """The ids of all rows that have an answer, those in journals too.

        Raises:
            OSError: If a file cannot be read.
        """
        ids = bytearray()
        for path in self.answered():
            with pyarrow.parquet.ParquetFile(path) as file:
                for batch in file.iter_batches(columns=[ROW_ID]):
                    _extend(ids, batch.column(0))
        for path in self.journals():
            for batch in self._read(path)[0]:
                _extend(ids, batch.filter(pyarrow.compute.is_null(batch[ERROR_TYPE]))[ROW_ID])
        return sorted_ids(ids)

    def forget_failures(self) -> None:
        """Take away failures of rows that were answered or failed again since.

        Raises:
            OSError: If a file cannot be read or written.
        """
        files = self.failed()[::-1]
        if not files:
            return
        ids = [_ids_in(path) for path in files]
        kept = first_of_each(chain.from_iterable(ids)) & ~among(chain.from_iterable(ids), self.answered_ids())
        self._remember_spent(files, kept)
        start = 0
        for path, count in zip(files, map(len, ids), strict=True):
            chosen, start = kept[start : start + count], start + count
            if not chosen.any():
                path.unlink()
            elif not chosen.all():
                write_parquet(pyarrow.parquet.read_table(path, partitioning=None).filter(pa.array(chosen)), path)

    def spent(self) -> tuple[float, int]:
        """USD and tokens that all runs have spent, those on failures that were forgotten too.

        Raises:
            OSError: If a file cannot be read.
        """
        cost, tokens = self._spent_on_forgotten()
        for path in (*self.answered(), *self.failed()):
            more_cost, more_tokens = _sums(pyarrow.parquet.read_table(path, columns=_SPENT, partitioning=None))
            cost, tokens = cost + more_cost, tokens + more_tokens
        return cost, tokens

    def _spent_on_forgotten(self) -> tuple[float, int]:
        try:
            held = json.loads((self.path / _FORGOTTEN).read_text(encoding="utf-8"))
            return float(held["cost"]), int(held["tokens"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return 0.0, 0

    def _remember_spent(self, files: Sequence[Path], kept: npt.NDArray[np.bool_]) -> None:
        """Note what the rows of failures cost that are about to be taken away: the budget was spent on them."""
        tables = [pyarrow.parquet.read_table(path, columns=_SPENT, partitioning=None) for path in files]
        cost, tokens = _sums(pa.concat_tables(tables).filter(pa.array(~kept)))
        if cost or tokens:
            before_cost, before_tokens = self._spent_on_forgotten()
            held = {"cost": before_cost + cost, "tokens": before_tokens + tokens}
            write_text(json.dumps(held) + "\n", self.path / _FORGOTTEN)


def _run_of(path: Path) -> int:
    """The number of the run that a file is of, 0 for another file."""
    match = _NUMBERED.match(path.name)
    return int(match[1]) if match else 0


def _ids_in(path: Path) -> list[bytes]:
    ids: list[bytes] = pyarrow.parquet.read_table(path, columns=[ROW_ID], partitioning=None)[ROW_ID].to_pylist()
    return ids


def _sums(table: pa.Table) -> tuple[float, int]:
    cost, *tokens = (pyarrow.compute.sum(table[name]).as_py() or 0 for name in _SPENT)
    return float(cost), sum(tokens)


def read_results(folder: Path | str, columns: Sequence[str] | None = None) -> pa.Table:
    """Read what a job has written so far: one row for each key, its answer or else its last failure.

    A folder whose job has come to its end holds exactly these rows, and any reader of Parquet may read it. This
    function also reads the folder of a job that still runs or was killed.

    Args:
        folder: The output folder.
        columns: Which columns to read; ``None`` for all.

    Returns:
        An Arrow table, in no particular order. It is held in memory; `.to_pandas()` makes a data frame of it.

    Raises:
        BatchOutputError: If the folder holds no job's results, or cannot be read.
    """
    manifest = read_manifest(Path(folder))
    if manifest is None:
        raise BatchOutputError(f"{folder} holds no results of a job.")
    output = OutputFolder(Path(folder), manifest.schema)
    names = list(dict.fromkeys([*(manifest.schema.names if columns is None else columns), ROW_ID, ERROR_TYPE]))
    if unknown := [name for name in names if name not in manifest.schema.names]:
        raise BatchOutputError(f"{folder} has no columns {', '.join(unknown)}, but {', '.join(manifest.schema.names)}.")
    try:
        table = pa.concat_tables([manifest.schema.empty_table().select(names), *_tables(output, names)])
    except (OSError, pa.ArrowException) as error:
        raise BatchOutputError(f"{folder} cannot be read: {error}") from error
    latest = table.filter(pa.array(first_of_each(table[ROW_ID].to_pylist())))
    return latest.select(manifest.schema.names if columns is None else list(columns))


def _tables(output: OutputFolder, names: list[str]) -> Iterator[pa.Table]:
    """All rows, answered ones first, then failures, those of later runs first."""
    journals = [output.read(path) for path in output.journals()]
    for path in output.answered():
        yield pyarrow.parquet.read_table(path, columns=names, partitioning=None)
    for table in journals:
        yield table.filter(pyarrow.compute.is_null(table[ERROR_TYPE])).select(names)
    for table in reversed(journals):
        yield table.filter(pyarrow.compute.is_valid(table[ERROR_TYPE])).select(names)
    for path in reversed(output.failed()):
        yield pyarrow.parquet.read_table(path, columns=names, partitioning=None)


def _extend(ids: bytearray, column: pa.Array) -> None:
    for row_id in column.to_pylist():
        ids += row_id
