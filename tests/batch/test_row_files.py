"""Rows in files."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from gumloop_batch.errors import BatchInputError
from gumloop_batch.row_files import PIECE, RowFiles
from gumloop_batch.rows import common_schema


def read(*paths: Any) -> list[dict[str, Any]]:
    source = RowFiles(paths)
    schema = common_schema(source)
    return [
        row for part in range(len(source.names)) for piece in source.pieces(part, schema) for row in piece.to_pylist()
    ]


def test_parquet(tmp_path: Path) -> None:
    rows = [{"id": number, "text": f"t{number}"} for number in range(3 * PIECE)]
    pyarrow.parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    assert read(tmp_path / "rows.parquet") == rows


def test_csv_is_text_to_the_letter(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(
        'id,text,empty\n007,"two\nlines, and a ""quote""",\n1e5,NA,x\n', encoding="utf-8"
    )
    assert read(tmp_path / "rows.csv") == [
        {"id": "007", "text": 'two\nlines, and a "quote"', "empty": ""},
        {"id": "1e5", "text": "NA", "empty": "x"},
    ]


def test_jsonl(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"id": 1, "tags": ["a"]}\n\n{"id": 2, "note": "ü"}\n', encoding="utf-8")
    expected = [{"id": 1, "tags": ["a"], "note": None}, {"id": 2, "tags": None, "note": "ü"}]
    assert read(tmp_path / "rows.jsonl") == expected


@pytest.mark.parametrize("name", ["rows.csv.gz", "rows.jsonl.gz"])
def test_packed_files(tmp_path: Path, name: str) -> None:
    text = "id\n1\n" if "csv" in name else '{"id": "1"}\n'
    (tmp_path / name).write_bytes(gzip.compress(text.encode()))
    assert read(tmp_path / name) == [{"id": "1"}]


def test_folders_and_globs_of_all_kinds(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("id\n2\n")
    (tmp_path / "a.jsonl").write_text('{"id": "1", "more": 3}\n')
    (tmp_path / "_hidden.csv").write_text("id\n9\n")
    (tmp_path / "notes.txt").write_text("nothing")
    rows = [{"id": "1", "more": 3}, {"id": "2", "more": None}]
    assert read(tmp_path) == rows
    assert read(str(tmp_path / "[ab].*")) == rows
    assert read(tmp_path / "b.csv", tmp_path / "a.jsonl") == rows[::-1]


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("rows.parquet", b"no parquet", "cannot be read"),
        ("rows.csv", b"a,b\n1,2\n3\n", "cannot be read: CSV parse error: Row #3: Expected 2 columns, got 1"),
        ("rows.csv", b"a\n\xff\n", "cannot be read"),
        ("rows.csv", b"a,a\n1,2\n", "several columns of one name"),
        ("rows.csv", b"", "cannot be read"),
        ("rows.jsonl", b'{"a": 1}\n{"a": \n', "Line 2 of .*rows.jsonl is not JSON"),
        ("rows.jsonl", b"[1]\n", "there is a list"),
        ("rows.jsonl", b'{"a": 1}\n{"a": "x"}\n', "column 'a' has values that do not go together"),
        ("rows.csv.gz", b"no gzip", "cannot be read"),
        ("rows.jsonl.gz", b"no gzip", "cannot be read"),
        ("rows.txt", b"", "must end in"),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, name: str, content: bytes, what: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BatchInputError, match=what):
        read(tmp_path / name)


def test_files_whose_columns_do_not_go_together(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"id": 1}\n')
    (tmp_path / "b.csv").write_text("id\n2\n")
    with pytest.raises(BatchInputError, match="b\\.csv has other types than the rows before it"):
        read(tmp_path)


def test_a_folder_without_rows(tmp_path: Path) -> None:
    with pytest.raises(BatchInputError, match="holds no file of rows"):
        RowFiles([tmp_path])
