"""A LangChain callback that counts what calls cost, or refuses those that would pass a budget."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler

if TYPE_CHECKING:
    from gumloop_core.observation import CallObserver


class CostCallbackHandler(BaseCallbackHandler):
    """Has a tracker, or a budget, told of all ``ChatGumloop`` calls that get this callback.

    It is told by the core and not of LangChain's messages: with what retries took, and of streams that were closed. An
    answer from LangChain's cache, which costs nothing, is no call; calls of other models are not counted. A call inside
    ``with tracker:`` is not counted twice.

    Example:
        .. code-block:: python

            tracker = CostTracker()
            chain.invoke("Hi", config={"callbacks": [CostCallbackHandler(tracker)]})
            print(tracker.total)

    Args:
        observer: A ``CostTracker``, a ``Budget``, or any other observer of calls.
    """

    def __init__(self, observer: CallObserver) -> None:
        self.observer = observer

    def observer_of(self, run_id: UUID) -> CallObserver:
        """Who is to be told of a run's call."""
        return self.observer

    run_inline = True
    """Events come in the context of the call, of asynchronous calls too."""

    def on_chat_model_start(self, *args: Any, run_id: UUID, **kwargs: Any) -> None:
        """Note who is to be told of the call that follows."""
        announced = _ANNOUNCED.get()
        if announced is None or announced.run_id != run_id:
            announced = _Announced(run_id, [])
            _ANNOUNCED.set(announced)
        announced.observers.append(self.observer_of(run_id))

    def on_llm_end(self, *args: Any, run_id: UUID, **kwargs: Any) -> None:
        """Forget a call that was not ours to tell of."""
        _forget(run_id)

    def on_llm_error(self, *args: Any, run_id: UUID, **kwargs: Any) -> None:
        """Forget a call that was never sent."""
        _forget(run_id)

    @property
    def ignore_chain(self) -> bool:
        """Chains need not be reported."""
        return True

    @property
    def ignore_agent(self) -> bool:
        """Nor agents, and tools."""
        return True

    @property
    def ignore_retriever(self) -> bool:
        """Nor retrievers."""
        return True

    @property
    def ignore_retry(self) -> bool:
        """Nor retries."""
        return True

    @property
    def ignore_custom_event(self) -> bool:
        """Nor events of the user's own."""
        return True


@dataclass(slots=True)
class _Announced:
    """A run that has begun, and who is to be told of its call."""

    run_id: UUID
    observers: list[CallObserver]


_ANNOUNCED: ContextVar[_Announced | None] = ContextVar("langchain_gumloop_announced", default=None)
"""LangChain's ``stream`` and ``astream`` do not pass on the callbacks of the run, but report its start just before."""


def _forget(run_id: UUID) -> None:
    announced = _ANNOUNCED.get()
    if announced is not None and announced.run_id == run_id:
        announced.observers.clear()  # not the variable: this may come in a copy of the context


def observers_of(run_manager: Any) -> Sequence[CallObserver]:
    """Who is to be told of a call by the callbacks that it got.

    Args:
        run_manager: What LangChain passes for the run's callbacks; ``None`` where it passes none.
    """
    announced = _ANNOUNCED.get()
    if announced is not None:
        _ANNOUNCED.set(None)
    if run_manager is not None:
        return [
            handler.observer_of(run_manager.run_id)
            for handler in run_manager.handlers
            if isinstance(handler, CostCallbackHandler)
        ]
    return announced.observers if announced is not None else ()
