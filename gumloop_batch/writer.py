"""Writes down what comes of the rows: at once into a journal, in time into files."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pyarrow as pa

from gumloop_batch.column_values import encode_row
from gumloop_batch.errors import BatchOutputError
from gumloop_batch.journal import Journal
from gumloop_batch.output import OutputFolder

_T = TypeVar("_T")

_BYTES = 64 << 20  # of a journal, at most
_AT_ONCE = 64  # rows that are written together, at most
_SYNC = 1.0  # seconds: what a machine that loses its power may forget


class ResultWriter:
    """Writes the rows of one worker; used on its event loop.

    A row's results are in the journal before the loop waits for anything again.

    Attributes:
        failure: Why nothing more can be saved, or soon nothing more; ``None`` while all is well.
        unfit: How many answers turned out not to fit their columns, and were saved as failures.
    """

    def __init__(self, folder: OutputFolder, *, run: int, worker: str, rows_per_file: int) -> None:
        """Begin the first journal.

        Args:
            folder: Where to write.
            run: The number of the run.
            worker: The worker's name; no other of the run may have it.
            rows_per_file: After how many rows files are made of a journal.

        Raises:
            OSError: If that cannot be done.
        """
        self._folder, self._run, self._worker, self._rows_per_file = folder, run, worker, rows_per_file
        self._number = 0
        self._waiting: list[bytes] = []
        self._is_called = False
        self._disk = ThreadPoolExecutor(1, "gumloop-batch-disk")
        self._folding: list[asyncio.Task[None]] = []
        self._synced = time.monotonic()
        self._syncing: asyncio.Future[None] | None = None
        self.failure: Exception | None = None
        self.unfit = 0
        self._journal = self._begin()

    def add(self, row: Mapping[str, object]) -> None:
        """Take a row with its results.

        Raises:
            ValueError: If an answer's text is none that can be written.
        """
        self._waiting.append(encode_row(row))
        if len(self._waiting) >= _AT_ONCE:
            self.flush()
        elif not self._is_called:
            self._is_called = True
            asyncio.get_running_loop().call_soon(self.flush)  # together with those that arrive in the same moment

    def flush(self) -> None:
        """Write what waits. What cannot be written stays and is tried again with what comes next."""
        self._is_called = False
        if not self._waiting:
            return
        try:
            self._journal.append(self._waiting)
        except OSError as error:
            self.failure = error
            return
        self._waiting.clear()
        self.failure = self.failure or self._journal.full
        if self._journal.rows >= self._rows_per_file or self._journal.size >= _BYTES:
            self._next()
        elif time.monotonic() - self._synced > _SYNC and (self._syncing is None or self._syncing.done()):
            self._synced = time.monotonic()
            self._syncing = self._in_thread(self._journal.sync)

    async def save(self) -> None:
        """Write all that waits, and wait for the files that are being made.

        Raises:
            BatchOutputError: If not all could be saved.
        """
        self.flush()
        await asyncio.gather(*self._folding)
        if self.failure is not None:
            raise self._unsaved(self.failure)

    async def close(self) -> None:
        """Write all that waits, and make files of it.

        Raises:
            BatchOutputError: If not all could be saved.
        """
        self.flush()
        await asyncio.gather(self._fold(self._journal), *self._folding)
        self._disk.shutdown()
        if self.failure is not None:
            raise self._unsaved(self.failure)

    def _begin(self) -> Journal:
        self._number += 1
        return self._folder.new_journal(self._run, self._worker, self._number)

    def _next(self) -> None:
        """Have files made of the journal, and begin another."""
        try:
            begun = self._begin()
        except OSError as error:
            self.failure = error  # the one that is there goes on
            return
        self._folding = [folding for folding in self._folding if not folding.done()]
        self._folding.append(asyncio.create_task(self._fold(self._journal)))
        self._journal = begun

    async def _fold(self, journal: Journal) -> None:
        try:
            self.unfit += await self._in_thread(self._close_and_fold, journal)
        except (OSError, pa.ArrowException) as error:
            self.failure = error  # the journal stays, and the next run makes files of it

    def _close_and_fold(self, journal: Journal) -> int:
        journal.close()
        return self._folder.fold(journal.path)

    def _in_thread(self, function: Callable[..., _T], *arguments: object) -> asyncio.Future[_T]:
        return asyncio.get_running_loop().run_in_executor(self._disk, function, *arguments)

    def _unsaved(self, failure: Exception) -> BatchOutputError:
        lost = len(self._waiting)
        kept = f"The answers of {lost} rows could not be saved" if lost else "All answers that came are saved"
        return BatchOutputError(
            f"Nothing more can be written to {self._folder.path}: {failure}. {kept}; no further row was asked. "
            f"Make room there and run the job again."
        )
