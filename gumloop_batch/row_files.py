"""Rows in Parquet, CSV and JSONL files."""

from __future__ import annotations

import glob
import gzip
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from pydantic_core import from_json

from gumloop_batch.errors import BatchInputError
from gumloop_core.shown import named, shown

PIECE = 1024
"""Rows that are read and held at a time."""

_CSV_BLOCK = 8 << 20  # bytes; a row must fit
_KINDS = (".parquet", ".pq", ".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")


class RowFiles:
    """Files that hold rows, each of them a part.

    CSV has no types, so all its columns are text, to the letter: ``007`` stays ``007``, and an empty field is an empty
    text. Parquet has types. JSONL has those of its values.

    Attributes:
        names: The files' paths.
    """

    def __init__(self, paths: Iterable[str | os.PathLike[str]]) -> None:
        self.names: Sequence[str] = [str(path) for given in paths for path in _found(os.fspath(given))]

    def schema(self, part: int) -> pa.Schema:
        """A file's columns."""
        path = self.names[part]
        try:
            if _is(path, "parquet", "pq"):
                schema: pa.Schema = pyarrow.parquet.read_schema(path)
                return schema.remove_metadata()
            if _is(path, "csv"):
                return pa.schema([(name, pa.string()) for name in _csv_names(path)])
            common = pa.schema([])
            for batch in _json_batches(path, None):
                common = pa.unify_schemas([common, batch.schema], promote_options="permissive")
            return common
        except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
            raise _unreadable(path, error) from error

    def pieces(self, part: int, schema: pa.Schema, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Read a file, about a thousand rows at a time."""
        path = self.names[part]
        try:
            for batch in _batches(path, schema, columns):
                yield from (
                    conformed(batch.slice(start, PIECE), schema, columns) for start in range(0, batch.num_rows, PIECE)
                )
        except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
            raise _unreadable(path, error) from error


def conformed(batch: pa.RecordBatch, schema: pa.Schema, columns: Sequence[str] | None) -> pa.RecordBatch:
    """A batch with the columns of a schema, or some of them: in its order, of its types, null where it lacks them."""
    wanted = chosen(schema, columns)
    if batch.schema.equals(wanted):
        return batch
    there = set(batch.schema.names)
    return pa.RecordBatch.from_arrays(
        [
            batch.column(field.name).cast(field.type)
            if field.name in there
            else pa.nulls(batch.num_rows, type=field.type)
            for field in wanted
        ],
        schema=wanted,
    )


def chosen(schema: pa.Schema, columns: Sequence[str] | None) -> pa.Schema:
    """Some columns of a schema, or all."""
    return schema if columns is None else pa.schema([schema.field(name) for name in columns])


def batch_of(rows: Sequence[object], schema: pa.Schema | None, where: str) -> pa.RecordBatch:
    """Dicts as a batch.

    Args:
        rows: The dicts; a column that one of them lacks is null there.
        schema: The columns; ``None`` to take them from the values.
        where: What to call the first row in an error.

    Raises:
        BatchInputError: If one is no dict, or a column's values have no type in common that Arrow knows.
    """
    for place, row in enumerate(rows):
        if not isinstance(row, dict):
            raise BatchInputError(f"Rows must be dicts, but {place} rows after {where} there is {named(row)}.")
    dicts: list[dict[str, object]] = rows  # type: ignore[assignment]  # each was looked at
    names = list(dict.fromkeys(name for row in dicts for name in row)) if schema is None else schema.names
    arrays = []
    for name in names:
        if not isinstance(name, str):
            raise BatchInputError(f"The names of columns must be texts; at {where} or below there is {shown(name)}.")
        kind = None if schema is None else schema.field(name).type
        try:
            arrays.append(pa.array([row.get(name) for row in dicts], type=kind))
        except (pa.ArrowException, OverflowError, ValueError, TypeError) as error:
            raise BatchInputError(
                f"The column {name!r} has values that do not go together, or that cannot be saved, "
                f"in one of the {len(dicts)} rows from {where} on: {error}"
            ) from error
    return pa.RecordBatch.from_arrays(arrays, names=list(names))


def _found(given: str) -> list[Path]:
    """The files that a path, a folder or a glob means, sorted."""
    path = Path(given)
    if path.is_dir():
        files = [file for file in sorted(path.iterdir()) if _is_rows(file) and file.name[0] not in "._"]
        if not files:
            raise BatchInputError(f"The folder {given} holds no file of rows ({', '.join(_KINDS)}).")
        return files
    files = [path] if path.exists() else sorted(Path(name) for name in glob.glob(given, recursive=True))
    if not files:
        raise BatchInputError(f"There is no file {given}.")
    for file in files:
        if not _is_rows(file):
            raise BatchInputError(f"{file} is not a file of rows by its name: it must end in {', '.join(_KINDS)}.")
    return files


def _is_rows(path: Path) -> bool:
    return path.name.lower().endswith(_KINDS)


def _is(path: str, *kinds: str) -> bool:
    return path.lower().removesuffix(".gz").endswith(tuple(f".{kind}" for kind in kinds))


def _batches(path: str, schema: pa.Schema, columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
    if _is(path, "parquet", "pq"):
        with pyarrow.parquet.ParquetFile(path) as file:
            wanted = None if columns is None else [name for name in columns if name in file.schema_arrow.names]
            yield from file.iter_batches(batch_size=PIECE, columns=wanted)
    elif _is(path, "csv"):
        yield from _csv(path, _csv_names(path))
    else:
        yield from _json_batches(path, schema)


def _csv(path: str, names: Sequence[str] | None) -> pyarrow.csv.CSVStreamingReader:
    """Open a CSV file; with the names of its columns, these are read as text."""
    types = {name: pa.string() for name in names or ()}
    return pyarrow.csv.open_csv(
        path,
        read_options=pyarrow.csv.ReadOptions(block_size=_CSV_BLOCK, use_threads=False),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(column_types=types, strings_can_be_null=False),
    )


def _csv_names(path: str) -> list[str]:
    with _csv(path, None) as reader:
        names: list[str] = reader.schema.names
    if len(set(names)) < len(names):
        raise BatchInputError(f"{path} has several columns of one name: {', '.join(names)}.")
    return names


def _json_batches(path: str, schema: pa.Schema | None) -> Iterator[pa.RecordBatch]:
    with gzip.open(path) if path.lower().endswith(".gz") else open(path, "rb") as file:
        rows: list[object] = []
        first = 1
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                rows.append(from_json(line))
            except ValueError as error:
                raise BatchInputError(f"Line {number} of {path} is not JSON: {error}") from None
            if len(rows) == PIECE:
                yield batch_of(rows, schema, f"line {first} of {path}")
                rows, first = [], number + 1
        if rows:
            yield batch_of(rows, schema, f"line {first} of {path}")


def _unreadable(path: str, error: Exception) -> BatchInputError:
    return BatchInputError(f"{path} cannot be read: {error}")
