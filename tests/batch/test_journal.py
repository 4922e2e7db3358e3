"""Journals: what is in them outlives whatever happens to the process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gumloop_batch.journal import Journal, read_journal


def test_rows_come_back(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.append([b'{"a":1}', b'{"a":2}'])
    journal.append([b'{"a":"\xc3\xbc\\n"}'])
    # It is read while it is still written, with the room that was taken ahead behind it.
    assert list(read_journal(journal.path)) == [{"a": 1}, {"a": 2}, {"a": "ü\n"}]
    assert (journal.rows, journal.size) == (3, 29)
    journal.sync()
    journal.close()


@pytest.mark.parametrize("cut", range(1, 9))
def test_a_row_that_was_not_written_whole_is_none(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "journal"
    path.write_bytes(b'{"a":1}\n{"a":2}\n'[: 8 + cut])
    assert list(read_journal(path)) == [{"a": 1}, {"a": 2}][: 1 + (cut == 8)]


def test_a_damaged_line_takes_no_other_with_it(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_bytes(b'{"a":1}\n{"a\xff\x00":\n{"a":3}\n')
    assert list(read_journal(path)) == [{"a": 1}, {"a": 3}]


def test_no_journal_is_begun_twice(tmp_path: Path) -> None:
    Journal(tmp_path / "journal").close()
    with pytest.raises(FileExistsError):
        Journal(tmp_path / "journal")


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system takes no room ahead")
def test_answers_in_flight_find_room_on_a_disk_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path / "journal")

    def is_full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", is_full)
    line = b'"' + b"x" * 100_000 + b'"'
    while journal.full is None:
        journal.append([line])
    written = journal.rows
    journal.append([line] * 5)
    assert 20 < written < 40
    assert journal.path.stat().st_size == 4 << 20  # all of it in the room that was taken
    journal.close()


def test_without_room_there_is_no_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def is_full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", is_full, raising=False)
    with pytest.raises(OSError, match="No space left"):
        Journal(tmp_path / "journal")
    assert list(tmp_path.iterdir()) == []
