"""Rows in, rows out: a task is asked about each of many rows, here or on Ray, and resumes; see `docs/batch.md`."""

from gumloop_core.version import __version__

try:
    from gumloop_batch.errors import (
        BatchError,
        BatchInputError,
        BatchOutputError,
        BatchTaskError,
        DuplicateKeysError,
        FolderInUseError,
        JobStoppedError,
        OtherJobError,
    )
    from gumloop_batch.job import run
    from gumloop_batch.output import read_results
    from gumloop_batch.result import JobResult
except ImportError as error:
    if error.name is None or error.name.partition(".")[0] not in ("numpy", "pyarrow"):
        raise
    raise ImportError(f"gumloop_batch needs {error.name}: pip install 'gumloop-llms[batch]'", name=error.name) from None

__all__ = [
    "BatchError",
    "BatchInputError",
    "BatchOutputError",
    "BatchTaskError",
    "DuplicateKeysError",
    "FolderInUseError",
    "JobResult",
    "JobStoppedError",
    "OtherJobError",
    "__version__",
    "read_results",
    "run",
]
