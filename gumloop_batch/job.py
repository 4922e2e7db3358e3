"""A job from its rows to its results."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias

from gumloop_batch.answers import AnswerColumns
from gumloop_batch.columns import output_schema
from gumloop_batch.errors import BatchTaskError, JobStoppedError, StopReason
from gumloop_batch.folder import SPOOL, check_empty, folder_errors, working_folder
from gumloop_batch.keys import Digests, among
from gumloop_batch.limits import Limits
from gumloop_batch.local_engine import run_here
from gumloop_batch.manifest import Manifest, read_manifest
from gumloop_batch.output import OutputFolder
from gumloop_batch.progress import progress_for
from gumloop_batch.result import JobResult
from gumloop_batch.rows import Rows, find_rows
from gumloop_batch.survey import Survey, survey
from gumloop_batch.tally import Tally
from gumloop_batch.tasks import check_columns, find_task
from gumloop_batch.worker import Plan

Engine: TypeAlias = Literal["local", "ray"]

RunsJob: TypeAlias = Callable[[Plan, Survey, Digests, Tally, Callable[[Tally], None]], StopReason | None]
"""An engine: takes a job, its rows, the ids of those that are answered, where to count and what to show; gives the
limit that was reached."""


def run(
    rows: Rows,
    task: object,
    *,
    output: str | os.PathLike[str],
    key: str | Sequence[str] | None = None,
    engine: Engine = "local",
    model: object = None,
    prompt: object = None,
    answer_type: object = None,
    answer_prefix: str = "",
    job: str | None = None,
    max_failures: int | float | None = None,
    max_cost: float | None = None,
    max_tokens: int | None = None,
    workers: int | None = None,
    rows_in_flight: int = 256,
    rows_per_file: int = 10_000,
    progress: bool | None = None,
) -> JobResult:
    """Ask a task about each row, and write what comes of it to a folder of Parquet files.

    Run again with the same arguments, it asks only the rows that have no answer there yet: those that failed, and those
    that a crash, a kill or Ctrl-C left. See `docs/batch.md`.

    Args:
        rows: Dicts, in anything that can be iterated over; a table (pandas, Polars, Arrow); or paths, folders and
            globs of Parquet, CSV and JSONL files.
        task: A LangChain runnable that takes a dict, a LlamaIndex program or LLM, or a function of a row, or of a row
            and the model, asynchronous or not.
        output: The folder. It is made if it is not there.
        key: The column, or the columns, whose values make a row the one it is; ``None`` for all columns.
        engine: ``"local"`` for this process, ``"ray"`` for the workers of a Ray cluster.
        model: What a function of two arguments gets as its second.
        prompt: What to ask a model or an LLM that is given as the task, with ``{column}`` where a row's value belongs.
        answer_type: The class of the answers, where the task does not say: its fields become columns.
        answer_prefix: What the names of the answer's columns begin with.
        job: A name for the job, which then stands for its task: a folder may be gone on with whatever has changed in
            the prompt or the model.
        max_failures: How many rows of this run may fail: a count, or as a float below 1 a share; ``None`` for any
            number.
        max_cost: USD that the job may spend, earlier runs in the folder included: what servers report, else estimates
            by the price list of the extra `costs`.
        max_tokens: Tokens that it may use, read and written, likewise.
        workers: How many workers there are on Ray; ``None`` for one on each node.
        rows_in_flight: How many rows a worker has under way at most. Fewer are where calls wait for room at the
            endpoint, which they do by themselves.
        rows_per_file: After how many rows a file is written. Until then they are in a journal.
        progress: ``False`` shows nothing; else there is a bar at a terminal, or a line every 30 seconds.

    Returns:
        What was done in this run. Rows that failed raise nothing: they are in the folder with their errors.

    Raises:
        BatchInputError: If the rows cannot be read or do not fit the task. No call was made.
        BatchTaskError: If the task or an option makes no sense. No call was made.
        OtherJobError: If the folder holds another job's results. No call was made.
        BatchOutputError: If the folder cannot be written to.
        JobStoppedError: If ``max_failures``, ``max_cost`` or ``max_tokens`` was reached.
    """
    limits = Limits(max_failures, max_cost, max_tokens)
    limits.check()
    if engine not in ("local", "ray"):
        raise BatchTaskError(f'engine must be "local" or "ray", not {engine!r}.')
    if rows_in_flight < 1 or rows_per_file < 1:
        raise BatchTaskError("rows_in_flight and rows_per_file must be at least 1.")
    found = find_task(task, model=model, prompt=prompt, answer_type=answer_type, rows_in_flight=rows_in_flight)
    answers = AnswerColumns(found.answer_type, answer_prefix)
    keys = [key] if isinstance(key, str) else None if key is None else list(key)
    run_job = _engine(engine, workers)
    with working_folder(Path(output)) as folder:
        there = read_manifest(folder)
        surveyed = survey(find_rows(rows, folder / SPOOL, all_in_files=engine == "ray"), keys)
        check_columns(found, surveyed.schema.names)
        schema = output_schema(surveyed.schema, answers.fields)
        manifest = Manifest(schema, keys, {"job": job} if job is not None else found.facts)
        files = OutputFolder(folder, schema, [field.name for field in answers.fields])
        with folder_errors(folder):
            if there is None:
                check_empty(folder)
                manifest.write(folder)
            else:
                manifest.check(there, folder)
            number = files.next_run()
        plan = Plan(
            task=found,
            answers=answers,
            folder=files,
            run=number,
            key=keys,
            columns=surveyed.schema.names,
            limits=limits,
            counter=None,
            rows_in_flight=rows_in_flight,
            rows_per_file=rows_per_file,
        )
        return _go_through(plan, surveyed, run_job, progress)


def _engine(name: Engine, workers: int | None) -> RunsJob:
    """What runs a job.

    Raises:
        BatchTaskError: If it is not installed.
    """
    if name == "local":
        return run_here
    from gumloop_batch.ray_engine import run_on_ray

    return partial(run_on_ray, workers=workers)


def _go_through(plan: Plan, rows: Survey, run_job: RunsJob, progress: bool | None) -> JobResult:
    with folder_errors(plan.folder.path):
        for journal in plan.folder.journals():  # of a run that was killed
            plan.folder.fold(journal)
        answered = plan.folder.answered_ids()
    skipped = int(among(rows.ids, answered).sum())
    tally = Tally(rows=len(rows.ids), skipped=skipped)
    stopped_because: StopReason | None = None
    if skipped < tally.rows:
        shown = progress_for(progress, tally.rows - skipped)
        try:
            stopped_because = run_job(plan, rows, answered, tally, shown.show)
        finally:
            shown.close(tally)
    with folder_errors(plan.folder.path):
        plan.folder.forget_failures()
    result = _result(plan, tally)
    if stopped_because is not None:
        raise JobStoppedError(_stopped(stopped_because, result, plan.limits), result, stopped_because)
    return result


def _result(plan: Plan, tally: Tally) -> JobResult:
    return JobResult(
        plan.folder.path,
        tally.rows,
        tally.answered,
        tally.failed,
        tally.skipped,
        tally.input_tokens,
        tally.output_tokens,
        tally.cost,
        tally.seconds,
    )


def _stopped(reason: StopReason, result: JobResult, limits: Limits) -> str:
    done = result.answered + result.failed
    left = result.rows - result.skipped - done
    return (
        f"The job stopped at {reason}={getattr(limits, reason)}: {done} rows were done, {result.failed} of them "
        f"failed, {left} were not asked. All of it is saved in {result.folder}; run it again with a higher {reason} "
        f"to go on."
    )
