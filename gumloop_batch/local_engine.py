"""A job in this process: one worker in a thread, and this one shows how far it is."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import wait
from dataclasses import replace

from gumloop_batch.errors import StopReason
from gumloop_batch.folder import folder_errors
from gumloop_batch.garbage import old_objects_set_aside
from gumloop_batch.keys import Digests
from gumloop_batch.survey import Survey
from gumloop_batch.tally import Tally
from gumloop_batch.worker import Plan, Worker
from gumloop_core.costs.budget import LocalBudgetCounter

_GLANCE = 0.2  # seconds between two looks at how far it is


def run_here(
    plan: Plan, rows: Survey, answered: Digests, tally: Tally, show: Callable[[Tally], None]
) -> StopReason | None:
    """Run a job in this process.

    Args:
        plan: The job.
        rows: Its rows.
        answered: The ids of those that have an answer.
        tally: Where to count.
        show: Called now and then with the tally.

    Returns:
        Which limit was reached.

    Raises:
        BatchOutputError: If not all could be saved.
    """
    with folder_errors(plan.folder.path):
        budget = plan.budget()
        worker = Worker(plan if budget is None else replace(plan, counter=LocalBudgetCounter(budget)), "local", tally)
    try:
        with old_objects_set_aside():
            work = worker.work(rows.remaining(answered))
            while not wait([work], timeout=_GLANCE).done:
                show(tally)
        work.result()
    finally:  # Ctrl-C too: calls in flight are cancelled, what came is saved
        worker.close()
    if worker.refusal is not None:
        raise worker.refusal
    return worker.stopped_because
