"""Headers of a call: sent, and told to no span, event or callback on any road."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from llama_index.core.callbacks import CallbackManager
from llama_index.core.instrumentation import root_dispatcher
from llama_index.core.llms import ChatMessage
from llama_index.core.prompts import PromptTemplate
from llama_index.core.tools import FunctionTool
from llama_index.core.types import PydanticProgramMode
from pydantic import BaseModel

from gumloop_core.errors import InvalidRequestError
from gumloop_emulator import Answer, Emulator, ToolCall
from tests.contract.llama_index.suite.events import RecordedCallbacks, RecordedEvents, RecordedSpans

# The framework's own stream of objects uses a deprecated method of pydantic.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

SECRET = "canary-1234567"
HEADERS = {"x-gateway-key": SECRET, "x-tenant": "acme"}
USER = [ChatMessage("Hi")]
PROMPT = PromptTemplate("Hi")


class Album(BaseModel):
    """An album."""

    name: str


def add(a: int = 1) -> int:
    """Add one."""
    return a + 1


TOOLS = [FunctionTool.from_defaults(add)]


class Everything(RecordedSpans):
    """Keeps all that spans are told."""

    def new_span(self, id_: str, *args: Any, **kwargs: Any):
        span = super().new_span(id_, *args, **kwargs)
        self._seen.append((repr(args), repr(kwargs)))
        return span

    def prepare_to_exit_span(self, id_: str, *args: Any, **kwargs: Any):
        self._seen.append((repr(args), repr(kwargs)))
        return super().prepare_to_exit_span(id_, *args, **kwargs)


@pytest.fixture
def told() -> Iterator[Callable[[], str]]:
    events, spans = RecordedEvents(), Everything()
    before = list(root_dispatcher.event_handlers), list(root_dispatcher.span_handlers)
    root_dispatcher.event_handlers = [*before[0], events]
    root_dispatcher.span_handlers = [*before[1], spans]
    yield lambda: repr(events.seen) + repr(spans.seen)
    root_dispatcher.event_handlers, root_dispatcher.span_handlers = before


def finished(result: Any) -> Any:
    """What a road gives, taken to its end."""

    async def answered() -> Any:
        answer = await result
        return [item async for item in answer] if hasattr(answer, "__aiter__") else answer

    if hasattr(result, "__await__"):
        return asyncio.run(answered())
    return list(result) if hasattr(result, "__next__") else result


OBJECT = Answer(text='{"name": "Help!"}')
OBJECT_CALL = Answer(tool_calls=[ToolCall("Album", {"name": "Help!"})])
CALL = Answer(tool_calls=[ToolCall("add", {"a": 1})])
WAYS = ("", "a", "stream_", "astream_")

ROADS: dict[str, tuple[Answer, Callable[[Any], Any]]] = {}
for way in WAYS:
    ROADS |= {
        f"{way}chat": (OBJECT, lambda llm, way=way: getattr(llm, f"{way}chat")(USER, extra_headers=HEADERS)),
        f"{way}complete": (OBJECT, lambda llm, way=way: getattr(llm, f"{way}complete")("Hi", extra_headers=HEADERS)),
        f"{way}chat_with_tools": (
            CALL,
            lambda llm, way=way: getattr(llm, f"{way}chat_with_tools")(TOOLS, "Hi", extra_headers=HEADERS),
        ),
        f"structured {way}chat": (
            OBJECT,
            lambda llm, way=way: getattr(llm.as_structured_llm(Album), f"{way}chat")(USER, extra_headers=HEADERS),
        ),
        f"structured {way}complete": (
            OBJECT,
            lambda llm, way=way: getattr(llm.as_structured_llm(Album), f"{way}complete")("Hi", extra_headers=HEADERS),
        ),
        f"{way}structured_predict": (
            OBJECT,
            lambda llm, way=way: getattr(llm, f"{way}structured_predict")(
                Album, PROMPT, llm_kwargs={"extra_headers": HEADERS}
            ),
        ),
        f"{way}structured_predict by place": (
            OBJECT,
            lambda llm, way=way: getattr(llm, f"{way}structured_predict")(Album, PROMPT, {"extra_headers": HEADERS}),
        ),
    }
for way in ("", "a"):
    ROADS[f"{way}predict_and_call"] = (
        CALL,
        lambda llm, way=way: getattr(llm, f"{way}predict_and_call")(TOOLS, "Hi", extra_headers=HEADERS),
    )


@pytest.mark.parametrize("road", ROADS)
def test_a_secret_header_is_sent_and_not_told(server: Emulator, make_llm, told, road: str):
    callbacks = RecordedCallbacks()
    answer, call = ROADS[road]
    server.queue(answer)
    finished(call(make_llm(callback_manager=CallbackManager([callbacks]))))
    assert server.requests[-1].headers["x-gateway-key"] == SECRET
    shown = told() + repr(callbacks.seen)
    assert SECRET not in shown
    assert "acme" not in shown  # no value of a call's headers is a tracer's business


@pytest.mark.parametrize("mode", [PydanticProgramMode.FUNCTION, PydanticProgramMode.LLM])
@pytest.mark.parametrize("way", WAYS)
def test_a_program_does_not_tell_either(server: Emulator, make_llm, told, way: str, mode: PydanticProgramMode):
    llm = make_llm(pydantic_program_mode=mode)
    for road in (f"{way}structured_predict", f"structured {way}chat"):
        server.queue(OBJECT_CALL if mode == PydanticProgramMode.FUNCTION else OBJECT)
        finished(ROADS[road][1](llm))
        assert server.requests[-1].headers["x-gateway-key"] == SECRET
    assert SECRET not in told()


class Strange:
    """Cannot be asked whether it is true."""

    def __bool__(self) -> bool:
        raise RuntimeError("The truth value is ambiguous.")


@pytest.mark.parametrize("method", ["chat", "stream_chat"])
def test_headers_that_are_neither_true_nor_false_are_refused(llm, method: str):
    with pytest.raises(InvalidRequestError, match="extra_headers must be"):
        getattr(llm, method)(USER, extra_headers=Strange())
