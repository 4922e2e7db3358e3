"""What tells rows apart."""

from __future__ import annotations

import numpy as np

from gumloop_batch.keys import ID_SIZE, among, first_of_each, repeated, row_ids, sorted_ids

IDS = [row_ids(["n"], ["n"])({"n": number}) for number in range(2000)]


def test_ids_tell_values_and_types_apart() -> None:
    row_id = row_ids(["a"], ["a", "b"])
    different = [1, "1", 1.5, None, "None", True, b"1", "ü", "\ud800"]
    assert len({row_id({"a": value, "b": 0}) for value in different}) == len(different)
    assert row_id({"a": 1, "b": 0}) == row_id({"a": 1, "b": 9})


def test_without_a_key_all_columns_count_in_any_order() -> None:
    assert row_ids(None, ["a", "b"])({"a": 1, "b": 2}) == row_ids(None, ["b", "a"])({"b": 2, "a": 1})
    assert row_ids(None, ["a", "b"])({"a": 1, "b": 2}) != row_ids(None, ["a", "b"])({"a": 2, "b": 1})


def test_sixteen_bytes_are_kept_of_each() -> None:
    assert sorted_ids(b"".join(IDS)).nbytes == 2000 * ID_SIZE


def test_ids_with_zero_bytes_at_their_ends_are_told_apart() -> None:
    """NumPy leaves out zero bytes at the end of a text, but not when it compares."""
    ids = [bytes(16), bytes(15) + b"\1", b"\1" + bytes(15), b"\1\0\1" + bytes(13)]
    known = sorted_ids(b"".join(ids[::2]))
    assert among(ids, known).tolist() == [True, False, True, False]


def test_finding_ids() -> None:
    known = sorted_ids(b"".join(IDS[::3]))
    assert among(IDS, known).tolist() == [number % 3 == 0 for number in range(2000)]
    assert not among(IDS, sorted_ids(b"")).any()
    assert among([], known).tolist() == []
    assert among(known, known).all()


def test_repeated_and_first_ones() -> None:
    ids = [*IDS[:5], *IDS[2:4], IDS[2]]
    assert set(repeated(sorted_ids(b"".join(ids))).tolist()) == set(IDS[2:4])
    assert first_of_each(ids).tolist() == [True] * 5 + [False] * 3
    assert first_of_each([]).dtype == np.bool_
