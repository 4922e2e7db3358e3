"""Spans of calls: what OpenTelemetry's names say of a call, whole and broken, in a span of its own or another's."""

from __future__ import annotations

from time import perf_counter
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from gumloop_core.answer import Usage
from gumloop_core.errors import GumloopError
from gumloop_core.observation import CallRecord
from gumloop_core.telemetry import CallSpans, CurrentSpan, call_attributes
from tests.core.conftest import Connect
from tests.support.byte_server import ByteServer
from tests.support.core_driver import SyncCore, body, settings_for
from tests.support.http_bytes import DONE, FINISH, chunk, completion, event, streamed, text_events, whole
from tests.support.recorded_spans import RecordedSpan, RecordedSpans, current_span

USED = {
    "prompt_tokens": 100,
    "completion_tokens": 40,
    "total_tokens": 140,
    "prompt_tokens_details": {"cached_tokens": 64, "cache_write_tokens": 16},
    "completion_tokens_details": {"reasoning_tokens": 24},
    "cost": 0.00123,
}
ASKED = {"max_completion_tokens": 500, "temperature": 0.5, "stop": "END", "session_id": "s-1"}
EXPECTED = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "gumloop",
    "gen_ai.request.model": "m",
    "gen_ai.request.max_tokens": 500,
    "gen_ai.request.temperature": 0.5,
    "gen_ai.request.stop_sequences": ["END"],
    "gen_ai.conversation.id": "s-1",
    "gen_ai.response.model": "m-served",
    "gen_ai.response.id": "gen-1",
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.usage.input_tokens": 100,
    "gen_ai.usage.output_tokens": 40,
    "gen_ai.usage.cache_read.input_tokens": 64,
    "gen_ai.usage.cache_write.input_tokens": 16,
    "gen_ai.usage.cache_creation.input_tokens": 16,
    "gen_ai.usage.reasoning.output_tokens": 24,
    "gen_ai.usage.cost": 0.00123,
    "operation.cost": 0.00123,
}
ANSWER = whole({**completion(), "usage": USED})
STREAM = streamed([*text_events(), FINISH, event(chunk(usage=USED)), DONE])
FAILED = whole({**completion("", finish_reason="error"), "usage": {"prompt_tokens": 7, "cost": 0.5}})


def test_a_whole_answer(connect: Connect) -> None:
    recorded = RecordedSpans()
    with ByteServer(ANSWER) as server, current_span("app", "GET /") as around, CallSpans(recorded):
        connect(server).complete(body(**ASKED))
    [span] = recorded.spans
    assert span.attributes == EXPECTED
    assert (span.name, span.kind, span.status) == ("chat m", SpanKind.CLIENT, None)
    assert span.began < span.ended
    assert around.attributes == {}


def test_a_stream_tells_its_first_chunk(connect: Connect) -> None:
    recorded = RecordedSpans()
    with ByteServer(STREAM) as server, CallSpans(recorded):
        began = perf_counter()
        stream = connect(server).stream(body(stream=True, **ASKED))
        next(stream)
        until_first = perf_counter() - began
        list(stream)
    [span] = recorded.spans
    assert 0 < span.attributes.pop("gen_ai.response.time_to_first_chunk") <= until_first
    assert span.attributes == {**EXPECTED, "gen_ai.request.stream": True}


def test_the_span_is_a_child_of_the_current_one() -> None:
    recorded = RecordedSpans()
    with current_span("app", "GET /") as around:
        CallSpans(recorded).after_call(CallRecord("m", None, None, None, 1, 0.1, None))
    assert recorded.spans[0].parent is around


def test_an_error_and_what_failed_attempts_cost(connect: Connect) -> None:
    recorded = RecordedSpans()
    with (
        ByteServer(FAILED, FAILED, whole(b"{}", status=400)) as server,
        CallSpans(recorded),
        pytest.raises(GumloopError) as raised,
    ):
        connect(server).complete(body())
    [span] = recorded.spans
    assert span.attributes["error.type"] == type(raised.value).__name__
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == str(raised.value)
    assert (span.attributes["gumloop.attempts"], span.attributes["gen_ai.usage.cost"]) == (3, 1.0)


def test_a_stream_that_its_reader_left(connect: Connect) -> None:
    recorded = RecordedSpans()
    with ByteServer(STREAM) as server, CallSpans(recorded):
        stream = connect(server).stream(body(stream=True))
        next(stream)
        stream.close()  # type: ignore[attr-defined]
    [span] = recorded.spans
    assert span.attributes["gumloop.is_whole"] is False
    assert "error.type" not in span.attributes
    assert span.status is None


@pytest.mark.parametrize("cost", [None, -1.0, float("inf")])
def test_a_cost_that_nobody_told_is_not_made_up(cost: float | None) -> None:
    record = CallRecord("claude-sonnet-4-5", None, None, Usage(1, 2, 3, cost=cost), 1, 0.1, None)
    assert not any("cost" in name for name in call_attributes(record))


def test_options_that_no_attribute_can_hold_are_left_to_the_endpoint() -> None:
    options: dict[str, Any] = {
        "temperature": "hot",
        "max_completion_tokens": True,
        "top_p": None,
        "stop": ["a", 5],
        "n": 1,
        "reasoning": "low",
        "session_id": 7,
        "response_format": "json",
    }
    record = CallRecord("m", None, None, None, 1, 0.1, None, options=options)
    assert call_attributes(record).keys() == {"gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model"}


def test_further_options() -> None:
    options: dict[str, Any] = {
        "max_tokens": 5,
        "top_k": 3,
        "seed": 1,
        "n": 2,
        "reasoning": {"effort": "low"},
        "response_format": {"type": "json_schema"},
    }
    attributes = call_attributes(CallRecord("m", None, None, None, 1, 0.1, None, options=options))
    assert attributes["gen_ai.request.max_tokens"] == 5
    assert attributes["gen_ai.request.top_k"] == 3
    assert attributes["gen_ai.request.seed"] == 1
    assert attributes["gen_ai.request.choice.count"] == 2
    assert attributes["gen_ai.request.reasoning.level"] == "low"
    assert attributes["gen_ai.output.type"] == "json"


RECORD = CallRecord(
    "m", "m-served", "gen-1", Usage(100, 40, 140, cached_tokens=64, cache_write_tokens=16, cost=0.00123), 1, 0.1, None
)
MARKED: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    (
        "openinference.instrumentation.llama_index",
        "Gumloop.achat",
        {},
        {"llm.provider": "gumloop", "llm.token_count.prompt_details.cache_write": 16, "llm.cost.total": 0.00123},
    ),
    ("llamaindex.opentelemetry.tracer", "Gumloop.stream_complete", {}, {}),
    ("opentelemetry.instrumentation.llamaindex", "Gumloop.workflow", {"gen_ai.operation.name": "chat"}, {}),
    (
        "langfuse-sdk",
        "ChatGumloop",
        {"langfuse.observation.type": "generation"},
        {
            "langfuse.observation.model.name": "m-served",
            "langfuse.observation.cost_details": '{"total": 0.00123}',
        },
    ),
]


@pytest.mark.parametrize(("scope", "name", "mark", "more"), MARKED, ids=[case[0] for case in MARKED])
def test_an_instrumentations_span_is_added_to(
    scope: str, name: str, mark: dict[str, Any], more: dict[str, Any]
) -> None:
    with current_span(scope, name, **mark) as span:
        CurrentSpan().after_call(RECORD)
    assert span.attributes == {**mark, **call_attributes(RECORD), **more}


@pytest.mark.parametrize(
    ("scope", "name", "mark"),
    [
        ("app", "GET /", {}),
        ("app", "Gumloop.chat", {}),
        ("openinference.instrumentation.llama_index", "RetrieverQueryEngine.query", {}),
        ("langfuse-sdk", "chain", {"langfuse.observation.type": "chain"}),
    ],
)
def test_any_other_span_is_left_alone(scope: str, name: str, mark: dict[str, Any]) -> None:
    with current_span(scope, name, **mark) as span:
        CurrentSpan().after_call(RECORD)
    assert span.attributes == mark


def test_a_stream_belongs_to_the_span_that_it_was_asked_in() -> None:
    recorded = RecordedSpans()
    with ByteServer(STREAM) as server, CurrentSpan(), CallSpans(recorded):
        driver = SyncCore(settings_for(server.base_url))
        with current_span("openinference.instrumentation.llama_index", "Gumloop.stream_chat") as asked:
            stream = driver.stream(body(stream=True))
        with current_span("openinference.instrumentation.llama_index", "Gumloop.chat") as read:
            list(stream)
        driver.close()
    assert asked.attributes["gen_ai.usage.cost"] == asked.attributes["llm.cost.total"] == 0.00123
    assert read.attributes == {}
    assert recorded.spans[0].parent is asked


def test_a_stand_in_is_not_taken_for_the_span() -> None:
    with current_span("llamaindex.opentelemetry.tracer", "Gumloop.chat") as stand_in:
        stand_in.__wrapped__ = itself = RecordedSpan("llamaindex.opentelemetry.tracer", "Gumloop.chat")
        CurrentSpan().after_call(RECORD)
    assert stand_in.attributes == {}
    assert itself.attributes == call_attributes(RECORD)


@pytest.mark.parametrize(("kind", "is_told"), [("CHAT_MODEL", True), ("LLM", True), ("CHAIN", False)])
def test_mlflows_own_span_is_asked_for(kind: str, is_told: bool) -> None:
    told: dict[str, Any] = {}
    CurrentSpan(lambda: SimpleNamespace(span_type=kind, set_attributes=told.update)).after_call(RECORD)
    assert told == ({**call_attributes(RECORD), "mlflow.llm.cost": {"total_cost": 0.00123}} if is_told else {})


def test_there_may_be_no_span() -> None:
    CurrentSpan().after_call(RECORD)
    CurrentSpan(lambda: None).after_call(RECORD)


def test_a_span_that_ended_is_left_alone() -> None:
    with current_span("langfuse-sdk", "ChatGumloop", **{"langfuse.observation.type": "generation"}) as span:
        span.end()
        CurrentSpan().after_call(RECORD)
    assert "gen_ai.response.id" not in span.attributes


def test_no_text_of_a_prompt_or_an_answer_is_shown(connect: Connect) -> None:
    recorded = RecordedSpans()
    with ByteServer(whole(completion("a secret plan"))) as server, CallSpans(recorded):
        connect(server).complete(body("a quiet question", user="someone"))
    shown = str(recorded.spans[0].attributes)
    assert not any(text in shown for text in ("secret plan", "quiet question", "someone"))
