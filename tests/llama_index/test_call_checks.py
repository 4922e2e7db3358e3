"""What the public calls are given: anything odd is our own error, with the place of what is at fault."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import pytest
from llama_index.core.base.llms.types import (
    AudioBlock,
    CacheControl,
    CachePoint,
    CitableBlock,
    CitationBlock,
    DocumentBlock,
    ImageBlock,
    ThinkingBlock,
    ToolCallBlock,
    VideoBlock,
)
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events import BaseEvent
from llama_index.core.instrumentation.events.llm import LLMChatStartEvent, LLMCompletionStartEvent
from llama_index.core.llms import ChatMessage, ChatResponse, TextBlock
from llama_index.core.prompts import PromptTemplate
from pydantic import BaseModel

from gumloop_core.errors import InvalidRequestError, UnexpectedError
from gumloop_emulator import Answer
from llama_index_gumloop import Gumloop
from llama_index_gumloop.to_wire.messages import to_messages
from tests.support.pictures import png
from tests.support.turns import Turns, counted_turns, one_begins_in_each_turn

ROADS = ["chat", "stream_chat", "achat", "astream_chat", "complete", "stream_complete", "acomplete", "astream_complete"]


def call(llm: Gumloop, road: str, *args: Any, **options: Any) -> Any:
    """Call a model on one of its roads, to the end of the answer."""

    async def finished() -> Any:
        answer = await getattr(llm, road)(*args, **options)
        return [response async for response in answer] if inspect.isasyncgen(answer) else answer

    if road.startswith("a"):
        return asyncio.run(finished())
    answer = getattr(llm, road)(*args, **options)
    return list(answer) if inspect.isgenerator(answer) else answer


@pytest.mark.parametrize("messages", [None, 5, "Hi", {}, [5], ["Hi"], [None], [{"role": "user"}]], ids=repr)
@pytest.mark.parametrize("road", ROADS[:4])
def test_what_are_no_messages_is_named(server, llm, road: str, messages: Any):
    with pytest.raises(InvalidRequestError, match="messages"):
        call(llm, road, messages)
    assert not server.requests


@pytest.mark.parametrize("prompt", [None, 5, ["Hi"], {}], ids=repr)
@pytest.mark.parametrize("road", ROADS[4:])
def test_what_is_no_prompt_is_named(server, llm, road: str, prompt: Any):
    with pytest.raises(InvalidRequestError, match="prompt"):
        call(llm, road, prompt)
    with pytest.raises(InvalidRequestError, match="prompt"):
        call(llm, road)
    assert not server.requests


class Album(BaseModel):
    """An album."""

    name: str


@pytest.mark.parametrize("mode", ["default", "function"])
@pytest.mark.parametrize("road", ROADS)
def test_a_structured_llm_names_what_makes_no_sense(server, make_llm, road: str, mode: str):
    llm = make_llm(pydantic_program_mode=mode).as_structured_llm(Album)
    for given in (None, 5, [5], ["Hi"], {}):
        with pytest.raises(InvalidRequestError, match=r"messages|prompt"):
            call(llm, road, given)
    assert not server.requests


PREDICTIONS = ["structured_predict", "astructured_predict", "stream_structured_predict", "astream_structured_predict"]


@pytest.mark.parametrize("odd", [5, "Hi", [5], object(), 10**5000], ids=lambda odd: type(odd).__name__)
@pytest.mark.parametrize("road", PREDICTIONS)
def test_a_prediction_names_what_makes_no_sense(server, llm, road: str, odd: Any):
    prompt = PromptTemplate("Hi")
    with pytest.raises(InvalidRequestError, match="no pydantic class"):
        call(llm, road, odd, prompt)
    with pytest.raises(InvalidRequestError, match="must be a prompt template"):
        call(llm, road, Album, odd)
    with pytest.raises(InvalidRequestError, match="llm_kwargs must be a dict"):
        call(llm, road, Album, prompt, llm_kwargs=odd)
    assert not server.requests


RESPONSES = [None, 5, "Hi", [], ChatResponse.model_construct(message=None, additional_kwargs={})]


@pytest.mark.parametrize("response", RESPONSES, ids=lambda response: type(response).__name__)
def test_what_is_no_response_has_no_calls(llm, response: Any):
    with pytest.raises(InvalidRequestError, match="not the response of a chat"):
        llm.get_tool_calls_from_response(response)


@pytest.mark.parametrize("odd", [None, 5, [], (), {}, b"x", object()], ids=lambda odd: type(odd).__name__)
def test_odd_facts_beside_a_response_raise_nothing_of_python(llm, odd: Any):
    block = ToolCallBlock(tool_name="add", tool_kwargs="{nope")
    message = ChatMessage(role="assistant", blocks=[block])
    for facts in (odd, {"finish_reason": odd}):
        response = ChatResponse.model_construct(message=message, additional_kwargs=facts)
        (selection,) = llm.get_tool_calls_from_response(response, error_on_no_tool_call=False)
        assert selection.tool_name == "add"


@pytest.mark.parametrize("history", [5, [5], "Hi"], ids=repr)
def test_what_is_no_history_is_named(server, llm, history: Any):
    with pytest.raises(InvalidRequestError, match="messages"):
        llm.chat_with_tools([], user_msg="Hi", chat_history=history)


def deep(levels: int) -> Any:
    value: Any = {}
    for _ in range(levels):
        value = {"a": value}
    return value


BLOCKS: list[Callable[[], Any]] = [
    lambda: TextBlock(text="text"),
    lambda: ImageBlock(image=png()),
    lambda: ImageBlock(url="https://pictures.invalid/one.png"),
    lambda: AudioBlock(audio=b"RIFF1234WAVE", format="wav"),
    lambda: VideoBlock(video=b"1234", video_mimetype="video/mp4"),
    lambda: DocumentBlock(data=b"%PDF-1.4", title="one.pdf"),
    lambda: CachePoint(cache_control=CacheControl(type="ephemeral")),
    lambda: CitableBlock(title="Atlas", source="atlas.txt", content="text"),
    lambda: CitationBlock(cited_content="text", source="p. 7", title="Atlas", additional_location_info={}),
    lambda: ThinkingBlock(content="hm", additional_information={"reasoning_details": [{"type": "reasoning.text"}]}),
    lambda: ToolCallBlock(tool_call_id="call_1", tool_name="add", tool_kwargs={"a": 1}),
]
FIELDS = [
    pytest.param(make, field, id=f"{type(make()).__name__}-{number}-{field}")
    for number, make in enumerate(BLOCKS)
    for field in type(make()).model_fields
]
VALUES = [
    None, True, 5, -1.5, float("nan"), 10**400, "", "x", "\ud800", b"x", [], [1], [{}], {}, {"a": 1}, {1: 2}, {1, 2},
    object(), deep(3000), {"a": object()}, {"a": float("nan")},
    *({"reasoning_details": details} for details in ("x", 5, {}, [5], [deep(3000)], [{"a": object()}])),
]  # fmt: skip


@pytest.mark.parametrize(("make", "field"), FIELDS)
def test_a_field_of_any_kind_is_sent_or_named(llm, make: Callable[[], Any], field: str):
    for role in ("user", "assistant", "system", "tool"):
        for value in VALUES:
            block = make()
            block.__dict__[field] = value  # as it can become after the block was made
            additional = {"tool_call_id": "call_1"} if role == "tool" else {}
            message = ChatMessage(role=role, blocks=[TextBlock(text="text")], additional_kwargs=additional)
            message.blocks.append(block)
            try:
                llm._request([ChatMessage("Hi"), message], {}, stream=False)
            except InvalidRequestError as error:
                assert "messages[1]" in error.message  # noqa: PT017 - either is right


ADDITIONAL = [
    *VALUES,
    *({"tool_calls": calls} for calls in (5, "x", {}, [5], [{"id": {}, "function": 5}])),
    {"tool_calls": [{"id": "call_1", "function": {"name": [], "arguments": 5}}]},
    {"tool_calls": [{"id": "call_1", "function": {"name": "add", "arguments": deep(3000)}}]},
    *({"annotations": given} for given in (5, {}, [5, None], [object()], [{"type": "url_citation"}])),
    *({"images": given} for given in (5, [5], {"a": 1})),
    *({name: given} for name in ("name", "refusal", "tool_call_id") for given in (5, [], {"a": 1})),
]


@pytest.mark.parametrize("role", ["user", "assistant", "system", "tool"])
def test_additional_kwargs_of_any_kind_are_sent_or_named(role: str):
    for given in ADDITIONAL:
        message = ChatMessage(role=role, content="text")
        message.__dict__["additional_kwargs"] = given
        try:
            to_messages([ChatMessage("Hi"), message])
        except InvalidRequestError as error:
            assert "messages[1]" in error.message  # noqa: PT017 - either is right


@pytest.mark.parametrize("road", ROADS)
def test_what_nobody_foresaw_is_our_own_error_with_the_answer(server, llm, monkeypatch, road: str):
    def fail(completion: Any) -> None:
        raise AttributeError("nobody foresaw this")

    monkeypatch.setattr("llama_index_gumloop.from_wire.answers._facts", fail)
    server.queue(Answer(text="Ottawa."))
    with pytest.raises(UnexpectedError, match="nobody foresaw this") as caught:
        call(llm, road, [ChatMessage("Hi")] if "chat" in road else "Hi")
    assert caught.value.partial is not None
    assert caught.value.partial.text == "Ottawa."


@pytest.mark.parametrize("road", ROADS)
def test_what_nobody_foresaw_in_a_request_is_our_own_error(server, llm, monkeypatch, road: str):
    def fail(*args: Any, **kwargs: Any) -> None:
        raise KeyError("nobody foresaw this")

    monkeypatch.setattr("llama_index_gumloop.llm.build_body", fail)
    with pytest.raises(UnexpectedError, match="nobody foresaw this"):
        call(llm, road, [ChatMessage("Hi")] if "chat" in road else "Hi")


@pytest.mark.parametrize("road", ["achat", "astream_chat", "acomplete", "astream_complete"])
def test_one_call_begins_in_each_turn_of_the_event_loop(llm: Gumloop, road: str) -> None:
    started = LLMCompletionStartEvent if "complete" in road else LLMChatStartEvent
    seen: list[int] = []

    class Beginnings(BaseEventHandler):
        def handle(self, event: BaseEvent, **_: Any) -> None:
            if isinstance(event, started):
                seen.append(turns.number)

    async def job() -> None:
        nonlocal turns
        with one_begins_in_each_turn(), counted_turns() as turns:
            given = "Hi" if "complete" in road else [ChatMessage("Hi")]
            answers = await asyncio.gather(*(getattr(llm, road)(given) for _ in range(12)))
            for answer in answers:
                if inspect.isasyncgen(answer):
                    assert [response async for response in answer]

    turns = Turns()
    handler = Beginnings()
    dispatcher = get_dispatcher()
    dispatcher.add_event_handler(handler)
    try:
        asyncio.run(job())
    finally:
        dispatcher.event_handlers.remove(handler)
    assert len(seen) == len(set(seen)) == 12
