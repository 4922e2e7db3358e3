"""An observer that is a context manager too."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

from gumloop_core.observation import CallRecord, observed_by


class ObserverContext(ABC):
    """Is told of the calls that begin inside ``with``, as :func:`~gumloop_core.observation.observed_by` says.

    It can be entered several times.
    """

    def __init__(self) -> None:
        self._entered: list[AbstractContextManager[None]] = []

    def __enter__(self) -> Self:
        entered = observed_by(self)
        entered.__enter__()
        self._entered.append(entered)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._entered.pop().__exit__(None, None, None)

    @abstractmethod
    def before_call(self, model: str) -> None:
        """A call begins; see :class:`~gumloop_core.observation.CallObserver`."""

    @abstractmethod
    def after_call(self, record: CallRecord) -> None:
        """A call has ended."""
