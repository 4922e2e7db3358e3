"""Reports of streams: what a listener hears is what the framework's own decorators would have told it."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from typing import Any

import pytest
from llama_index.core.callbacks import CallbackManager
from llama_index.core.instrumentation import root_dispatcher
from llama_index.core.llms import ChatMessage, ChatResponse
from llama_index.core.llms.callbacks import dispatcher as core_dispatcher
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
from llama_index.core.prompts import PromptTemplate
from pydantic import BaseModel

from gumloop_core.telemetry import CurrentSpan
from gumloop_emulator import Answer, Chunks, Emulator, Failure, Pause
from llama_index_gumloop import Gumloop, events
from llama_index_gumloop.from_wire.answers import to_completion_response
from llama_index_gumloop.from_wire.streamed_answers import aconverted, converted
from tests.contract.llama_index.suite.events import RecordedCallbacks, RecordedEvents, RecordedSpans
from tests.support.http_bytes import chunk
from tests.support.recorded_spans import current_span

USER = [ChatMessage("Hi"), ChatMessage(role="assistant", content="Hello"), ChatMessage("Again")]
SOUND = Chunks([chunk({"content": "Ot"}), chunk({"content": "tawa."}), chunk({}, finish_reason="stop")])
FAILS = Chunks([chunk({"content": "Ot"}), chunk({}, finish_reason="error", error={"code": 402, "message": "no"})])
STALLS = Chunks([chunk({"content": "Ot"}), chunk({"content": "ta"}), Pause()])


SCOPE = "openinference.instrumentation.llama_index"


class Total(BaseModel):
    """A total."""

    value: int


class ByCore(Gumloop):
    """The same model, its streams reported by the framework's decorators."""

    @llm_chat_callback()
    def stream_chat(self, messages, **kwargs):
        return self._stream_chat(messages, kwargs)

    @llm_chat_callback()
    async def astream_chat(self, messages, **kwargs):
        return self._astream_chat(messages, kwargs)

    @llm_completion_callback()
    def stream_complete(self, prompt, formatted=False, **kwargs):
        return converted(self._stream_chat(self._prompt_messages(prompt, formatted), kwargs), to_completion_response)

    @llm_completion_callback()
    async def astream_complete(self, prompt, formatted=False, **kwargs):
        return aconverted(self._astream_chat(self._prompt_messages(prompt, formatted), kwargs), to_completion_response)


class RecordedArguments(RecordedSpans):
    """Keeps the arguments of spans too."""

    def new_span(self, id_: str, bound_args: Any, *args: Any, **kwargs: Any):
        span = super().new_span(id_, *args, **kwargs)
        self._seen[-1] = (*self._seen[-1], dict(bound_args.arguments))
        return span


@pytest.fixture
def heard() -> Iterator[RecordedEvents]:
    handler = RecordedEvents()
    before = list(root_dispatcher.event_handlers)
    root_dispatcher.event_handlers = [*before, handler]
    yield handler
    root_dispatcher.event_handlers = before


@pytest.fixture
def spans() -> Iterator[RecordedArguments]:
    handler = RecordedArguments()
    before = list(root_dispatcher.span_handlers)
    root_dispatcher.span_handlers = [*before, handler]
    yield handler
    root_dispatcher.span_handlers = before


def _plain_event(event: Any) -> tuple[str, dict[str, Any]]:
    fields = {name: value for name, value in event.__dict__.items() if name not in ("timestamp", "id_", "span_id")}
    fields["span"] = (event.span_id or "").split("-")[0].split(".")[-1]
    for name in ("exception", "err_str"):
        if name in fields:
            fields[name] = repr(fields[name])
    return type(event).__name__, fields


def _plain_callback(entry: tuple) -> tuple:
    what, kind, payload, _ = entry
    return (
        what,
        kind,
        {name: repr(value) if "exc" in name.lower() else value for name, value in (payload or {}).items()},
    )


def _run(llm: Gumloop, method: str, way: str) -> None:
    argument: Any = "Hi" if "complete" in method else USER
    call = getattr(llm, method)
    keywords = {"temperature": 0.5}

    async def run() -> None:
        stream = await call(argument, **keywords)
        if way == "closed":
            await stream.__anext__()
            await stream.aclose()
        else:
            async for _ in stream:
                pass

    if method.startswith("a"):
        asyncio.run(run())
    elif way == "closed":
        stream = call(argument, **keywords)
        next(stream)
        stream.close()
    else:
        for _ in call(argument, **keywords):
            pass


WAYS = {"whole": SOUND, "failing": FAILS, "refused": Failure(402, message="no"), "closed": STALLS, "not begun": None}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("method", ["stream_chat", "astream_chat", "stream_complete", "astream_complete"])
def test_a_listener_hears_what_the_framework_would_say(server: Emulator, heard, spans, method: str, way: str):
    told = []
    for kind in (ByCore, Gumloop):
        callbacks = RecordedCallbacks()
        llm = kind(
            model="claude-sonnet-4-5",
            api_key=server.api_key,
            user_id=server.user_id,
            base_url=server.base_url,
            max_retries=0,
            callback_manager=CallbackManager([callbacks]),
        )
        if WAYS[way] is not None:
            server.queue(WAYS[way])
        failure = None
        try:
            if way == "not begun":
                # A conversation that cannot be sent: refused before there is a stream.
                argument = "Hi" if "complete" in method else []
                result = getattr(llm, method)(argument, temprature=1)
                asyncio.run(result) if method.startswith("a") else list(result)
            else:
                _run(llm, method, way)
        except Exception as error:
            failure = repr(error)
        told.append(
            {
                "events": [_plain_event(event) for event in heard.seen],
                "callbacks": [_plain_callback(entry) for entry in callbacks.seen],
                "spans": [(what, name.split(".")[-1], *rest) for what, name, *rest in spans.seen],
                "failure": failure,
            }
        )
        heard.seen.clear()
        spans.seen.clear()
    gc.collect()  # closing a stream of the framework's leaves what is within it to the collector
    assert server.wait_for(lambda server: server.active_streams == 0)
    by_core, ours = told
    for name in by_core:
        assert ours[name] == by_core[name], name
    assert ours["events"]
    assert len(ours["spans"]) == 2


def test_nothing_is_made_where_nobody_listens(server: Emulator, llm, monkeypatch):
    made = []
    monkeypatch.setattr(events._Report, "progressed", lambda self, response: made.append(response))
    server.queue(SOUND)
    assert len(list(llm.stream_chat(USER))) == 3
    assert made == []


@pytest.mark.parametrize("place", [root_dispatcher, core_dispatcher], ids=["root", "core"])
def test_a_listener_that_comes_late_hears_the_rest(server: Emulator, llm, place):
    server.queue(SOUND)
    handler = RecordedEvents()
    before = list(place.event_handlers)
    stream = llm.stream_chat(USER)
    next(stream)
    try:
        place.event_handlers = [*before, handler]
        assert len(list(stream)) == 2
    finally:
        place.event_handlers = before
    assert handler.names == {"LLMChatInProgressEvent": 2, "LLMChatEndEvent": 1}


@pytest.mark.parametrize("method", ["stream_complete", "astream_complete"])
def test_a_prompt_may_be_named_and_must_be_there(server: Emulator, llm, heard, method: str):
    def read(**given: Any) -> None:
        if method == "stream_complete":
            list(llm.stream_complete(**given))
            return

        async def run() -> None:
            async for _ in await llm.astream_complete(**given):
                pass

        asyncio.run(run())

    server.queue(SOUND)
    read(prompt="Hi")
    assert heard.seen[0].prompt == "Hi"
    with pytest.raises((ValueError, TypeError), match="prompt"):
        read()


def test_a_callback_manager_that_was_taken_away_is_made_anew(server: Emulator, llm, heard):
    server.queue(SOUND)
    llm.__dict__["callback_manager"] = None
    assert len(list(llm.stream_chat(USER))) == 3
    assert isinstance(llm.callback_manager, CallbackManager)


def test_a_listener_behind_a_closed_door_does_not_count(monkeypatch):
    monkeypatch.setattr(root_dispatcher, "event_handlers", [*root_dispatcher.event_handlers, RecordedEvents()])
    assert events.has_listeners()
    monkeypatch.setattr(core_dispatcher, "propagate", False)
    assert not events.has_listeners()


@pytest.mark.skipif("rate_limiter" not in Gumloop.model_fields, reason="the framework has no rate limiters yet")
def test_a_rate_limiter_is_asked_at_every_call(server: Emulator, make_llm):
    asked = []

    class Counting:
        def acquire(self, num_tokens: int = 0) -> None:
            asked.append("sync")

        async def async_acquire(self, num_tokens: int = 0) -> None:
            asked.append("async")

    llm = make_llm(rate_limiter=Counting())

    async def ask() -> None:
        await llm.achat(USER)
        async for _ in await llm.astream_chat(USER):
            pass

    llm.chat(USER)
    list(llm.stream_chat(USER))
    list(llm.stream_complete("Hi"))
    asyncio.run(ask())
    assert asked == ["sync"] * 3 + ["async"] * 2


def test_a_cancelled_task_hangs_up(server: Emulator, llm):
    server.queue(STALLS)

    async def read() -> None:
        async for _ in await llm.astream_chat(USER):
            pass

    async def cancel() -> None:
        task = asyncio.create_task(read())
        await asyncio.to_thread(server.wait_for, lambda server: server.active_streams == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(server.wait_for, lambda server: server.active_streams == 0)

    asyncio.run(cancel())


@pytest.mark.parametrize("method", ["stream_chat", "stream_complete", "astream_chat", "astream_complete"])
def test_closing_a_stream_closes_what_is_within_it_at_once(llm, monkeypatch, method: str):
    closed = []

    def responses(self, messages, given):
        try:
            yield from [_response("Ot"), _response("Otta")]
        finally:
            closed.append(method)

    async def aresponses(self, messages, given):
        try:
            yield _response("Ot")
            yield _response("Otta")
        finally:
            closed.append(method)

    monkeypatch.setattr(Gumloop, "_stream_chat", responses)
    monkeypatch.setattr(Gumloop, "_astream_chat", aresponses)
    argument: Any = "Hi" if "complete" in method else USER

    async def close_early() -> list[str]:
        stream = await getattr(llm, method)(argument)
        await stream.__anext__()
        await stream.aclose()
        return list(closed)

    if method.startswith("a"):
        assert asyncio.run(close_early()) == [method]
    else:
        stream = getattr(llm, method)(argument)
        held = next(stream), stream  # a reference that is left must not keep it open
        stream.close()
        assert closed == [method]
        assert held


def test_a_structured_call_has_its_span_and_the_chats(server: Emulator, llm, spans):
    server.queue(Answer(text='{"value": 5}'))
    llm.structured_predict(Total, PromptTemplate("2 + 3?"))
    assert [(what, name.split(".")[-1]) for what, name, *_ in spans.seen] == [
        ("enter", "structured_predict"),
        ("enter", "chat"),
        ("exit", "chat"),
        ("exit", "structured_predict"),
    ]


def _response(text: str) -> ChatResponse:
    return ChatResponse(message=ChatMessage(role="assistant", content=text), delta=text[-2:])


def test_the_span_of_a_stream_is_told_of_its_call(server: Emulator, llm: Gumloop):
    async def aread(stream):
        return [response async for response in stream]

    async def ask():
        with current_span(SCOPE, "Gumloop.astream_chat") as span:
            stream = await llm.astream_chat(USER)
        await aread(stream)
        return span

    server.queue(SOUND, SOUND)
    with CurrentSpan():
        with current_span(SCOPE, "Gumloop.stream_chat") as span:
            stream = llm.stream_chat(USER)
        list(stream)
        spans = [span, asyncio.run(ask())]
    assert [span.attributes["gen_ai.response.finish_reasons"] for span in spans] == [["stop"], ["stop"]]
    assert [span.attributes["llm.provider"] for span in spans] == ["gumloop", "gumloop"]
