"""Where rows come from: files, tables and iterables, read piece by piece."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Protocol, TypeAlias

import pyarrow as pa

from gumloop_batch.column_values import plain_type
from gumloop_batch.errors import BatchInputError
from gumloop_batch.files import write_parquet
from gumloop_batch.row_files import PIECE, RowFiles, batch_of, chosen, conformed
from gumloop_core.shown import named

Rows: TypeAlias = "Iterable[Mapping[str, object]] | Iterable[str | os.PathLike[str]] | str | os.PathLike[str]"
"""What a job takes: dicts, or paths, folders and globs of Parquet, CSV and JSONL files."""

_SPOOLED = 8 * PIECE  # rows of one file, of those that rows are written to which can be read only once


class RowSource(Protocol):
    """Rows that can be read more than once, in the same order each time."""

    @property
    def names(self) -> Sequence[str]:
        """What to call the parts that can be read by themselves."""

    def schema(self, part: int) -> pa.Schema:
        """A part's columns.

        Raises:
            BatchInputError: If it cannot be read.
        """

    def pieces(self, part: int, schema: pa.Schema, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Read a part, about a thousand rows at a time.

        Args:
            part: Which of :attr:`names`.
            schema: The columns of all rows; what a part lacks of them is null.
            columns: Which of them to read; ``None`` for all.

        Raises:
            BatchInputError: If it cannot be read.
        """


def find_rows(rows: Rows, spool: Path, *, all_in_files: bool = False) -> RowSource:
    """Find out where the rows are.

    Args:
        rows: Dicts, a table, or paths.
        spool: A folder that rows are written to which can be read only once. It may not be there yet.
        all_in_files: Whether to write all rows there that are not in files yet, for other machines to read.

    Raises:
        BatchInputError: If they are nothing that has rows, or there is no such file.
    """
    if isinstance(rows, (str, os.PathLike)):
        return RowFiles([rows])
    if hasattr(rows, "__arrow_c_stream__"):  # pandas, Polars, DuckDB, Arrow: tables in memory, which stay there
        table = pa.table(rows)
        return _spooled(_dicts_of(table), spool) if all_in_files else Table(table)
    if isinstance(rows, Mapping) or not isinstance(rows, Iterable):
        raise BatchInputError(f"rows must be dicts, or the paths of files that hold rows, not {named(rows)}.")
    if isinstance(rows, Sequence) and rows and all(isinstance(row, (str, os.PathLike)) for row in rows):
        return RowFiles(rows)
    if isinstance(rows, Iterator) or all_in_files:
        return _spooled(iter(rows), spool)
    return Dicts(rows)


def common_schema(source: RowSource) -> pa.Schema:
    """The columns of all rows.

    Raises:
        BatchInputError: If parts cannot be read, or have columns of one name and different types.
    """
    common: pa.Schema | None = None
    for part, name in enumerate(source.names):
        schema = source.schema(part)
        common = schema if common is None else _unified(common, schema, name)
    if not common:
        raise BatchInputError("There are no rows.")
    return pa.schema([pa.field(field.name, plain_type(field.type)) for field in common])


def _unified(common: pa.Schema, schema: pa.Schema, name: str) -> pa.Schema:
    common, schema = common.remove_metadata(), schema.remove_metadata()
    if common.equals(schema):
        return common
    try:
        return pa.unify_schemas([common, schema], promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise BatchInputError(f"{name} has other types than the rows before it: {error}") from error


class Dicts:
    """Dicts, in anything that can be gone through again."""

    names: Sequence[str] = ("rows",)

    def __init__(self, rows: Iterable[object]) -> None:
        self._rows = rows

    def schema(self, part: int) -> pa.Schema:
        """The columns of all dicts."""
        common: pa.Schema | None = None
        for first, piece in _numbered(self._rows):
            schema = batch_of(piece, None, f"row {first}").schema
            common = schema if common is None else _unified(common, schema, f"row {first} and what follows")
        return common or pa.schema([])

    def pieces(self, part: int, schema: pa.Schema, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Read the dicts."""
        wanted = chosen(schema, columns)
        for first, piece in _numbered(self._rows):
            yield batch_of(piece, wanted, f"row {first}")


class Table:
    """A table in memory."""

    names: Sequence[str] = ("the table",)

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def schema(self, part: int) -> pa.Schema:
        """The table's columns."""
        return self._table.schema.remove_metadata()

    def pieces(self, part: int, schema: pa.Schema, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Read the table."""
        table = self._table if columns is None else self._table.select(columns)
        for batch in table.to_batches(max_chunksize=PIECE):
            yield conformed(batch, schema, columns)


def _dicts_of(table: pa.Table) -> Iterator[object]:
    for batch in table.to_batches(max_chunksize=PIECE):
        yield from batch.to_pylist()


def _numbered(rows: Iterable[object]) -> Iterator[tuple[int, list[object]]]:
    """Rows in pieces, each with the number of its first row, counted from 0."""
    first, iterator = 0, iter(rows)
    while piece := list(islice(iterator, PIECE)):
        yield first, piece
        first += len(piece)


def _spooled(rows: Iterator[object], spool: Path) -> RowSource:
    """Write rows that can be read only once to files, from which they can be read again."""
    paths: list[str | os.PathLike[str]] = []
    first = 0
    try:
        spool.mkdir(parents=True, exist_ok=True)
        while piece := list(islice(rows, _SPOOLED)):
            batches = [
                batch_of(piece[start : start + PIECE], None, f"row {first + start}")
                for start in range(0, len(piece), PIECE)
            ]
            common = batches[0].schema
            for batch in batches[1:]:
                common = _unified(common, batch.schema, f"a row after row {first}")
            path = spool / f"rows-{len(paths):05d}.parquet"
            write_parquet(pa.Table.from_batches([conformed(batch, common, None) for batch in batches]), path)
            paths.append(path)
            first += len(piece)
    except OSError as error:
        raise BatchInputError(
            f"The rows can be read only once, and could not be written to {spool}: {error}. "
            f"Give a list or files, or an output folder that has room."
        ) from error
    if not paths:
        raise BatchInputError("There are no rows.")
    return RowFiles(paths)
