"""Answers on the disk from the moment they arrive: a file of JSON lines that is only ever appended to.

What a killed process had not written whole is no line, and is not read back. The room that a few megabytes of answers
need is taken ahead, where the system can do that: on a disk that fills up, the answers of the calls in flight still
have their place.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pydantic_core import from_json

_ROOM = 4 << 20  # bytes that are taken ahead
_KEPT = 1 << 20  # bytes of them that answers in flight shall find
_NOTHING = b"\0"  # what room that was taken ahead reads as


class Journal:
    """A journal that is being written.

    Attributes:
        path: The file.
        rows: How many rows it holds.
        size: How many bytes they take.
        full: Why the disk had no room for what may come, once that is so. What fits can still be appended.
    """

    def __init__(self, path: Path) -> None:
        """Begin a journal.

        Raises:
            OSError: If there cannot be one, or no room for it.
        """
        self.path = path
        self.rows = self.size = 0
        self.full: OSError | None = None
        self._room = 0
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
        try:
            self._take_room(_ROOM)
        except OSError:
            self.close()
            path.unlink(missing_ok=True)
            raise

    def append(self, lines: list[bytes]) -> None:
        """Append rows. They outlive the process from here on, and the machine from the next :meth:`sync` on.

        Args:
            lines: Each row as JSON.

        Raises:
            OSError: If they could not be written; nothing is left of them in the file then.
        """
        data = b"".join([line + b"\n" for line in lines])
        self._take_room_for(len(data))
        try:
            left = data
            while left:
                left = left[os.write(self._file, left) :]
        except OSError:
            os.ftruncate(self._file, self.size)
            os.lseek(self._file, self.size, os.SEEK_SET)
            self._room = self.size
            raise
        self.size += len(data)
        self.rows += len(lines)

    def sync(self) -> None:
        """Have what was appended reach the disk."""
        os.fsync(self._file)

    def close(self) -> None:
        """Close the file, which stays."""
        os.close(self._file)

    def _take_room_for(self, coming: int) -> None:
        if self._room >= self.size + coming + _KEPT or self.full is not None:
            return
        try:
            self._take_room(coming + _ROOM)
        except OSError as error:
            self.full = error  # what comes now may still fit

    def _take_room(self, size: int) -> None:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(self._file, self.size, size)
            self._room = self.size + size


def read_journal(path: Path) -> Iterator[dict[str, object]]:
    """Read a journal's rows, as far as they were written whole.

    Raises:
        OSError: If it cannot be read.
    """
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n") or line.startswith(_NOTHING):
                return
            try:
                row = from_json(line)
            except ValueError:
                continue  # of a machine that lost its power; its row is asked again
            if isinstance(row, dict):
                yield row
