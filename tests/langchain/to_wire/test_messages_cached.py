"""Marks for prompt caching reach the wire from wherever users of any integration put them."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from gumloop_core import errors as core
from gumloop_emulator import Answer, Emulator
from langchain_gumloop.to_wire.messages import to_messages
from tests.langchain.conftest import MakeModel
from tests.langchain.to_wire.test_messages import CACHED

CALL: Any = {"name": "look", "args": {}, "id": "c1", "type": "tool_call"}
TEXT = {"type": "text", "text": "a"}
MARKED = [{**TEXT, **CACHED}]


@pytest.mark.parametrize(
    "message",
    [
        SystemMessage("a", additional_kwargs=CACHED),
        HumanMessage("a", additional_kwargs=CACHED),
        AIMessage("a", additional_kwargs=CACHED),
        ToolMessage("a", tool_call_id="c1", additional_kwargs=CACHED),
    ],
    ids=lambda message: message.type,
)
def test_a_message_is_marked_as_a_whole(message: BaseMessage) -> None:
    assert to_messages([message])[0][0]["content"] == MARKED
    assert message.content == "a"


def test_dicts_in_the_form_of_litellm_are_marked(server: Emulator, chat: MakeModel) -> None:
    server.queue(Answer(text="ok"))
    chat().invoke([{"role": "system", "content": "a", **CACHED}, {"role": "user", "content": [TEXT, TEXT], **CACHED}])
    assert [message["content"] for message in server.last_body["messages"]] == [MARKED, [TEXT, *MARKED]]


def test_a_mark_of_its_own_is_kept() -> None:
    hour = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
    message = HumanMessage([{**TEXT, **hour}], additional_kwargs=CACHED)
    assert to_messages([message])[0][0]["content"] == [{**TEXT, **hour}]


@pytest.mark.parametrize("content", ["", " ", [{"type": "text", "text": ""}]])
def test_what_says_nothing_is_not_marked(content: Any) -> None:
    # Claude refuses it: "cache_control cannot be set for empty text blocks".
    assert to_messages([HumanMessage(content, additional_kwargs=CACHED)])[0][0]["content"] == content


@pytest.mark.parametrize("content", ["a", [TEXT]], ids=["text", "blocks"])
def test_results_in_anthropics_form_keep_their_mark(content: Any) -> None:
    result = {"type": "tool_result", "tool_use_id": "c1", "content": content, **CACHED}
    assert to_messages([HumanMessage([result])])[0] == [{"role": "tool", "tool_call_id": "c1", "content": MARKED}]


@pytest.mark.parametrize("calls", [[], [CALL]], ids=["blocks alone", "calls too"])
def test_the_mark_of_a_call_goes_to_the_text_before_it(calls: list[Any]) -> None:
    block = {"type": "tool_use", "id": "c1", "name": "look", "input": {}, **CACHED}
    (sent,) = to_messages([AIMessage([TEXT, block], tool_calls=calls)])[0]
    assert sent["content"] == MARKED
    assert "cache_control" not in str(sent["tool_calls"])


@pytest.mark.parametrize(
    "message",
    [
        HumanMessage("a", additional_kwargs={"cache_control": True}),
        HumanMessage([{**TEXT, "cache_control": "ephemeral"}]),
        HumanMessage([{"type": "tool_result", "tool_use_id": "c1", "content": "a", "cache_control": "ephemeral"}]),
        AIMessage([{"type": "tool_use", "id": "c1", "name": "look", "input": {}, "cache_control": "ephemeral"}]),
    ],
    ids=["message", "block", "result", "call"],
)
def test_a_mark_that_is_no_dict_is_named(message: BaseMessage) -> None:
    with pytest.raises(core.InvalidRequestError, match=r"messages\[0\]: .*cache_control must be a dict"):
        to_messages([message])


@pytest.mark.parametrize("way", ["call", "bound", "model"])
def test_the_whole_prompt_is_marked_at_the_top_of_the_body(server: Emulator, chat: MakeModel, way: str) -> None:
    server.queue(Answer(text="ok"))
    if way == "call":
        chat().invoke("x", **CACHED)
    elif way == "bound":
        chat().bind(**CACHED).invoke("x")
    else:
        chat(**CACHED).invoke("x")
    assert server.last_body["cache_control"] == CACHED["cache_control"]
