"""A LlamaIndex event handler that counts what calls cost, or refuses those that would pass a budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llama_index_instrumentation.base import BaseEvent
from llama_index_instrumentation.dispatcher import Dispatcher
from llama_index_instrumentation.event_handlers import BaseEventHandler
from pydantic import ConfigDict, SkipValidation

if TYPE_CHECKING:
    from gumloop_core.observation import CallObserver
else:
    CallObserver = Any  # the field is not validated, and most programs observe nothing


class CostEventHandler(BaseEventHandler):
    """Has a tracker, or a budget, told of all ``Gumloop`` calls while it is among a dispatcher's event handlers.

    It is looked up when a call is sent, and told by the core: with what retries took, and of streams that were closed.
    LlamaIndex's own events are not used, so the calls of other models are not counted. A call inside ``with tracker:``
    is not counted twice.

    Example:
        .. code-block:: python

            tracker = CostTracker()
            get_dispatcher().add_event_handler(CostEventHandler(tracker))
            llm.complete("Hi")
            print(tracker.total)

    Args:
        observer: A ``CostTracker``, a ``Budget``, or any other observer of calls.
    """

    model_config = ConfigDict(defer_build=True)

    observer: SkipValidation[CallObserver]

    def __init__(self, observer: CallObserver) -> None:
        super().__init__(observer=observer)  # type: ignore[call-arg]  # pydantic's, of the field

    @classmethod
    def class_name(cls) -> str:
        """The name under which it is known."""
        return "GumloopCostEventHandler"

    def handle(self, event: BaseEvent, **kwargs: Any) -> None:
        """Nothing is made of events."""


def observers_of(dispatcher: Dispatcher) -> list[CallObserver]:
    """Who is to be told of a call by the event handlers that a dispatcher reaches."""
    found: list[CallObserver] = []
    reached: Dispatcher | None = dispatcher
    while reached is not None:
        found.extend(handler.observer for handler in reached.event_handlers if isinstance(handler, CostEventHandler))
        reached = reached.parent if reached.propagate else None
    return found
