"""Rows from iterables and tables."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from gumloop_batch.errors import BatchInputError
from gumloop_batch.row_files import PIECE
from gumloop_batch.rows import RowSource, common_schema, find_rows


def read(source: RowSource) -> list[dict[str, Any]]:
    schema = common_schema(source)
    return [
        row for part in range(len(source.names)) for piece in source.pieces(part, schema) for row in piece.to_pylist()
    ]


MANY = [{"id": number, "late": "x" if number > 2 * PIECE else None} for number in range(10 * PIECE)]


@pytest.mark.parametrize("given", [list, iter, lambda rows: (row for row in rows), pa.Table.from_pylist])
def test_rows_are_read_twice_from_whatever_they_are(tmp_path: Path, given: Any) -> None:
    source = find_rows(given(MANY), tmp_path / "spool")
    assert read(source) == read(source) == MANY
    pieces = list(source.pieces(0, common_schema(source)))
    assert max(piece.num_rows for piece in pieces) <= PIECE


def test_a_column_that_a_row_lacks_is_null(tmp_path: Path) -> None:
    rows = [{"a": 1}, {"b": "x"}, {"a": 2, "b": "y", "c": 1.5}]
    assert read(find_rows(rows, tmp_path)) == [
        {"a": 1, "b": None, "c": None},
        {"a": None, "b": "x", "c": None},
        {"a": 2, "b": "y", "c": 1.5},
    ]


def test_values_keep_their_types(tmp_path: Path) -> None:
    row = {
        "when": datetime.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=datetime.UTC),
        "day": datetime.date(2026, 1, 2),
        "raw": b"\x00\xff",
        "nested": {"list": [1, 2], "text": "x"},
        "flag": True,
        "number": 1.5,
    }
    assert read(find_rows([row], tmp_path)) == [row]
    assert read(find_rows(iter([row]), tmp_path)) == [row]


def test_whole_numbers_and_others_go_together(tmp_path: Path) -> None:
    rows = [{"n": 1}] * PIECE + [{"n": 1.5}]
    assert common_schema(find_rows(rows, tmp_path)).field("n").type == pa.float64()
    assert common_schema(find_rows(iter(rows), tmp_path)).field("n").type == pa.float64()


@pytest.mark.parametrize("given", [list, iter])
@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ([{"n": 1}, {"n": "x"}], "column 'n' has values that do not go together"),
        ([{"n": 1}] * PIECE + [{"n": "x"}], "row"),
        ([{"n": object()}], "column 'n' has values"),
        ([{"n": 1}, "x"], "there is a str"),
        ([{1: 1}], "must be texts"),
    ],
)
def test_what_has_no_columns_is_refused(tmp_path: Path, rows: list[Any], what: str, given: Any) -> None:
    with pytest.raises(BatchInputError, match=what):
        common_schema(find_rows(given(rows), tmp_path))


def test_an_iterator_that_raises_says_so_itself(tmp_path: Path) -> None:
    def rows() -> Any:
        yield {"n": 1}
        raise RuntimeError("the source is gone")

    with pytest.raises(RuntimeError, match="the source is gone"):
        find_rows(rows(), tmp_path)


def test_a_table_of_pandas(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed", exc_type=ImportError)
    frame = pandas.DataFrame({"id": [1, 2], "text": ["a", "b"]})
    assert read(find_rows(frame, tmp_path)) == [{"id": 1, "text": "a"}, {"id": 2, "text": "b"}]
