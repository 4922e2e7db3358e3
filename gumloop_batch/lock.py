"""One job at a time in a folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gumloop_batch.errors import BatchOutputError, FolderInUseError

NAME = "_lock"

if sys.platform != "win32":
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

else:
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep a folder for this job; the system gives it back when the process ends, however it ends.

    Raises:
        FolderInUseError: If another process has it.
        BatchOutputError: If the lock's file cannot be written.
    """
    try:
        descriptor = os.open(folder / NAME, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise BatchOutputError(f"The output folder {folder} cannot be used: {error}.") from error
    try:
        try:
            _lock(descriptor)
        except OSError as error:
            raise FolderInUseError(
                f"Another process is running a job in {folder}. Wait for its end, or give another folder."
            ) from error
        yield
    finally:
        os.close(descriptor)
