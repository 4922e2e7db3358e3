"""A tracer provider that keeps its spans: OpenTelemetry's API without its SDK."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import INVALID_SPAN_CONTEXT, Span, SpanContext, Tracer, TracerProvider


class RecordedSpan(Span):
    """Keeps what it is told; its scope is where the SDK has it."""

    def __init__(self, scope: str, name: str, **given: Any) -> None:
        self.instrumentation_scope = SimpleNamespace(name=scope)
        self.name = name
        self.kind = given.get("kind")
        self.attributes: dict[str, Any] = dict(given.get("attributes") or {})
        self.began = given.get("start_time")
        self.ended: int | None = None
        self.status: Any = None
        self.parent = given.get("parent")

    def end(self, end_time: int | None = None) -> None:
        self.ended = end_time or 1

    def get_span_context(self) -> SpanContext:
        return INVALID_SPAN_CONTEXT

    def set_attribute(self, key: str, value: Any) -> None:
        self.attributes[key] = value

    def set_attributes(self, attributes: Any) -> None:
        self.attributes.update(attributes)

    def set_status(self, status: Any, description: str | None = None) -> None:
        self.status = status

    def add_event(self, name: str, attributes: Any = None, timestamp: int | None = None) -> None:
        raise AssertionError("no event is made")

    def record_exception(self, exception: BaseException, *args: Any, **kwargs: Any) -> None:
        raise AssertionError("a traceback is not the trace's to show")

    def update_name(self, name: str) -> None:
        self.name = name

    def is_recording(self) -> bool:
        return self.ended is None


class RecordedSpans(TracerProvider, Tracer):
    """All spans that were started, in their order."""

    def __init__(self) -> None:
        self.spans: list[RecordedSpan] = []

    def get_tracer(self, instrumenting_module_name: str, *args: Any, **kwargs: Any) -> Tracer:
        self.scope = instrumenting_module_name
        return self

    def start_span(self, name: str, context: Any = None, kind: Any = None, attributes: Any = None, **given: Any) -> Any:
        span = RecordedSpan(
            self.scope, name, kind=kind, attributes=attributes, parent=trace.get_current_span(context), **given
        )
        self.spans.append(span)
        return span

    def start_as_current_span(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError


@contextmanager
def current_span(scope: str, name: str, **attributes: Any) -> Any:
    """A span of an instrumentation's, current inside."""
    span = RecordedSpan(scope, name, attributes=attributes)
    with trace.use_span(span, end_on_exit=False):
        yield span
