"""What can go wrong with a job, apart from single rows: those are written down and never stop it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

from gumloop_core.errors import GumloopError

if TYPE_CHECKING:
    from gumloop_batch.result import JobResult

StopReason: TypeAlias = Literal["max_failures", "max_cost", "max_tokens"]
"""Which limit ended a job."""


class BatchError(GumloopError):
    """A job cannot begin, or had to end. What was answered is in the output folder; running the job again resumes."""


class BatchInputError(BatchError, ValueError):
    """The rows cannot be read, or do not fit the task: an unreadable file, a missing column. No call was made."""


class DuplicateKeysError(BatchInputError):
    """Several rows have the same key. No call was made.

    Attributes:
        keys: The first five keys that come again, in the order of the rows; whole rows where the job has no key.
    """

    def __init__(self, message: str, keys: Sequence[object] = ()) -> None:
        super().__init__(message)
        self.keys = list(keys)


class BatchTaskError(BatchError, ValueError):
    """The task is nothing that could be asked about a row, or an option of the job makes no sense. No call was made."""


class BatchOutputError(BatchError):
    """The output folder cannot be used. ``__cause__`` is what the system said, where it said something.

    Raised before the first call where that can be known. When a disk fills up while the job runs, no further call is
    made, and the answers of those in flight are still kept.
    """


class OtherJobError(BatchOutputError):
    """The output folder holds the results of another job, or of rows or answers with other columns."""


class FolderInUseError(BatchOutputError):
    """Another process is running a job in this folder."""


class JobStoppedError(BatchError):
    """A limit of the job was reached. What was answered is saved; with a higher limit the same job goes on.

    Attributes:
        result: What was done until then.
        stopped_because: Which limit it was: ``max_failures``, ``max_cost`` or ``max_tokens``.
    """

    def __init__(self, message: str, result: JobResult, stopped_because: StopReason) -> None:
        super().__init__(message)
        self.result = result
        self.stopped_because = stopped_because
