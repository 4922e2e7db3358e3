"""The output folder as a place to work in: one job at a time, and nothing of anybody else's in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from gumloop_batch.errors import BatchOutputError
from gumloop_batch.lock import NAME as LOCK
from gumloop_batch.lock import locked

SPOOL = "_rows"
"""The folder in it for rows that can be read only once."""


@contextmanager
def working_folder(path: Path) -> Iterator[Path]:
    """Keep a folder for a job. It is made if it is not there, and goes again if the job could not begin.

    Raises:
        BatchOutputError: If it cannot be used.
        FolderInUseError: If another process has it.
    """
    with folder_errors(path):
        is_new = not path.exists()
        path.mkdir(parents=True, exist_ok=True)
    try:
        with locked(path):
            shutil.rmtree(path / SPOOL, ignore_errors=True)  # of a run that was killed
            try:
                yield path
            finally:
                shutil.rmtree(path / SPOOL, ignore_errors=True)
    except BaseException:
        if is_new and {file.name for file in path.iterdir()} <= {LOCK}:
            shutil.rmtree(path, ignore_errors=True)
        raise


@contextmanager
def folder_errors(folder: Path) -> Iterator[None]:
    """Say of the system's errors, and Arrow's, what they mean for the job.

    Raises:
        BatchOutputError: In their place.
    """
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise BatchOutputError(f"The output folder {folder} cannot be used: {error}.") from error


def check_empty(folder: Path) -> None:
    """Make sure that a folder without a manifest holds nothing of anybody's.

    Raises:
        BatchOutputError: If it does.
    """
    if others := sorted(file.name for file in folder.iterdir() if not file.name.startswith(("_", "."))):
        raise BatchOutputError(
            f"The output folder {folder} holds other files ({', '.join(others[:3])}), and no results of a job. "
            f"Give an empty folder, or one that is not there yet."
        )
