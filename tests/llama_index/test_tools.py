"""Tool definitions and tool calls, where they are odd."""

from __future__ import annotations

import gc
import weakref
from enum import Enum

import pytest
from llama_index.core.base.llms.types import ToolCallBlock
from llama_index.core.llms import ChatMessage, ChatResponse
from llama_index.core.tools import FunctionTool, ToolMetadata
from pydantic import BaseModel, Field

from gumloop_core.errors import InvalidRequestError, InvalidResponseError
from gumloop_emulator import Answer, Emulator, ToolCall
from llama_index_gumloop.from_wire import tool_calls
from llama_index_gumloop.from_wire.tool_calls import tool_selections
from llama_index_gumloop.tools import tool_param, tool_params


def add(a: int, b: int = 2) -> int:
    """Add two numbers."""
    return a + b


def test_a_definition_is_made_once(monkeypatch):
    made = []
    original = ToolMetadata.get_parameters_dict
    monkeypatch.setattr(ToolMetadata, "get_parameters_dict", lambda self: made.append(self) or original(self))
    tool = FunctionTool.from_defaults(add)
    assert tool_param(tool) == tool_param(tool)
    assert len(made) == 1


def test_a_changed_tool_is_defined_anew():
    tool = FunctionTool.from_defaults(add)
    before = tool_param(tool)
    tool.metadata.description = "Sum up."
    assert tool_param(tool)["function"]["description"] == "Sum up."
    assert before["function"]["description"] != "Sum up."


def test_a_definition_does_not_keep_its_tool():
    tool = FunctionTool.from_defaults(lambda a: a, name="one", description="One.")
    tool_param(tool)
    gone = weakref.ref(tool)
    del tool
    gc.collect()
    assert gone() is None


def test_metadata_of_another_class_is_asked_each_time():
    class Changing(ToolMetadata):
        asked = 0

        def get_parameters_dict(self):
            self.asked += 1
            return {"type": "object", "properties": {f"p{self.asked}": {"type": "string"}}}

    tool = FunctionTool(fn=add, metadata=Changing(name="changing", description="Changes."))
    assert tool_param(tool) != tool_param(tool)


def test_a_definition_is_taken_as_it_is(server: Emulator, llm):
    definition = {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}
    llm.chat([ChatMessage("Hi")], tools=[definition, FunctionTool.from_defaults(add, name="other")])
    assert [tool["function"]["name"] for tool in server.last_body["tools"]] == ["add", "other"]


class Unspeakable:
    pass


class HasUnspeakable(BaseModel):
    model_config = {"arbitrary_types_allowed": True}
    thing: Unspeakable


def test_a_tool_without_a_schema_is_named(server: Emulator, llm):
    tool = FunctionTool.from_defaults(add, name="summer", fn_schema=HasUnspeakable)
    with pytest.raises(InvalidRequestError, match=r"'summer'.*HasUnspeakable"):
        llm.chat_with_tools([tool], user_msg="Hi")
    assert not server.requests


def test_what_is_no_tool_is_named(llm):
    with pytest.raises(InvalidRequestError, match="FunctionTool"):
        llm.chat_with_tools([add], user_msg="Hi")


def test_a_tool_without_a_name_is_refused():
    with pytest.raises(InvalidRequestError, match=r"no name.*Adds"):
        tool_params([FunctionTool(fn=add, metadata=ToolMetadata(description="Adds.", name=""))])


def test_a_choice_of_a_tool_that_is_not_sent_is_refused(server: Emulator, llm):
    with pytest.raises(InvalidRequestError, match=r"'subtract'.*'add'"):
        llm.chat_with_tools([FunctionTool.from_defaults(add)], user_msg="Hi", tool_choice="subtract")
    assert not server.requests


def test_arguments_cut_off_at_the_token_limit_are_not_run(server: Emulator, llm):
    server.queue(Answer(tool_calls=[ToolCall("add", '{"a": 1')], finish_reason="length"))
    with pytest.raises(InvalidResponseError, match=r"'add'.*max_completion_tokens"):
        llm.predict_and_call([FunctionTool.from_defaults(add)], user_msg="Hi")


@pytest.mark.parametrize("arguments", ['{"a": oops}', "[1]", '"a"'])
def test_arguments_that_are_no_object_are_not_run(server: Emulator, llm, arguments: str):
    server.queue(Answer(tool_calls=[ToolCall("add", arguments)]))
    with pytest.raises(InvalidResponseError, match=r"'add'.*not a JSON object"):
        llm.predict_and_call([FunctionTool.from_defaults(add)], user_msg="Hi")


def _response(*blocks, **additional) -> ChatResponse:
    return ChatResponse(message=ChatMessage(role="assistant", blocks=list(blocks), additional_kwargs=additional))


def test_arguments_are_read_as_far_as_they_have_arrived():
    block = ToolCallBlock(tool_call_id="call_1", tool_name="add", tool_kwargs='{"a": 1, "text": "hel')
    (selection,) = tool_selections(_response(block))
    assert selection.tool_kwargs == {"a": 1, "text": "hel"}


def test_a_call_without_an_id_can_be_told_apart():
    blocks = [ToolCallBlock(tool_name="add", tool_kwargs={}), ToolCallBlock(tool_name="add", tool_kwargs={})]
    assert [selection.tool_id for selection in tool_selections(_response(*blocks))] == ["call_0", "call_1"]


def test_calls_that_are_only_dicts_are_read():
    call = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
    (selection,) = tool_selections(_response(tool_calls=[call]))
    assert (selection.tool_id, selection.tool_name, selection.tool_kwargs) == ("call_1", "add", {"a": 1})


def test_raw_keeps_the_calls_that_were_left_out(server: Emulator, llm):
    server.queue(Answer(tool_calls=[ToolCall("add", {"a": 1}), ToolCall("add", {"a": 2})]))
    response = llm.chat_with_tools([FunctionTool.from_defaults(add)], user_msg="Hi")
    assert len(response.raw["choices"][0]["message"]["tool_calls"]) == 2
    assert len(response.message.blocks) == len(response.message.additional_kwargs["tool_calls"]) == 1


def test_arguments_of_a_stream_are_not_parsed_piece_by_piece(server: Emulator, llm, monkeypatch):
    parsed = []
    monkeypatch.setattr(tool_calls, "from_json", lambda *args, **kwargs: parsed.append(args) or {})
    server.queue(Answer(tool_calls=[ToolCall("add", {"a": 1, "text": "many words " * 20}, id="call_1")]))
    responses = list(llm.stream_chat_with_tools([FunctionTool.from_defaults(add)], user_msg="Hi"))
    assert len(responses) > 10
    assert not parsed


@pytest.mark.parametrize(
    "given",
    [
        {"type": "openrouter:web_search", "parameters": {"max_results": 3}},
        {"google_search": {}},
        {"type": "web_search_preview", "search_context_size": "low"},
    ],
    ids=str,
)
def test_tools_of_the_server_pass_as_they_are(given):
    assert tool_params([given]) == [given]


def test_tools_of_the_server_reach_the_wire(server: Emulator, llm):
    given = {"type": "openrouter:web_search", "parameters": {"max_results": 3}}
    llm.chat([ChatMessage("Hi")], tools=[given])
    assert server.last_body["tools"] == [given]
    llm.chat_with_tools([given, FunctionTool.from_defaults(add)], user_msg="Hi")
    assert [tool.get("type") for tool in server.last_body["tools"]] == ["openrouter:web_search", "function"]


@pytest.mark.parametrize(
    "given",
    [
        {"name": "add", "input_schema": {"type": "object", "properties": {}}},
        {"toolSpec": {"name": "add", "inputSchema": {"json": {"type": "object", "properties": {}}}}},
        {"title": "add", "type": "object", "properties": {}},
    ],
    ids=lambda given: " ".join(given),
)
def test_forms_of_other_makers_become_functions(server: Emulator, llm, given):
    llm.chat([ChatMessage("Hi")], tools=[given], tool_choice="add")
    assert server.last_body["tools"][0]["function"]["name"] == "add"


@pytest.mark.parametrize("given", [{"city": "Paris"}, {"type": "object"}, {}, 5, None], ids=str)
def test_junk_is_refused(server: Emulator, llm, given):
    with pytest.raises(InvalidRequestError):
        llm.chat([ChatMessage("Hi")], tools=[given])
    assert not server.requests


@pytest.mark.parametrize("given", [5, "add", {"name": "add"}], ids=str)
def test_tools_that_are_no_list_are_refused(llm, given):
    with pytest.raises(InvalidRequestError, match="tools must be a list"):
        llm.chat([ChatMessage("Hi")], tools=given)


class Colour(Enum):
    RED = "red"


class Painting(BaseModel):
    colour: Colour = Field(description="Of the roof, not of the wall.")


def test_what_stands_beside_a_reference_is_sent(server: Emulator, llm):
    tool = FunctionTool.from_defaults(lambda colour: colour, name="paint", description="Paint.", fn_schema=Painting)
    llm.chat_with_tools([tool], user_msg="Hi")
    assert "Of the roof, not of the wall." in str(server.last_body["tools"])
