"""The command `gumloop-batch`."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from gumloop_batch.errors import BatchError, BatchTaskError, JobStoppedError
from gumloop_batch.job import run
from gumloop_batch.result import JobResult
from gumloop_core.errors import GumloopError

FAILED_ROWS, NOT_DONE, STOPPED, INTERRUPTED = 1, 2, 3, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0 if all rows have an answer, 1 if some failed, 2 if the job could not begin or go on, 3 if it reached a limit,
        and 130 after Ctrl-C.
    """
    options = _parser().parse_args(arguments)
    try:
        result = run(
            options.rows,
            named(options.task),
            output=options.output,
            key=options.key or None,
            engine=options.engine,
            model=None if options.model is None else named(options.model),
            prompt=options.prompt,
            answer_type=None if options.answer_type is None else named(options.answer_type),
            answer_prefix=options.answer_prefix,
            job=options.job,
            max_failures=options.max_failures,
            max_cost=options.max_cost,
            max_tokens=options.max_tokens,
            workers=options.workers,
            rows_in_flight=options.rows_in_flight,
            rows_per_file=options.rows_per_file,
            progress=False if options.quiet else None,
        )
    except JobStoppedError as error:
        print(f"gumloop-batch: {error}", file=sys.stderr)
        return STOPPED
    except (BatchError, GumloopError) as error:
        print(f"gumloop-batch: {error}", file=sys.stderr)
        return NOT_DONE
    except KeyboardInterrupt:
        print(f"gumloop-batch: interrupted; run it again to go on from {options.output}", file=sys.stderr)
        return INTERRUPTED
    print(summary(result))
    return FAILED_ROWS if result.failed else 0


def summary(result: JobResult) -> str:
    """What a job did, in a line."""
    return (
        f"{result.answered:,} rows answered, {result.failed:,} failed, {result.skipped:,} had an answer before; "
        f"{result.input_tokens + result.output_tokens:,} tokens, ${result.cost:.4f}, {result.seconds:.1f} s: "
        f"{result.folder}"
    )


def named(name: str) -> object:
    """What ``package.module:object`` names, looked up from the current directory too.

    Raises:
        BatchTaskError: If there is no such thing.
    """
    module, _, attributes = name.partition(":")
    if not attributes:
        raise BatchTaskError(f"{name!r} must be written as module:object, tickets:task for example.")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found: object = importlib.import_module(module)
        for attribute in attributes.split("."):
            found = getattr(found, attribute)
    except (ImportError, AttributeError) as error:
        raise BatchTaskError(f"{name!r} cannot be found: {error}") from error
    return found


def _failures(text: str) -> int | float:
    """A count, or a share as ``0.05`` or ``5%``."""
    if text.endswith("%"):
        return float(text[:-1]) / 100
    return float(text) if "." in text else int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gumloop-batch", description="Ask a task about each row of files, and write the answers to Parquet files."
    )
    add = parser.add_argument
    add("rows", nargs="+", help="Parquet, CSV and JSONL files, folders of them, or globs")
    add("--task", required=True, help="what to ask, as module:object: a runnable, a program, an LLM or a function")
    add("--output", required=True, help="the folder for the results; run again with the same one to go on")
    add("--key", action="append", help="a column that tells rows apart; give it again for further ones")
    add("--model", help="what a function of two arguments gets as its second, as module:object")
    add("--prompt", help="what to ask a model or LLM, with {column} where a row's value belongs")
    add("--answer-type", help="the class whose fields are the answer's columns, as module:object")
    add("--answer-prefix", default="", help="what the names of the answer's columns begin with")
    add("--job", help="a name that stands for the task: the folder may then be gone on with after a change")
    add("--max-failures", type=_failures, help="how many rows may fail: 100, or a share: 0.05 or 5%%")
    add("--max-cost", type=float, help="USD that the job may spend, earlier runs included")
    add("--max-tokens", type=int, help="tokens that the job may use, earlier runs included")
    add("--engine", choices=["local", "ray"], default="local", help="where it runs (default: %(default)s)")
    add("--workers", type=int, help="workers on Ray (default: one on each node)")
    add("--rows-in-flight", type=int, default=256, help="rows under way at once in a worker (default: %(default)s)")
    add("--rows-per-file", type=int, default=10_000, help="rows after which a file is written (default: %(default)s)")
    add("--quiet", action="store_true", help="show no progress")
    return parser


if __name__ == "__main__":
    sys.exit(main())
