"""What is found out about the rows before the first call: columns, how many, whether keys come twice, what is done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from gumloop_batch.errors import BatchInputError, DuplicateKeysError
from gumloop_batch.keys import Digests, among, repeated, row_ids, sorted_ids
from gumloop_batch.rows import RowSource, common_schema
from gumloop_core.shown import shown

_SHOWN = 5  # keys that come again


@dataclass(frozen=True, slots=True)
class Survey:
    """A job's rows, as they were found.

    Attributes:
        source: Where they are.
        schema: Their columns.
        key: The columns that tell them apart; ``None`` for all.
        ids: What tells them apart, sorted.
    """

    source: RowSource
    schema: pa.Schema
    key: list[str] | None
    ids: Digests

    def remaining(self, answered: Digests) -> Iterator[pa.RecordBatch]:
        """The rows that have no answer yet, read as they are needed.

        Args:
            answered: The ids of those that have one.
        """
        for part in range(len(self.source.names)):
            yield from self.remaining_of(part, answered)

    def remaining_of(self, part: int, answered: Digests) -> Iterator[pa.RecordBatch]:
        """The rows of a part that have no answer yet."""
        row_id = row_ids(self.key, self.schema.names)
        for piece in self.source.pieces(part, self.schema):
            if not len(answered):
                yield piece
                continue
            columns = piece if self.key is None else piece.select(self.key)
            is_done = among((row_id(row) for row in columns.to_pylist()), answered)
            yield piece.filter(pa.array(~is_done))


def survey(source: RowSource, key: list[str] | None) -> Survey:
    """Go through all rows once.

    Raises:
        BatchInputError: If they cannot be read, there are none, or they have no such key.
        DuplicateKeysError: If keys come twice.
    """
    schema = common_schema(source)
    if missing := [name for name in key or () if name not in schema.names]:
        raise BatchInputError(f"The rows have no column {missing[0]!r} for a key. They have {', '.join(schema.names)}.")
    ids = bytearray()
    for row_id, _ in _identified(source, schema, key):
        ids += row_id
    if not ids:
        raise BatchInputError("There are no rows.")
    found = sorted_ids(ids)
    again = repeated(found)
    if len(again):
        raise _duplicates(source, schema, key, again)
    return Survey(source, schema, key, found)


def _identified(
    source: RowSource, schema: pa.Schema, key: list[str] | None
) -> Iterator[tuple[bytes, dict[str, object]]]:
    row_id = row_ids(key, schema.names)
    for part in range(len(source.names)):
        for piece in source.pieces(part, schema, key):
            for row in piece.to_pylist():
                yield row_id(row), row


def _duplicates(source: RowSource, schema: pa.Schema, key: list[str] | None, again: Digests) -> DuplicateKeysError:
    wanted = set(again.tolist())
    seen: set[bytes] = set()
    shown_keys: list[object] = []
    for row_id, row in _identified(source, schema, key):
        padded = row_id.rstrip(b"\0")  # as NumPy hands them out
        if padded in wanted and padded in seen and len(shown_keys) < _SHOWN:
            wanted.discard(padded)
            shown_keys.append(row if key is None else tuple(row.values()) if len(key) > 1 else row[key[0]])
        seen.add(padded) if padded in wanted else None
    count = int(np.size(again))
    first = "; ".join(shown(value) for value in shown_keys)
    if key is None:
        what = (
            f"{count} rows come more than once. The first: {first}. Leave the copies out, or give a key= that differs"
        )
    else:
        what = f"{count} keys ({', '.join(key)}) come more than once. The first: {first}"
    return DuplicateKeysError(f"{what}. No row was asked.", shown_keys)
