"""Writes down what comes of the rows: at once into a journal, in time into files."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
from pydantic_core import to_json

from gumloop_batch.columns import ERROR_TYPE
from gumloop_batch.errors import BatchOutputError
from gumloop_batch.journal import Journal
from gumloop_batch.output import OutputFolder

_BYTES = 64 << 20  # of a journal, at most
_AT_ONCE = 64  # rows that are written together, at most
_SYNC = 1.0  # seconds: what a machine that loses its power may forget


class ResultWriter:
    """Writes the rows of one worker; used on its event loop.

    A row's results are in the journal before the loop waits for anything again.

    Attributes:
        failure: Why nothing more can be saved, or soon nothing more; ``None`` while all is well.
    """

    def __init__(
        self, folder: OutputFolder, answer_columns: Sequence[str], *, run: int, worker: str, rows_per_file: int
    ) -> None:
        """Begin the first journal.

        Args:
            folder: Where to write.
            answer_columns: The names of the answer's columns.
            run: The number of the run.
            worker: The worker's name; no other of the run may have it.
            rows_per_file: After how many rows files are made of a journal.

        Raises:
            OSError: If that cannot be done.
        """
        self._folder, self._run, self._worker, self._rows_per_file = folder, run, worker, rows_per_file
        self._answer_columns = answer_columns
        self._number = 0
        self._waiting: list[Mapping[str, object]] = []
        self._is_called = False
        self._disk = ThreadPoolExecutor(1, "gumloop-batch-disk")
        self._folding: list[asyncio.Task[None]] = []
        self._synced = time.monotonic()
        self._syncing: asyncio.Future[None] | None = None
        self.failure: Exception | None = None
        self._journal = self._begin()

    def add(self, row: Mapping[str, object]) -> None:
        """Take a row with its results."""
        self._waiting.append(row)
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
            self._journal.append(self._batch(self._waiting))
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

    def _batch(self, rows: Sequence[Mapping[str, object]]) -> pa.RecordBatch:
        try:
            return pa.RecordBatch.from_pylist(rows, schema=self._folder.schema)
        except (pa.ArrowException, OverflowError, ValueError, TypeError) as error:
            if len(rows) > 1:
                return pa.Table.from_batches([self._batch([row]) for row in rows]).combine_chunks().to_batches()[0]
            # An answer that its own columns cannot hold: a number of more than 64 bits, for example.
            return self._batch([self._without_answer(rows[0], error)])

    def _without_answer(self, row: Mapping[str, object], error: Exception) -> dict[str, object]:
        answer = {name: row.get(name) for name in self._answer_columns}
        text = f"The answer does not fit its columns: {error}. It is {to_json(answer, fallback=str).decode()}"
        return {**row, **dict.fromkeys(answer), ERROR_TYPE: type(error).__name__, "error": text}

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
            await self._in_thread(self._close_and_fold, journal)
        except (OSError, pa.ArrowException) as error:
            self.failure = error  # the journal stays, and the next run makes files of it

    def _close_and_fold(self, journal: Journal) -> None:
        journal.close()
        if journal.rows:
            self._folder.fold(journal.path)
        else:
            journal.path.unlink()

    def _in_thread(self, function: Callable[..., None], *arguments: object) -> asyncio.Future[None]:
        return asyncio.get_running_loop().run_in_executor(self._disk, function, *arguments)

    def _unsaved(self, failure: Exception) -> BatchOutputError:
        lost = len(self._waiting)
        kept = f"The answers of {lost} rows could not be saved" if lost else "All answers that came are saved"
        return BatchOutputError(
            f"Nothing more can be written to {self._folder.path}: {failure}. {kept}; no further row was asked. "
            f"Make room there and run the job again."
        )
