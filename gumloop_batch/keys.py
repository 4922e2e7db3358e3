"""What tells rows apart: sixteen bytes for each, of its key or of all its columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Row: TypeAlias = dict[str, object]
"""A row: its values by the names of its columns."""

Digests: TypeAlias = npt.NDArray[np.bytes_]
"""Row ids, sorted: sixteen bytes for each and nothing more, so a million rows take 16 MB."""

ID_SIZE = 16
_ID_TYPE = f"S{ID_SIZE}"


def row_ids(key: Sequence[str] | None, columns: Sequence[str]) -> Callable[[Mapping[str, object]], bytes]:
    """The function that tells rows apart.

    Args:
        key: The columns whose values make a row the one it is; ``None`` for all columns.
        columns: All columns.
    """
    # Sorted, so that a file with its columns in another order has the same rows.
    names = sorted(columns) if key is None else list(key)

    def row_id(row: Mapping[str, object]) -> bytes:
        # Values come out of Arrow, so that equal ones are written equally; `repr` keeps 1 and "1" apart.
        return blake2b(
            repr([row[name] for name in names]).encode("utf-8", "surrogatepass"), digest_size=ID_SIZE
        ).digest()

    return row_id


def sorted_ids(ids: bytes | bytearray) -> Digests:
    """Row ids that lie one behind the other, sorted."""
    digests = np.frombuffer(ids, dtype=_ID_TYPE).copy()
    digests.sort()
    return digests


def repeated(ids: Digests) -> Digests:
    """Those of sorted ids that come more than once."""
    return np.unique(ids[1:][ids[1:] == ids[:-1]])


def among(ids: Iterable[bytes] | Digests, known: Digests) -> npt.NDArray[np.bool_]:
    """Which of the ids are among sorted ones."""
    asked = ids if isinstance(ids, np.ndarray) else np.array(list(ids), dtype=_ID_TYPE)
    if not len(known):
        return np.zeros(len(asked), dtype=np.bool_)
    places = np.minimum(np.searchsorted(known, asked), len(known) - 1)
    return np.asarray(known[places] == asked, dtype=np.bool_)


def first_of_each(ids: Iterable[bytes]) -> npt.NDArray[np.bool_]:
    """Which of the ids were not among those before them."""
    given = np.array(list(ids), dtype=_ID_TYPE)
    _, places = np.unique(given, return_index=True)
    is_first = np.zeros(len(given), dtype=np.bool_)
    is_first[places] = True
    return is_first
