"""Native v3 events: valid by LangChain's own check, and the same message at the end as from the unary call."""

from __future__ import annotations

import asyncio
import re
import warnings
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_tests.utils.stream_lifecycle import assert_valid_event_stream

from gumloop_core import errors as core
from gumloop_emulator import Answer, Chunks, Emulator
from langchain_gumloop import events
from tests.langchain.answers import PIXEL, PIXEL_URL, call, call_piece, face, streamed, unary
from tests.langchain.conftest import MakeModel
from tests.langchain.from_wire.test_chunks import ANSWERS, ASKED, TEXT_THEN_CALLS, WITH_IMAGES

pytestmark = pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")


def collected(model: Any, **kwargs: Any) -> tuple[list[Any], AIMessage]:
    stream = model.stream_events("x", version="v3", **kwargs)
    return list(stream), stream.output


async def acollected(model: Any) -> tuple[list[Any], AIMessage]:
    stream = await model.astream_events("x", version="v3")
    return [event async for event in stream], await stream.output


def test_the_model_has_its_own_hooks() -> None:
    from langchain_gumloop import ChatGumloop

    assert not hasattr(BaseChatModel, "_stream_chat_model_events")
    assert hasattr(ChatGumloop, "_stream_chat_model_events")
    assert hasattr(ChatGumloop, "_astream_chat_model_events")


@pytest.mark.parametrize(
    ("answers", "options"),
    [
        *[pytest.param(answers, {}, id=name) for name, answers in ANSWERS.items()],
        *[pytest.param(answers, ASKED, id=name) for name, answers in WITH_IMAGES.items()],
    ],
)
def test_the_message_of_the_events_is_the_unary_answer(
    server: Emulator, chat: MakeModel, answers: tuple[Any, Any], options: dict[str, Any]
) -> None:
    model = chat(output_version="v1", **options)
    server.queue(answers[0], answers[1], answers[1])
    expected = face(model.invoke("x"))
    made, message = collected(model)
    assert_valid_event_stream(made)
    assert face(message) == {**expected, "content": expected["content"] or message.content}
    amade, amessage = asyncio.run(acollected(model))
    assert_valid_event_stream(amade)
    assert face(amessage) == face(message)


def test_events_in_order(server: Emulator, chat: MakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_KNOWS_TOOL_CALL_DELTA", True)
    server.queue(TEXT_THEN_CALLS[1])
    made, message = collected(chat())
    assert made[0]["event"] == "message-start"
    assert made[0]["metadata"] == {"provider": "gumloop", "model": "m-served"}
    assert re.fullmatch(r"lc_run--[0-9a-f-]{36}", made[0]["id"])
    assert message.id == made[0]["id"]
    starts = [(event["index"], event["content"]["type"]) for event in made if event["event"] == "content-block-start"]
    assert starts == [(0, "text"), (1, "tool_call_chunk"), (2, "tool_call_chunk")]
    deltas = [(event["index"], event["delta"]) for event in made if event["event"] == "content-block-delta"]
    assert deltas[:2] == [(0, {"type": "text-delta", "text": "Let me "}), (0, {"type": "text-delta", "text": "check."})]
    assert deltas[2:] == [
        (1, {"type": "tool-call-delta", "args": '{"city": '}),
        (1, {"type": "tool-call-delta", "args": '"Paris"}'}),
        (2, {"type": "tool-call-delta", "args": '{"city": "Rome"}'}),
    ]
    assert made[-1]["usage"]["total_tokens"] == 32
    assert made[-1]["metadata"]["finish_reason"] == "tool_calls"


def _fields(made: list[Any], number: int) -> list[Any]:
    return [event["delta"]["fields"] for event in made if "delta" in event and event["index"] == number]


def test_an_older_langchain_gets_arguments_so_far(
    server: Emulator, chat: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "_KNOWS_TOOL_CALL_DELTA", False)
    server.queue(TEXT_THEN_CALLS[1])
    made, message = collected(chat())
    assert_valid_event_stream(made)
    first = [fields["args"] for fields in _fields(made, 1)]
    assert first == ['{"city": ', '{"city": "Paris"}']
    assert {(fields["id"], fields["name"]) for fields in _fields(made, 1)} == {("c1", "weather")}
    assert message.tool_calls[0]["args"] == {"city": "Paris"}


def test_arguments_that_are_not_json_are_an_invalid_call(server: Emulator, chat: MakeModel) -> None:
    pieces = (call_piece(0, '{"city": "Pa', id="c1", name="weather"),)
    server.queue(streamed(*pieces, finish_reason="length"))
    made, message = collected(chat())
    assert_valid_event_stream(made)
    assert message.tool_calls == []
    assert message.invalid_tool_calls[0]["args"] == '{"city": "Pa'
    assert "not JSON" in (message.invalid_tool_calls[0]["error"] or "")


@pytest.mark.parametrize("version", ["v0", "v1"])
def test_a_call_that_was_cut_off_before_its_arguments(server: Emulator, chat: MakeModel, version: str) -> None:
    answer = streamed(call_piece(0, "", id="c1", name="weather"), finish_reason="length")
    server.queue(answer, answer)
    model = chat(output_version=version)
    for message in (collected(model)[1], asyncio.run(acollected(model))[1]):
        assert (message.tool_calls, message.invalid_tool_calls[0]["args"]) == ([], "")
        assert [block["args"] for block in message.content_blocks if "args" in block] == [""]


def test_frames_of_a_picture_replace_each_other(server: Emulator, chat: MakeModel) -> None:
    frames = [f"data:image/png;base64,{PIXEL[:-4]}{end}" for end in ("AAA=", "ggg=")]
    server.queue(streamed(*[{"images": [{"image_url": {"url": url}}]} for url in frames]))
    made, message = collected(chat("gpt-image-1.5", modalities=["image"], image_config={"partial_images": 1}))
    assert_valid_event_stream(made)
    shown = [event["delta"]["fields"]["base64"][-4:] for event in made if "delta" in event]
    assert shown == ["AAA=", "ggg="]
    assert [block["base64"][-4:] for block in message.content_blocks] == ["ggg="]


def test_a_picture_is_sent_once(server: Emulator, chat: MakeModel) -> None:
    server.queue(streamed({"images": [{"image_url": {"url": PIXEL_URL}}]}))
    made, _ = collected(chat(**ASKED))
    assert [PIXEL in str(event) for event in made].count(True) == 1


def test_projections(server: Emulator, chat: MakeModel) -> None:
    server.queue(ANSWERS["reasoning"][1], TEXT_THEN_CALLS[1])
    model = chat()
    stream = model.stream_events("x", version="v3")
    assert "".join(stream.reasoning) == "Let me think."
    assert str(stream.text) == "Ottawa."
    stream = model.stream_events("x", version="v3")
    assert [call["args"] for call in stream.tool_calls.get()] == [{"city": "Paris"}, {"city": "Rome"}]


def test_a_failure_in_the_stream_is_raised_as_it_is(server: Emulator, chat: MakeModel) -> None:
    error = {"choices": [], "error": {"code": 402, "message": "budget exceeded"}}
    server.queue(Chunks([*streamed({"content": "Ot"}).events[:2], error]))
    stream = chat().stream_events("x", version="v3")
    with pytest.raises(core.InsufficientCreditsError, match="budget exceeded") as caught:
        list(stream)
    assert caught.value.partial is not None
    assert caught.value.partial.text == "Ot"


def test_bound_tools_and_calls_own_options_reach_the_wire(server: Emulator, chat: MakeModel) -> None:
    def weather(city: str) -> str:
        """The weather."""
        return city

    server.queue(unary(tool_calls=[call("c1", "weather", "{}")]))
    collected(chat().bind_tools([weather]), temperature=0.5, stop=["END"])
    body = server.last_body
    assert body["tools"][0]["function"]["name"] == "weather"
    assert (body["temperature"], body["stop"], body["stream"]) == (0.5, ["END"], True)


def test_langgraph_streams_a_node_that_invokes_by_these_events(server: Emulator, chat: MakeModel) -> None:
    from langgraph.graph import START, MessagesState, StateGraph

    model = chat()
    called: list[bool] = []
    native = type(model)._stream_chat_model_events

    class Watched(type(model)):  # type: ignore[misc]
        def _stream_chat_model_events(self, *args: Any, **kwargs: Any) -> Any:
            called.append(True)
            return native(self, *args, **kwargs)

    watched = Watched(**{name: getattr(model, name) for name in ("model", "api_key", "user_id", "base_url")})
    graph = StateGraph(MessagesState)
    graph.add_node("answer", lambda state: {"messages": [watched.invoke(state["messages"])]})
    graph.add_edge(START, "answer")
    server.queue(streamed({"content": "Ot"}, {"content": "tawa."}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run = graph.compile().stream_events({"messages": [HumanMessage("x")]}, version="v3")
        texts = ["".join(message.text) for message in run.messages]
    assert texts == ["Ottawa."]
    assert called == [True]


def test_a_handler_of_events_sees_each_once(server: Emulator, chat: MakeModel) -> None:
    class Events(BaseCallbackHandler):
        def __init__(self) -> None:
            self.seen: list[Any] = []

        def on_stream_event(self, event: Any, **kwargs: Any) -> None:
            self.seen.append(event)

    handler = Events()
    server.queue(streamed({"content": "Hi"}))
    made = list(chat().stream_events("x", version="v3", config={"callbacks": [handler]}))
    assert handler.seen == made


def test_leaving_closes_the_connection(server: Emulator, chat: MakeModel) -> None:
    server.queue(Answer(text="word " * 500, chunk_delay=0.01))

    async def leave() -> None:
        stream = await chat().astream_events("x", version="v3")
        async for _ in stream:
            break
        await stream.aclose()
        assert await asyncio.to_thread(server.wait_for, lambda emulator: emulator.active_streams == 0)

    asyncio.run(leave())
