"""Rows in, rows out: a task is asked about each of many rows, here or on Ray, and resumes; see `docs/batch.md`."""

import sys

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
except ImportError:
    if all(sys.modules.get(name) is not None for name in ("numpy", "pyarrow")):
        raise  # these are there: something else is missing
    raise ImportError(
        "gumloop_batch needs NumPy and PyArrow: pip install 'gumloop-llms[batch]'", name="pyarrow"
    ) from None

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
