"""Events, spans and the older callbacks: one of each a call, right on errors and on early close."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from llama_index.core.callbacks import CallbackManager, CBEventType, EventPayload
from llama_index.core.callbacks.base_handler import BaseCallbackHandler
from llama_index.core.instrumentation import root_dispatcher
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.span import BaseSpan
from llama_index.core.instrumentation.span_handlers import BaseSpanHandler
from pydantic import PrivateAttr

from gumloop_emulator import Chunks, Emulator, Failure, Pause
from tests.contract.llama_index.suite.driver import SECRET_HEADER, ConformanceBase, SyncCalls, user
from tests.support.http_bytes import chunk


class RecordedEvents(BaseEventHandler):
    """Keeps the events."""

    _seen: list[Any] = PrivateAttr(default_factory=list)

    @classmethod
    def class_name(cls) -> str:
        return "RecordedEvents"

    def handle(self, event: Any, **kwargs: Any) -> None:
        self._seen.append(event)

    @property
    def seen(self) -> list[Any]:
        return self._seen

    @property
    def names(self) -> Counter[str]:
        return Counter(type(event).__name__ for event in self._seen)


class RecordedSpans(BaseSpanHandler[BaseSpan]):
    """Keeps what becomes of the spans of an LLM's own methods."""

    _seen: list[tuple[str, str]] = PrivateAttr(default_factory=list)

    @classmethod
    def class_name(cls) -> str:
        return "RecordedSpans"

    @property
    def seen(self) -> list[tuple[str, str]]:
        return self._seen

    def new_span(self, id_: str, *args: Any, **kwargs: Any) -> BaseSpan:
        self._seen.append(("enter", id_.split("-")[0]))
        return BaseSpan(id_=id_)

    def prepare_to_exit_span(self, id_: str, *args: Any, **kwargs: Any) -> BaseSpan:
        self._seen.append(("exit", id_.split("-")[0]))
        return self.open_spans[id_]

    def prepare_to_drop_span(self, id_: str, *args: Any, **kwargs: Any) -> BaseSpan:
        self._seen.append(("drop", id_.split("-")[0]))
        return self.open_spans[id_]


class RecordedCallbacks(BaseCallbackHandler):
    """Keeps the older callbacks."""

    def __init__(self) -> None:
        super().__init__([], [])
        self.seen: list[tuple[str, Any]] = []

    def on_event_start(
        self, event_type: CBEventType, payload: Any = None, event_id: str = "", parent_id: str = "", **kwargs: Any
    ) -> str:
        self.seen.append(("start", event_type, payload, event_id))
        return event_id

    def on_event_end(self, event_type: CBEventType, payload: Any = None, event_id: str = "", **kwargs: Any) -> None:
        self.seen.append(("end", event_type, payload, event_id))

    def start_trace(self, trace_id: str | None = None) -> None:
        return None

    def end_trace(self, trace_id: str | None = None, trace_map: Any = None) -> None:
        return None


class EventTests(ConformanceBase):
    @pytest.fixture
    def events(self) -> Iterator[RecordedEvents]:
        handler = RecordedEvents()
        before = list(root_dispatcher.event_handlers)
        root_dispatcher.event_handlers = [*before, handler]
        yield handler
        root_dispatcher.event_handlers = before

    @pytest.fixture
    def spans(self) -> Iterator[RecordedSpans]:
        handler = RecordedSpans()
        before = list(root_dispatcher.span_handlers)
        root_dispatcher.span_handlers = [*before, handler]
        yield handler
        root_dispatcher.span_handlers = before

    def test_a_chat_has_one_start_and_one_end(self, llm, calls: SyncCalls, events: RecordedEvents):
        response = calls.chat(llm, user())
        assert events.names == {"LLMChatStartEvent": 1, "LLMChatEndEvent": 1}
        start, end = events.seen
        assert start.span_id == end.span_id
        assert [message.content for message in start.messages] == ["Capital of Canada?"]
        assert end.response == response

    def test_a_completion_has_one_start_and_one_end(self, llm, calls: SyncCalls, events: RecordedEvents):
        calls.complete(llm, "Capital of Canada?")
        assert events.names == {"LLMCompletionStartEvent": 1, "LLMCompletionEndEvent": 1}

    def test_a_stream_has_an_event_for_every_response(self, llm, calls: SyncCalls, events: RecordedEvents):
        responses = calls.stream_chat(llm, user())
        assert events.names == {
            "LLMChatStartEvent": 1,
            "LLMChatInProgressEvent": len(responses),
            "LLMChatEndEvent": 1,
        }
        assert [event.response for event in events.seen[1:-1]] == responses
        assert events.seen[-1].response == responses[-1]
        assert len({event.span_id for event in events.seen}) == 1

    def test_a_streamed_completion_has_an_event_for_every_response(self, llm, calls: SyncCalls, events: RecordedEvents):
        responses = calls.stream_complete(llm, "Capital of Canada?")
        assert events.names == {
            "LLMCompletionStartEvent": 1,
            "LLMCompletionInProgressEvent": len(responses),
            "LLMCompletionEndEvent": 1,
        }

    def test_a_call_has_one_span(self, llm, calls: SyncCalls, spans: RecordedSpans):
        for ask in (calls.chat, calls.stream_chat):
            ask(llm, user())
        for ask in (calls.complete, calls.stream_complete):
            ask(llm, "Capital of Canada?")
        assert [what for what, _ in spans.seen] == ["enter", "exit"] * 4

    def test_a_failed_call_drops_its_span(self, llm, server: Emulator, calls: SyncCalls, spans: RecordedSpans):
        server.queue(Failure(402))
        with pytest.raises(self.failures):
            calls.chat(llm, user())
        assert [what for what, _ in spans.seen] == ["enter", "drop"]

    def test_a_stream_that_fails_reports_it_once(self, llm, server: Emulator, calls: SyncCalls, events: RecordedEvents):
        error = {"code": 402, "message": "budget exceeded"}
        server.queue(Chunks([chunk({"content": "Ot"}), chunk({}, finish_reason="error", error=error)]))
        with pytest.raises(Exception, match="budget exceeded"):
            calls.stream_chat(llm, user())
        assert events.names == {"LLMChatStartEvent": 1, "LLMChatInProgressEvent": 1, "ExceptionEvent": 1}

    def test_callbacks_come_in_pairs(self, server: Emulator, calls: SyncCalls):
        handler = RecordedCallbacks()
        llm = self.make_llm(server, callback_manager=CallbackManager([handler]))
        for ask in (calls.chat, calls.stream_chat):
            ask(llm, user())
        for ask in (calls.complete, calls.stream_complete):
            ask(llm, "Capital of Canada?")
        assert [(what, kind) for what, kind, *_ in handler.seen] == [("start", "llm"), ("end", "llm")] * 4
        assert len({event_id for *_, event_id in handler.seen}) == 4

    def test_callbacks_come_in_pairs_on_errors(self, server: Emulator, calls: SyncCalls):
        handler = RecordedCallbacks()
        llm = self.make_llm(server, callback_manager=CallbackManager([handler]))
        server.queue(Failure(402), Failure(402))
        for ask in (calls.chat, calls.stream_chat):
            with pytest.raises(self.failures):
                ask(llm, user())
        seen = [entry for entry in handler.seen if entry[1] == CBEventType.LLM]
        assert [what for what, *_ in seen] == ["start", "end"] * 2
        assert all(EventPayload.EXCEPTION in payload for what, _, payload, _ in seen if what == "end")

    def test_callbacks_come_in_pairs_on_early_close(self, server: Emulator, calls: SyncCalls):
        handler = RecordedCallbacks()
        llm = self.make_llm(server, callback_manager=CallbackManager([handler]))
        server.queue(Chunks([chunk({"content": "Ot"}), chunk({"content": "ta"}), Pause()]))
        calls.first_of_stream(llm, user())
        assert [what for what, *_ in handler.seen] == ["start", "end"]

    def test_events_hold_no_secrets(self, server: Emulator, calls: SyncCalls, events: RecordedEvents):
        handler = RecordedCallbacks()
        llm = self.make_llm(
            server, callback_manager=CallbackManager([handler]), default_headers={"X-Team": SECRET_HEADER}
        )
        calls.stream_chat(llm, user())
        for text in (repr(events.seen), repr(handler.seen), repr([event.model_dump() for event in events.seen])):
            assert server.api_key not in text
            assert SECRET_HEADER not in text

    def test_structured_prediction_is_reported(self, llm, server: Emulator, calls: SyncCalls, events: RecordedEvents):
        from tests.contract.llama_index.suite.structured import PROMPT, Album, StructuredTests

        StructuredTests.script(self, server)
        calls.structured_predict(llm, Album, PROMPT, genre="dub")
        assert events.names["LLMStructuredPredictStartEvent"] == 1
        assert events.names["LLMStructuredPredictEndEvent"] == 1
        assert events.names["LLMChatStartEvent"] == events.names["LLMChatEndEvent"] == 1

    def test_streamed_structured_prediction_is_reported(
        self, llm, server: Emulator, calls: SyncCalls, events: RecordedEvents
    ):
        from tests.contract.llama_index.suite.structured import PROMPT, Album, StructuredTests

        StructuredTests.script(self, server)
        objects = calls.stream_structured_predict(llm, Album, PROMPT, genre="dub")
        assert events.names["LLMStructuredPredictStartEvent"] == 1
        assert events.names["LLMStructuredPredictInProgressEvent"] == len(objects)
        assert events.names["LLMStructuredPredictEndEvent"] == 1
