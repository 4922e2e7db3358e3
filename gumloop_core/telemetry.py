"""OpenTelemetry: what is known of a call, as attributes of a span.

The names are those of the GenAI conventions, https://github.com/open-telemetry/semantic-conventions-genai, which is
still in development and has no release of its own: read on 2026-11-26, beside release 1.44.0 of
https://github.com/open-telemetry/semantic-conventions. Where the two differ, both names are set. No text of a prompt or
an answer is among them.

Needs the extra ``otel``. Nothing else in the packages imports OpenTelemetry.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, TypeGuard

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, TracerProvider

from gumloop_core.costs.observer_context import ObserverContext
from gumloop_core.costs.prices import reported_cost
from gumloop_core.observation import CallRecord
from gumloop_core.version import __version__

__all__ = ["CallSpans", "CurrentSpan", "call_attributes", "describe"]

PROVIDER = "gumloop"

Attribute: TypeAlias = str | bool | int | float | Sequence[str]

_NUMBERS = {
    "max_tokens": "gen_ai.request.max_tokens",
    "max_completion_tokens": "gen_ai.request.max_tokens",
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "top_k": "gen_ai.request.top_k",
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "presence_penalty": "gen_ai.request.presence_penalty",
    "seed": "gen_ai.request.seed",
}
_TOKENS = {
    "prompt_tokens": ("gen_ai.usage.input_tokens",),
    "completion_tokens": ("gen_ai.usage.output_tokens",),
    "cached_tokens": ("gen_ai.usage.cache_read.input_tokens",),
    # The second is 1.44.0's name; the conventions' own repository has the first since.
    "cache_write_tokens": ("gen_ai.usage.cache_write.input_tokens", "gen_ai.usage.cache_creation.input_tokens"),
    "reasoning_tokens": ("gen_ai.usage.reasoning.output_tokens",),
    "prompt_audio_tokens": ("gen_ai.usage.audio.input_tokens",),
    "completion_audio_tokens": ("gen_ai.usage.audio.output_tokens",),
}
_COST = ("gen_ai.usage.cost", "operation.cost")
"""The conventions have no name for money. Langfuse reads the first, Logfire the second."""


def call_attributes(record: CallRecord) -> dict[str, Attribute]:
    """What is known of a call, by the names that OpenTelemetry gives it.

    Token counts are those of the answer. The cost is all that the server reported, in USD: failed attempts that were
    paid for are in it. It is absent where the server reported none; nothing is estimated.

    Args:
        record: What came of the call.
    """
    attributes: dict[str, Attribute] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": PROVIDER,
        "gen_ai.request.model": record.model,
        **_asked(record.options),
    }
    if record.answered_by is not None:
        attributes["gen_ai.response.model"] = record.answered_by
    if record.answer_id is not None:
        attributes["gen_ai.response.id"] = record.answer_id
    if record.finish_reason is not None:
        attributes["gen_ai.response.finish_reasons"] = [record.finish_reason]
    if record.seconds_to_first_piece is not None:
        attributes["gen_ai.response.time_to_first_chunk"] = record.seconds_to_first_piece
    if record.usage is not None:
        for field, names in _TOKENS.items():
            count = getattr(record.usage, field)
            if count is not None:
                attributes.update(dict.fromkeys(names, count))
    cost = _cost(record)
    if cost is not None:
        attributes.update(dict.fromkeys(_COST, cost))
    if record.attempts > 1:
        attributes["gumloop.attempts"] = record.attempts
    if record.error is not None:
        attributes["error.type"] = type(record.error).__name__
    elif not record.is_whole:
        attributes["gumloop.is_whole"] = False
    return attributes


def _asked(options: Mapping[str, Any]) -> dict[str, Attribute]:
    """What was asked for, of what has the form that its attribute must have: the rest is for the endpoint to refuse."""
    attributes: dict[str, Attribute] = {}
    for option, name in _NUMBERS.items():
        value = options.get(option)
        if _is_number(value):
            attributes[name] = value
    choices = options.get("n")
    if _is_number(choices) and choices != 1:
        attributes["gen_ai.request.choice.count"] = choices
    if options.get("stream") is True:
        attributes["gen_ai.request.stream"] = True
    stop = options.get("stop")
    stops = [stop] if isinstance(stop, str) else stop
    if isinstance(stops, list) and stops and all(isinstance(text, str) for text in stops):
        attributes["gen_ai.request.stop_sequences"] = stops
    reasoning = options.get("reasoning")
    effort = reasoning.get("effort") if isinstance(reasoning, dict) else None
    if isinstance(effort, str):
        attributes["gen_ai.request.reasoning.level"] = effort
    if isinstance(options.get("session_id"), str):
        attributes["gen_ai.conversation.id"] = options["session_id"]
    response_format = options.get("response_format")
    if isinstance(response_format, dict) and str(response_format.get("type")).startswith("json"):
        attributes["gen_ai.output.type"] = "json"
    return attributes


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _cost(record: CallRecord) -> float | None:
    used = [*record.usage_of_retried, *([record.usage] if record.usage is not None else [])]
    costs = [cost for cost in map(reported_cost, used) if cost is not None]
    return sum(costs) if costs else None


class CallSpans(ObserverContext):
    """Makes a span of each call: ``chat claude-sonnet-4-5``, a child of the span that the call is made in.

    It stands where no instrumentation of the framework tells of calls, or where that one leaves something out. With
    both, a call has two spans that tell its tokens; a backend that adds them up counts it twice.

    Example:
        .. code-block:: python

            with CallSpans():
                llm.invoke("Capital of Canada?")

    Args:
        tracer_provider: Whose spans they are; ``None`` for the global one.
    """

    def __init__(self, tracer_provider: TracerProvider | None = None) -> None:
        super().__init__()
        self._tracer = trace.get_tracer("gumloop", __version__, tracer_provider)

    def before_call(self, model: str) -> None:
        """Nothing yet: the span is made when the call has ended, with the time of its beginning."""

    def after_call(self, record: CallRecord) -> None:
        """Make the span."""
        end = time.time_ns()
        span = self._tracer.start_span(
            f"chat {record.model}",
            kind=SpanKind.CLIENT,
            attributes=call_attributes(record),
            start_time=end - round(record.seconds * 1e9),
        )
        if record.error is not None:
            span.set_status(Status(StatusCode.ERROR, str(record.error)))
        span.end(end)


class CurrentSpan(ObserverContext):
    """Adds what is known of a call to the span that an instrumentation has made for it.

    It does where that span is the current one when the call ends, and is a model's call by its maker's mark:
    LlamaIndex's own, OpenInference's, OpenLLMetry's or Langfuse's. Any other span is left alone: the call's numbers are
    not those of the request or the chain around it.

    Example:
        .. code-block:: python

            LlamaIndexInstrumentor().instrument()
            with CurrentSpan():
                llm.chat(messages)
    """

    def before_call(self, model: str) -> None:
        """Nothing yet."""

    def after_call(self, record: CallRecord) -> None:
        """Add the attributes."""
        span = trace.get_current_span()
        if span.is_recording() and _is_of_a_call(span):
            describe(span, record)


_OPENINFERENCE = "openinference."
_BY_METHOD = ("openinference.instrumentation.llama_index", "llamaindex.opentelemetry.tracer")
"""Instrumentations that name a span by the method, and mark it when it ends."""
_METHODS = frozenset(
    f"{prefix}{method}" for prefix in ("", "a", "stream_", "astream_") for method in ("chat", "complete")
)


def _is_of_a_call(span: Span) -> bool:
    attributes: Mapping[str, Any] = getattr(span, "attributes", None) or {}
    if (
        attributes.get("gen_ai.operation.name") == "chat"
        or attributes.get("langfuse.observation.type") == "generation"
        or attributes.get("openinference.span.kind") == "LLM"
    ):
        return True
    return _scope(span) in _BY_METHOD and str(getattr(span, "name", "")).rpartition(".")[2] in _METHODS


def _scope(span: Span) -> str:
    """The name of the instrumentation that made a span: OpenTelemetry's SDK tells it, its API does not."""
    return str(getattr(getattr(span, "instrumentation_scope", None), "name", ""))


def describe(span: Span, record: CallRecord) -> None:
    """Add what is known of a call to its span, by the conventions' names and by those that the span's maker has.

    Args:
        span: A span that is recording.
        record: What came of the call.
    """
    span.set_attributes(call_attributes(record))
    cost = _cost(record)
    usage = record.usage
    if _scope(span).startswith(_OPENINFERENCE):
        span.set_attribute("llm.provider", PROVIDER)
        if usage is not None and usage.cache_write_tokens is not None:
            span.set_attribute("llm.token_count.prompt_details.cache_write", usage.cache_write_tokens)
        if cost is not None:
            span.set_attribute("llm.cost.total", cost)
    if _scope(span).startswith("langfuse"):
        if record.answered_by is not None:
            span.set_attribute("langfuse.observation.model.name", record.answered_by)
        if cost is not None:
            span.set_attribute("langfuse.observation.cost_details", json.dumps({"total": cost}))
