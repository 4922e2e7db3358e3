"""OpenTelemetry: what is known of a call, as attributes of a span.

The names are those of the GenAI conventions, https://github.com/open-telemetry/semantic-conventions-genai, which is
still in development and has no release of its own: read on 2026-11-26, beside release 1.44.0 of
https://github.com/open-telemetry/semantic-conventions. Where the two differ, both names are set. No text of a prompt or
an answer is among them.

Needs the extra ``otel``. Nothing imports it, or OpenTelemetry, but :mod:`langchain_gumloop.telemetry`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, TracerProvider

from gumloop_core.costs.observer_context import ObserverContext
from gumloop_core.costs.prices import reported_cost
from gumloop_core.json_text import is_finite_number
from gumloop_core.observation import CallObserver, CallRecord
from gumloop_core.version import __version__

__all__ = ["AddedTo", "CallSpans", "CurrentSpan", "call_attributes"]

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
        if is_finite_number(value):
            attributes[name] = value
    choices = options.get("n")
    if is_finite_number(choices) and choices != 1:
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


def _cost(record: CallRecord) -> float | None:
    used = [*record.usage_of_retried, *([record.usage] if record.usage is not None else [])]
    costs = [cost for cost in map(reported_cost, used) if cost is not None]
    return sum(costs) if costs else None


def _current_span() -> Span:
    """OpenTelemetry's current span itself: OpenInference puts a stand-in in its place, which it empties later."""
    span = trace.get_current_span()
    itself: Span = getattr(span, "__wrapped__", span)
    return itself


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

    def of_call(self) -> CallObserver:
        """Notes which span a call is made in: a stream may be read, and end, in another."""
        return _SpanOfCall(self._tracer, trace.set_span_in_context(_current_span()))

    def before_call(self, model: str) -> None:
        """Nothing yet."""

    def after_call(self, record: CallRecord) -> None:
        """Make the span of a call that has just been made."""
        self.of_call().after_call(record)


class _SpanOfCall:
    """Makes one call's span when it has ended, with the time of its beginning."""

    def __init__(self, tracer: Tracer, made_in: Context) -> None:
        self._tracer = tracer
        self._made_in = made_in

    def before_call(self, model: str) -> None:
        pass

    def after_call(self, record: CallRecord) -> None:
        end = time.time_ns()
        span = self._tracer.start_span(
            f"chat {record.model}",
            self._made_in,
            SpanKind.CLIENT,
            call_attributes(record),
            start_time=end - round(record.seconds * 1e9),
        )
        if record.error is not None:
            span.set_status(Status(StatusCode.ERROR, str(record.error)))
        span.end(end)


class CurrentSpan(ObserverContext):
    """Adds what is known of a call to the span that an instrumentation has made for it.

    It does where that span is the current one as the call is made, and is a model's call by its maker's mark:
    OpenInference's, OpenLLMetry's, Langfuse's, MLflow's or LlamaIndex's own. Any other span is left alone: the call's
    numbers are not those of the request or the chain around it.

    Example:
        .. code-block:: python

            LlamaIndexInstrumentor().instrument()
            with CurrentSpan():
                llm.chat(messages)

    Args:
        current: Gives the current span; ``None`` for OpenTelemetry's. MLflow, which keeps its own, has
            ``mlflow.get_current_active_span``.
    """

    def __init__(self, current: Callable[[], Any] | None = None) -> None:
        super().__init__()
        self._current = current or _current_span

    def of_call(self) -> CallObserver:
        """Notes which span is current as a call is made: that of a stream may not be when it ends."""
        span = self._current()
        return AddedTo(lambda: span)

    def before_call(self, model: str) -> None:
        """Nothing yet."""

    def after_call(self, record: CallRecord) -> None:
        """Add to the current span."""
        self.of_call().after_call(record)


class AddedTo:
    """Adds what is known of one call to a span, if that is a model's call and has not ended.

    Args:
        span: Gives the span when the call has ended, OpenTelemetry's or MLflow's; ``None`` if there is none.
        is_of_call: Whether it is known to be the call's, whatever it looks like.
    """

    def __init__(self, span: Callable[[], Any], *, is_of_call: bool = False) -> None:
        self._span = span
        self._is_of_call = is_of_call

    def before_call(self, model: str) -> None:
        """Nothing yet."""

    def after_call(self, record: CallRecord) -> None:
        """Add the attributes, by the conventions' names and by those that the span's maker has."""
        span = self._span()
        if not getattr(span, "is_recording", lambda: span is not None)():
            return
        if self._is_of_call or _is_a_models(span):
            span.set_attributes({**call_attributes(record), **_by_its_maker(span, record)})


_BY_METHOD = ("openinference.instrumentation.llama_index", "llamaindex.opentelemetry.tracer")
"""Instrumentations that name a span by the method, and mark it no sooner than it ends."""
_METHODS = frozenset(
    f"{prefix}{method}" for prefix in ("", "a", "stream_", "astream_") for method in ("chat", "complete")
)


def _is_a_models(span: Any) -> bool:
    attributes: Mapping[str, Any] = getattr(span, "attributes", None) or {}
    return (
        attributes.get("gen_ai.operation.name") == "chat"
        or attributes.get("langfuse.observation.type") == "generation"
        or attributes.get("openinference.span.kind") == "LLM"
        or getattr(span, "span_type", None) in ("CHAT_MODEL", "LLM")
        or (_scope(span) in _BY_METHOD and str(getattr(span, "name", "")).rpartition(".")[2] in _METHODS)
    )


def _scope(span: Any) -> str:
    """The name of the instrumentation that made a span: OpenTelemetry's SDK tells it, its API does not."""
    return str(getattr(getattr(span, "instrumentation_scope", None), "name", ""))


def _by_its_maker(span: Any, record: CallRecord) -> dict[str, Any]:
    """What the maker of a span has names of its own for, and does not find by itself."""
    added: dict[str, Any] = {}
    cost = _cost(record)
    if hasattr(span, "span_type"):  # MLflow's
        if cost is not None:
            added["mlflow.llm.cost"] = {"total_cost": cost}
    elif _scope(span).startswith("openinference."):
        added["llm.provider"] = PROVIDER
        if record.usage is not None and record.usage.cache_write_tokens is not None:
            added["llm.token_count.prompt_details.cache_write"] = record.usage.cache_write_tokens
        if cost is not None:
            added["llm.cost.total"] = cost
    elif _scope(span).startswith("langfuse"):
        if record.answered_by is not None:
            added["langfuse.observation.model.name"] = record.answered_by
        if cost is not None:
            added["langfuse.observation.cost_details"] = json.dumps({"total": cost})
    return added
