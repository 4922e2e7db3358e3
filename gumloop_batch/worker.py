"""Asks about rows: one event loop, one pool of connections, and as many rows under way as were agreed on."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass

import pyarrow as pa

from gumloop_batch.answers import AnswerColumns
from gumloop_batch.columns import About
from gumloop_batch.errors import StopReason
from gumloop_batch.keys import Row, row_ids
from gumloop_batch.limits import Limits, passed_limit
from gumloop_batch.observer import RowObserver
from gumloop_batch.output import OutputFolder
from gumloop_batch.room import Room
from gumloop_batch.tally import Tally
from gumloop_batch.task import Task
from gumloop_batch.writer import ResultWriter
from gumloop_core.concurrency.waiting import noted_in
from gumloop_core.costs import Budget, BudgetCounter, BudgetState
from gumloop_core.errors import BudgetExceededError, GumloopError
from gumloop_core.observation import observed_by

_LONGEST_ERROR = 4_000  # characters of an error that are kept


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a worker must know of its job; it travels to other machines.

    Attributes:
        task: What to ask.
        answers: The columns of the answers.
        folder: Where the results go.
        run: The number of the run.
        key: The columns that tell rows apart.
        columns: The columns of the rows.
        limits: When to stop.
        counter: Where what is spent gets counted, if that has a limit.
        rows_in_flight: How many rows a worker has under way at once.
        rows_per_file: After how many rows a file is written.
    """

    task: Task
    answers: AnswerColumns
    folder: OutputFolder
    run: int
    key: list[str] | None
    columns: list[str]
    limits: Limits
    counter: BudgetCounter | None
    rows_in_flight: int
    rows_per_file: int

    def budget(self) -> BudgetState | None:
        """What is left of the job's budget, after what earlier runs spent; ``None`` if it has none.

        Raises:
            OSError: If what they spent cannot be read.
        """
        if self.limits.budget() is None:
            return None
        cost, tokens = self.folder.spent()
        return self.limits.budget(cost=cost, tokens=tokens)


class Worker:
    """Asks about rows on an event loop of its own, in a thread of its own.

    Attributes:
        tally: How far it is.
        stopped_because: Which limit ended its work; ``None`` if none has.
        refusal: Why the budget let no further call begin, where it is no limit that was reached: it cannot be kept.
    """

    def __init__(self, plan: Plan, name: str, tally: Tally) -> None:
        """Begin.

        Args:
            plan: The job.
            name: The worker's name; no other worker of the run may have it.
            tally: Where to count.

        Raises:
            OSError: If nothing can be written to the folder.
        """
        self.tally = tally
        self.stopped_because: StopReason | None = None
        self.refusal: GumloopError | None = None
        self._plan = plan
        self._budget = None if plan.counter is None else Budget(counter=plan.counter)
        self._room = Room(plan.rows_in_flight)  # for all that it works on, which may be several
        self._is_told = False
        self._askers: set[asyncio.Task[None]] = set()
        self._row_id = row_ids(plan.key, plan.columns)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run_loop, name=f"gumloop-batch-{name}", daemon=True)
        self._writer = ResultWriter(
            plan.folder,
            run=plan.run,
            worker=name,
            rows_per_file=plan.rows_per_file,
        )
        self._thread.start()

    def work(self, pieces: Iterator[pa.RecordBatch]) -> Future[None]:
        """Ask about rows.

        Args:
            pieces: The rows, read in another thread as they are needed.

        Returns:
            What ends when all rows were asked, or a limit or a failure to write ended the work. It raises what reading
            the rows raised.
        """
        return asyncio.run_coroutine_threadsafe(self._work(pieces), self._loop)

    @property
    def is_stopped(self) -> bool:
        """Whether no further row is asked."""
        return bool(self._is_told or self.stopped_because or self.refusal or self._writer.failure)

    @property
    def holder(self) -> str | None:
        """What the ids of its calls begin with in a budget's counter."""
        return None if self._budget is None else self._budget.holder

    def stop(self, *, cancel: bool) -> None:
        """Have no further row asked.

        Args:
            cancel: Whether to cancel the calls in flight too.
        """
        self._is_told = True
        if cancel:
            self._loop.call_soon_threadsafe(self._cancel)

    def save(self) -> None:
        """Wait until no files are being made of journals.

        Raises:
            BatchOutputError: If they could not be written.
        """
        asyncio.run_coroutine_threadsafe(self._writer.save(), self._loop).result()

    def close(self) -> None:
        """Cancel what is still under way, save all that was answered, and end the loop.

        Raises:
            BatchOutputError: If not all could be saved.
        """
        try:
            asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
            self.tally.answered -= self._writer.unfit
            self.tally.failed += self._writer.unfit
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    async def _work(self, pieces: Iterator[pa.RecordBatch]) -> None:
        rows = _Rows(pieces)
        if self._budget is not None and not self._budget.status.calls:
            await self._ask(rows, at_most=1)  # what a call takes is known then, before many begin at once
        askers = [asyncio.create_task(self._ask(rows)) for _ in range(self._plan.rows_in_flight)]
        self._askers.update(askers)
        try:
            # What ends the reading of rows ends no call: its answer is still to be saved.
            await asyncio.gather(*askers, return_exceptions=True)
        finally:
            self._askers.difference_update(askers)
        if rows.failure is not None:
            raise rows.failure

    def _cancel(self) -> None:
        for asker in self._askers:
            asker.cancel()

    async def _end(self) -> None:
        self._cancel()
        await asyncio.gather(*self._askers, return_exceptions=True)
        await self._writer.close()

    async def _ask(self, rows: _Rows, at_most: int = sys.maxsize) -> None:
        """Ask about one row after the other, as long as there are any."""
        while at_most and not self.is_stopped:
            row = await rows.next()
            if row is None:
                return
            async with self._room:
                await self._answer(row)
                await asyncio.sleep(0)  # what came of it is in the journal before another call is sent
            at_most -= 1

    async def _answer(self, row: Row) -> None:
        plan, tally = self._plan, self.tally
        observer = RowObserver(tally, self._budget)
        started = time.perf_counter()
        error: Exception | None = None
        values: dict[str, object] = {}
        try:
            with observed_by(observer), noted_in(self._room.calls_waiting):
                answer = await plan.task.answer(dict(row))  # a copy: what it does to it is its own affair
            values = plan.answers.values(answer)
        except Exception as raised:  # whatever a task raises is the row's result
            if observer.refusal is not None:
                self._refused(observer.refusal)
                return  # the row was not asked
            error = raised
        about: About = {
            "error_type": None if error is None else type(error).__name__,
            "error": None if error is None else _words(error),
            "attempts": observer.attempts,
            "input_tokens": observer.input_tokens,
            "output_tokens": observer.output_tokens,
            "cost": observer.cost,
            "latency_s": time.perf_counter() - started,
            "answer_id": observer.answer_id,
            "row_id": self._row_id(row),
        }
        try:
            self._writer.add({**row, **values, **about})
        except ValueError as raised:  # half a surrogate pair: JSON lets models send it, and no file can hold it
            error = raised
            about |= {"error_type": type(error).__name__, "error": _words(error)}
            self._writer.add({**row, **about})
        tally.input_tokens += observer.input_tokens or 0
        tally.output_tokens += observer.output_tokens or 0
        tally.cost += observer.cost or 0.0
        if error is None:
            tally.answered += 1
        else:
            tally.failed += 1
            self.stopped_because = self.stopped_because or plan.limits.reached(tally)

    def _refused(self, refusal: GumloopError) -> None:
        if isinstance(refusal, BudgetExceededError):
            self.stopped_because = self.stopped_because or passed_limit(refusal)
        else:
            self.refusal = refusal


class _Rows:
    """Rows, one at a time, for many who ask; read in another thread.

    Attributes:
        failure: Why they cannot be read any further.
    """

    def __init__(self, pieces: Iterator[pa.RecordBatch]) -> None:
        self._pieces = pieces
        self._rows: deque[Row] = deque()
        self._reading = asyncio.Lock()
        self._is_over = False
        self.failure: Exception | None = None

    async def next(self) -> Row | None:
        """The next row; ``None`` when there are no more."""
        while not self._rows:
            async with self._reading:
                if not self._rows and not self._is_over:
                    await self._read()
                if self._is_over and not self._rows:
                    return None
        return self._rows.popleft()

    async def _read(self) -> None:
        try:
            piece = await asyncio.to_thread(_next_piece, self._pieces)
        except Exception as error:
            piece, self.failure = None, error
        self._is_over = piece is None
        self._rows.extend(piece or ())


def _next_piece(pieces: Iterator[pa.RecordBatch]) -> list[Row] | None:
    piece = next(pieces, None)
    return None if piece is None else piece.to_pylist()


def _words(error: Exception) -> str:
    words = str(error) or repr(error)
    return words if len(words) <= _LONGEST_ERROR else f"{words[:_LONGEST_ERROR]} … ({len(words)} characters)"
