"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet

UNFINISHED = "."
"""What the names of files begin with that are still being written; readers of Parquet folders leave those out."""


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write a table under another name, and rename it when it is on the disk.

    Raises:
        OSError: If it cannot be written; nothing is left of it then.
    """
    with _whole(path) as file:
        pyarrow.parquet.write_table(table, file, compression="zstd")


def write_text(text: str, path: Path) -> None:
    """Write a text under another name, and rename it when it is on the disk.

    Raises:
        OSError: If it cannot be written; nothing is left of it then.
    """
    with _whole(path) as file:
        file.write(text.encode())


@contextmanager
def _whole(path: Path) -> Iterator[BinaryIO]:
    """A file to write to, which gets its name when it is on the disk."""
    unfinished = path.with_name(f"{UNFINISHED}{path.name}")
    try:
        with unfinished.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        if os.name == "posix":  # elsewhere a folder cannot be opened, and renaming reaches the disk by itself
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    finally:
        unfinished.unlink(missing_ok=True)
