"""A job on Ray: the same workers as actors of a pool, fed by Ray Data, which starts another where one dies.

Each worker writes into the output folder by itself, so the folder must be one that all nodes see. What a worker had
written when it died stays; of the rows that it had begun with, those without an answer are asked by another.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import pyarrow as pa

from gumloop_batch.coordinator import Coordinator, Told
from gumloop_batch.errors import BatchTaskError, StopReason
from gumloop_batch.folder import folder_errors
from gumloop_batch.keys import Digests, among, row_ids
from gumloop_batch.survey import Survey
from gumloop_batch.tally import Tally
from gumloop_batch.worker import Plan, Worker
from gumloop_core.costs import BudgetStatus, Charge
from gumloop_core.errors import GumloopError

try:
    import ray
    import ray.data
except ImportError as missing:
    raise BatchTaskError("engine=\"ray\" needs Ray: pip install 'gumloop-llms[ray]'") from missing

_GLANCE = 0.5  # seconds between two looks at how far the workers are, and between two of a worker's reports
_BATCHES = 2  # that a worker has at once: while the last rows of one are waited for, the next has begun


def run_on_ray(
    plan: Plan,
    rows: Survey,
    answered: Digests,
    tally: Tally,
    show: Callable[[Tally], None],
    workers: int | None = None,
) -> StopReason | None:
    """Run a job on the cluster that Ray is connected to, or one that it starts here.

    Args:
        plan: The job.
        rows: Its rows, in files that all nodes see.
        answered: The ids of those that have an answer.
        tally: Where to count.
        show: Called now and then with the tally.
        workers: How many workers there are; ``None`` for one on each node.

    Returns:
        Which limit was reached.
    """
    if not ray.is_initialized():
        ray.init(log_to_driver=False)
    with folder_errors(plan.folder.path):
        budget = plan.budget()
    coordinator = ray.remote(Coordinator).options(num_cpus=0).remote(plan.limits, budget)
    if budget is not None:
        plan = replace(plan, counter=ActorCounter(coordinator))
    count = workers or max(1, sum(bool(node["Alive"]) for node in ray.nodes()))
    known = ray.put(answered)  # held here until the end: Ray forgets what nobody in this process holds
    with _without_bars():
        dataset = _dataset(plan, rows, known, coordinator, count)
    done = _consumed(dataset)
    try:
        while not wait([done], timeout=_GLANCE).done:
            tally.take(ray.get(coordinator.tally.remote()).counts)
            show(tally)
    except BaseException:  # Ctrl-C: the workers cancel their calls, and write what they have
        ray.get(coordinator.stop.remote())
        wait([done])
        raise
    finally:
        tally.take(ray.get(coordinator.tally.remote()).counts)
        stopped_because, refusal = ray.get(coordinator.outcome.remote())
        ray.kill(coordinator)
        with folder_errors(plan.folder.path):
            for journal in plan.folder.journals():  # of workers, which end without a word, or were killed
                plan.folder.fold(journal)
            tally.answered, tally.failed = plan.folder.rows_of(plan.run)  # a killed worker has not told of its last
    done.result()
    if refusal is not None:
        raise refusal
    return stopped_because  # type: ignore[no-any-return]  # Ray has no types


def _dataset(plan: Plan, rows: Survey, answered: object, coordinator: Any, workers: int) -> Any:
    """What makes the workers work when it is read: a row for each batch that is done."""
    batch = 2 * plan.rows_in_flight
    parts = ray.data.from_items([{"part": part} for part in range(len(rows.source.names))])
    reader = _Reader(replace(rows, ids=rows.ids[:0]), answered)  # the ids are megabytes, and not needed there
    pieces = parts.map_batches(reader, batch_size=1, batch_format="pyarrow", num_cpus=0.5)
    return pieces.repartition(target_num_rows_per_block=batch).map_batches(
        RayWorker,
        fn_constructor_args=[plan, coordinator],
        batch_size=batch,
        batch_format="pyarrow",
        num_cpus=0,  # they wait for answers: those that feed them need the cluster's CPUs, however few there are
        compute=ray.data.ActorPoolStrategy(
            size=workers, max_concurrent_calls_per_actor=_BATCHES, enable_true_multi_threading=True
        ),
    )


@contextmanager
def _without_bars() -> Iterator[None]:
    """Have datasets that are made inside show no bars: there is one of ours."""
    context = ray.data.DataContext.get_current()
    before = context.enable_progress_bars
    context.enable_progress_bars = False
    try:
        yield
    finally:
        context.enable_progress_bars = before


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads parts of the rows, on whatever node."""

    rows: Survey
    answered: Any

    def __call__(self, parts: pa.Table) -> Iterator[pa.Table]:
        answered = ray.get(self.answered)
        for part in parts["part"].to_pylist():
            for piece in self.rows.remaining_of(part, answered):
                yield pa.Table.from_batches([piece])


def _consumed(dataset: Any) -> Future[None]:
    """Read a dataset in a thread, so that this one can show how far it is."""
    done: Future[None] = Future()

    def read() -> None:
        try:
            for _ in dataset.iter_batches(batch_size=None, batch_format="pyarrow"):
                pass
        except BaseException as error:
            done.set_exception(error)
        else:
            done.set_result(None)

    threading.Thread(target=read, name="gumloop-batch-ray", daemon=True).start()
    return done


class RayWorker:
    """A worker in an actor."""

    def __init__(self, plan: Plan, coordinator: Any) -> None:
        self._plan, self._coordinator = plan, coordinator
        self._name = uuid4().hex[:8]
        self._row_id = row_ids(plan.key, plan.columns)
        self._worker = Worker(plan, self._name, Tally())
        self._is_told = False
        threading.Thread(target=self._report_now_and_then, name="gumloop-batch-report", daemon=True).start()

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Ask about a batch of rows, and return when what came of them is written down."""
        pieces = batch.combine_chunks().to_batches()
        if pieces and not self._is_told:
            self._worker.work(iter(self._left(pieces))).result()
            self._worker.save()
            self._report()
        return pa.table({"rows": [batch.num_rows]})

    def _left(self, pieces: list[pa.RecordBatch]) -> list[pa.RecordBatch]:
        """The rows of a batch that no worker before has answered."""
        (first,) = pieces[0].slice(0, 1).to_pylist()
        if not ray.get(self._coordinator.begin.remote(self._row_id(first), self._name, self._worker.holder)):
            return pieces
        answered = self._plan.folder.answered_ids()
        return [
            piece.filter(pa.array(~among((self._row_id(row) for row in piece.to_pylist()), answered)))
            for piece in pieces
        ]

    def _report(self) -> None:
        worker = self._worker
        counts, stopped_because, refusal = worker.tally.counts, worker.stopped_because, worker.refusal
        told: Told = ray.get(self._coordinator.report.remote(self._name, counts, stopped_because, refusal))
        if told.is_stopped and not self._is_told:
            self._is_told = True
            worker.stop(cancel=told.stopped_because is None and refusal is None)

    def _report_now_and_then(self) -> None:
        pause = threading.Event()
        while not pause.wait(_GLANCE):
            try:
                self._report()
            except ray.exceptions.RayError:
                return  # the job is over


class ActorCounter:
    """A budget's sums in an actor; see :class:`gumloop_core.costs.BudgetCounter`."""

    def __init__(self, coordinator: Any) -> None:
        self._coordinator = coordinator

    def reserve(self, call: str) -> GumloopError | None:
        """Ask for a call."""
        return ray.get(self._coordinator.reserve.remote(call))  # type: ignore[no-any-return]  # Ray has no types

    def settle(self, call: str, charge: Charge) -> None:
        """Tell what a call took."""
        self._coordinator.settle.remote(call, charge)

    def status(self) -> BudgetStatus:
        """Where the budget stands."""
        return ray.get(self._coordinator.status.remote())  # type: ignore[no-any-return]  # Ray has no types
