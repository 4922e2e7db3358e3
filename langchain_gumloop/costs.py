"""A LangChain callback that counts what calls cost, or refuses those that would pass a budget."""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import BaseCallbackHandler

from gumloop_core.observation import CallObserver


class CostCallbackHandler(BaseCallbackHandler):
    """Has a tracker, or a budget, told of all ``ChatGumloop`` calls that get this callback.

    It is looked up when a call is sent, and told by the core: with what retries took, and of streams that were closed.
    LangChain's own events are not used, so an answer from LangChain's cache, which costs nothing, is no call, and the
    calls of other models are not counted. A call inside ``with tracker:`` is not counted twice.

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

    @property
    def ignore_llm(self) -> bool:
        """LangChain need not report calls."""
        return True

    @property
    def ignore_chat_model(self) -> bool:
        """Nor calls of chat models."""
        return True

    @property
    def ignore_chain(self) -> bool:
        """Nor chains."""
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


def observers_of(run_manager: Any) -> list[CallObserver]:
    """Who is to be told of a call by the callbacks that it got.

    Args:
        run_manager: What LangChain passes for the run's callbacks; ``None`` where there is none.
    """
    if run_manager is None:
        return []
    return [handler.observer for handler in run_manager.handlers if isinstance(handler, CostCallbackHandler)]
