"""What is known of a call, in the traces that LangChain's own callbacks make of it.

:mod:`gumloop_core.telemetry` has what needs no callback. Needs the extra ``otel``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from uuid import UUID

from opentelemetry.trace import Span

from gumloop_core.observation import CallObserver
from gumloop_core.telemetry import AddedTo
from langchain_gumloop.costs import CostCallbackHandler

__all__ = ["RunSpans"]


class RunSpans(CostCallbackHandler):
    """Adds what is known of a ``ChatGumloop`` call to the span that an instrumentation has made of its run.

    For instrumentations that can be asked for the span of a run, as OpenInference's can. Theirs are not the current
    span while the call is made, which :class:`~gumloop_core.telemetry.CurrentSpan` would need.

    Example:
        .. code-block:: python

            instrumentor = LangChainInstrumentor()
            instrumentor.instrument()
            chain.invoke("Hi", config={"callbacks": [RunSpans(instrumentor.get_span)]})

    Args:
        span_of: Gives the span of a run by its id, ``None`` where it knows none.
    """

    def __init__(self, span_of: Callable[[UUID], Span | None]) -> None:
        self._span_of = span_of

    def observer_of(self, run_id: UUID) -> CallObserver:
        """Who is to be told of a run's call."""
        return AddedTo(partial(self._span_of, run_id), is_of_call=True)
