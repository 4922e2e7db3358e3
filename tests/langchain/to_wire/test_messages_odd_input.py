"""Whatever stands in a message: sent, or refused with its place before anything is sent. Never another exception."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from gumloop_core import errors as core
from gumloop_emulator import Answer, Emulator
from langchain_gumloop import errors as adapter
from langchain_gumloop.to_wire.messages import to_messages
from tests.langchain.conftest import MakeModel

CALL = {"name": "look", "args": {}, "id": "c1"}
MAKERS: dict[str, Callable[[Any], BaseMessage]] = {
    "system": SystemMessage,
    "human": HumanMessage,
    "ai": AIMessage,
    "tool": lambda content: ToolMessage(content, tool_call_id="c1"),
}
VALUES: list[Any] = [None, True, 5, 0.5, math.nan, "", "text", [], ["x"], {}, {"x": {"y": 1}}, b"\xff", object()]
FIELDS: dict[str, list[str]] = {
    "text": ["text", "cache_control", "annotations", "extras"],
    "text-plain": ["text", "base64", "mime_type"],
    "image": ["url", "base64", "mime_type", "source", "source_type", "data", "file_id", "detail", "extras", "metadata"],
    "image_url": ["image_url", "detail"],
    "audio": ["base64", "data", "mime_type", "source_type"],
    "input_audio": ["input_audio"],
    "file": ["file", "url", "base64", "mime_type", "filename", "source_type", "file_id", "extras"],
    "document": ["source", "title"],
    "video": ["url", "base64"],
    "video_url": ["video_url"],
    "tool_result": ["tool_use_id", "content"],
    "tool_use": ["id", "name", "input"],
    "tool_call": ["id", "name", "args"],
    "thinking": ["thinking", "signature"],
    "redacted_thinking": ["data"],
    "reasoning": ["reasoning", "summary", "extras"],
    "reasoning_content": ["reasoning_content"],
    "refusal": ["refusal"],
    "image_generation_call": ["result", "output_format"],
    "non_standard": ["value"],
    "server_tool_result": ["output"],
    "hologram": ["x"],
}


def _conversation(message: BaseMessage) -> list[BaseMessage]:
    return [HumanMessage("x"), AIMessage("", tool_calls=[CALL]), message, HumanMessage("y")]


def _refusal(message: BaseMessage) -> str | None:
    try:
        to_messages(_conversation(message))
    except core.InvalidRequestError as error:
        return error.message
    return None


@pytest.mark.parametrize(
    "kind",
    [*FIELDS, *[value for value in VALUES if not isinstance(value, str)]],
    ids=lambda kind: type(kind).__name__ if type(kind) is object else repr(kind),
)
@pytest.mark.parametrize("make", MAKERS.values(), ids=list(MAKERS))
def test_each_field_of_each_block_may_be_anything(make: Callable[[Any], BaseMessage], kind: Any) -> None:
    known = {"base64": "QUJD", "mime_type": "image/png"}
    for field in FIELDS.get(kind, ["text"]) if isinstance(kind, str) else ["text"]:
        for value in VALUES:
            for others in ({}, known):
                block = {"type": kind, **others, field: value}
                said = _refusal(make(["text", block]))
                assert said is None or said.startswith("messages[2]"), block


ROADS = ["invoke", "stream", "v3"]


def _call(model: Any, road: str, messages: Any) -> Any:
    if road == "invoke":
        return model.invoke(messages)
    if road == "stream":
        return list(model.stream(messages))
    return list(model.stream_events(messages, version="v3"))


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize(
    "block",
    [
        {"type": ["image"]},
        {"type": "image", "source_type": ["url"]},
        {"type": "image", "source_type": "url"},
        {"type": "image", "base64": "QUJD"},
        {"type": "image", "base64": "QUJD", "mime_type": 5},
        {"type": "image", "source_type": "base64", "data": 5, "mime_type": "image/png"},
        {"type": "file", "base64": "QUJD", "mime_type": ["application/pdf"]},
        {"type": "tool_result"},
    ],
    ids=str,
)
def test_a_block_that_langchain_trips_over_is_named(
    server: Emulator, chat: MakeModel, block: dict[str, Any], road: str
) -> None:
    with pytest.raises(adapter.InvalidRequestError, match=r"messages\[1\]: content\[1\]"):
        _call(chat(), road, [SystemMessage("s"), HumanMessage(["text", block])])
    assert server.requests == []


@pytest.mark.parametrize("given", [[{"role": "assistant", "content": "x", "tool_calls": [5]}], [{"role": "user"}, 5]])
def test_what_is_no_message_is_refused(chat: MakeModel, given: Any) -> None:
    with pytest.raises((adapter.InvalidRequestError, ValueError, NotImplementedError)):
        chat().invoke(given)


def test_arguments_that_are_nested_too_deep_are_named(server: Emulator, chat: MakeModel) -> None:
    deep: Any = {}
    for _ in range(3000):
        deep = {"a": deep}
    answer = AIMessage("", tool_calls=[{**CALL, "args": deep}])
    with pytest.raises(core.InvalidRequestError, match=r"messages\[1\]: the arguments of the call of 'look'"):
        chat().invoke([HumanMessage("x"), answer, ToolMessage("y", tool_call_id="c1")])
    with pytest.raises(core.InvalidRequestError, match=r"messages\[1\].*nested .*deep"):
        chat().invoke([HumanMessage("x"), AIMessage([{"type": "tool_use", "id": "c", "name": "look", "input": deep}])])
    assert server.requests == []


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ({"n": math.nan, "m": [math.inf, {"k": -math.inf}]}, '{"n":null,"m":[null,{"k":null}]}'),
        ({"n": math.nan, "lone": "\ud800"}, '{"n": null, "lone": "\\ud800"}'),
    ],
)
def test_numbers_that_json_cannot_say_go_back_as_null(
    server: Emulator, chat: MakeModel, written: dict[str, Any], sent: str
) -> None:
    server.queue(Answer(text="ok"), Answer(text="ok"))
    result = ToolMessage("y", tool_call_id="c1")
    chat().invoke([HumanMessage("x"), AIMessage("", tool_calls=[{**CALL, "args": written}]), result])
    assert server.last_body["messages"][1]["tool_calls"][0]["function"]["arguments"] == sent
    block = {"type": "tool_use", "id": "c1", "name": "look", "input": written}
    chat().invoke([HumanMessage("x"), AIMessage([block]), result])
    assert server.last_body["messages"][1]["tool_calls"][0]["function"]["arguments"] == sent


def test_a_field_that_is_nested_too_deep_is_named(server: Emulator, chat: MakeModel) -> None:
    deep: Any = {}
    for _ in range(3000):
        deep = {"a": deep}
    for name in ("extra_body", "reasoning", "provider"):
        model = chat().model_copy(update={name: deep})
        with pytest.raises(core.GumloopError, match="nested deeper"):
            model.invoke("x")
        with pytest.raises(core.GumloopError, match="nested deeper"):
            list(model.stream("x"))
    assert server.requests == []


def test_numbers_in_what_an_answer_said_go_back_as_null(server: Emulator, chat: MakeModel) -> None:
    server.queue(Answer(text="ok"))
    details = [{"type": "reasoning.text", "text": "NaN", "score": math.nan}]
    chat().invoke([HumanMessage("x"), AIMessage("y", additional_kwargs={"reasoning_details": details}), ("user", "z")])
    assert server.last_body["messages"][1]["reasoning_details"] == [{**details[0], "score": None}]
    odd = HumanMessage([{"type": "text", "text": "x", "cache_control": {"a": math.nan}}])
    with pytest.raises(core.InvalidRequestError, match=r"messages\[0\]"):
        chat().invoke([odd])


@pytest.mark.parametrize("tools", [5, "look", {"type": "function"}])
def test_tools_that_are_no_list_are_refused(server: Emulator, chat: MakeModel, tools: Any) -> None:
    with pytest.raises(core.InvalidRequestError, match="tools"):
        chat().invoke("x", tools=tools)
    assert server.requests == []
