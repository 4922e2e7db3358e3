"""Tools: definitions out, calls in, however the stream cuts them."""

from __future__ import annotations

import json

import pytest
from llama_index.core.base.llms.types import ToolCallBlock
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool

from gumloop_emulator import Answer, Chunks, Emulator, ToolCall
from tests.contract.llama_index.suite.driver import ConformanceBase, SyncCalls, user
from tests.support.http_bytes import chunk


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


TOOLS = [FunctionTool.from_defaults(add), FunctionTool.from_defaults(multiply)]
TWO_CALLS = [ToolCall("add", {"a": 1, "b": 2}, id="call_1"), ToolCall("multiply", {"a": 3, "b": 4}, id="call_2")]
TWO_SELECTIONS = [("call_1", "add", {"a": 1, "b": 2}), ("call_2", "multiply", {"a": 3, "b": 4})]


def piece(index: int | None, arguments: str = "", *, id: str | None = None, name: str | None = None) -> dict:
    """A piece of a tool call on the wire."""
    made: dict = {"function": {"arguments": arguments}}
    if index is not None:
        made["index"] = index
    if id is not None:
        made.update(id=id, type="function")
    if name is not None:
        made["function"]["name"] = name
    return made


def stream_of(*chunks: list[dict]) -> Chunks:
    """A stream of chunks with tool call pieces."""
    return Chunks([*(chunk({"tool_calls": pieces}) for pieces in chunks), chunk({}, finish_reason="tool_calls")])


CUTS = {
    "one after the other": stream_of(
        [piece(0, id="call_1", name="add")],
        [piece(0, '{"a": 1, ')],
        [piece(0, '"b": 2}')],
        [piece(1, id="call_2", name="multiply")],
        [piece(1, '{"a": 3, "b": 4}')],
    ),
    "both in one chunk": stream_of(
        [piece(0, '{"a": 1, "b": 2}', id="call_1", name="add"), piece(1, '{"a": 3, "b"', id="call_2", name="multiply")],
        [piece(1, ": 4}")],
    ),
    "in turns": stream_of(
        [piece(0, id="call_1", name="add")],
        [piece(1, id="call_2", name="multiply")],
        [piece(0, '{"a": 1, ')],
        [piece(1, '{"a": 3, ')],
        [piece(0, '"b": 2}')],
        [piece(1, '"b": 4}')],
    ),
    "both with index 0": stream_of(
        [piece(0, '{"a": 1, "b": 2}', id="call_1", name="add")],
        [piece(0, '{"a": 3, "b": 4}', id="call_2", name="multiply")],
    ),
    "id and name on every piece": stream_of(
        [piece(0, '{"a": 1, ', id="call_1", name="add")],
        [piece(0, '"b": 2}', id="call_1", name="add")],
        [piece(1, '{"a": 3, ', id="call_2", name="multiply")],
        [piece(1, '"b": 4}', id="call_2", name="multiply")],
    ),
    "without an index": stream_of(
        [piece(None, '{"a": 1, "b": 2}', id="call_1", name="add")],
        [piece(None, '{"a": 3, "b": 4}', id="call_2", name="multiply")],
    ),
}


def _selections(llm, response) -> list[tuple]:
    selections = llm.get_tool_calls_from_response(response, error_on_no_tool_call=False)
    return [(selection.tool_id, selection.tool_name, selection.tool_kwargs) for selection in selections]


class ToolTests(ConformanceBase):
    def test_tools_are_described(self, llm, server: Emulator, calls: SyncCalls):
        calls.chat_with_tools(llm, TOOLS, user_msg="Hello")
        sent = [tool["function"] for tool in server.last_body["tools"]]
        assert [tool["name"] for tool in sent] == ["add", "multiply"]
        assert "Add two numbers." in sent[0]["description"]
        assert sent[0]["parameters"]["properties"].keys() == {"a", "b"}

    def test_calls_come_as_selections(self, llm, server: Emulator, calls: SyncCalls):
        server.queue(Answer(tool_calls=TWO_CALLS))
        response = calls.chat_with_tools(llm, TOOLS, user_msg="Both!", allow_parallel_tool_calls=True)
        assert _selections(llm, response) == TWO_SELECTIONS

    def test_calls_come_as_blocks_and_as_dicts(self, llm, server: Emulator, calls: SyncCalls):
        server.queue(Answer(tool_calls=TWO_CALLS))
        message = calls.chat(llm, user()).message
        blocks = [block for block in message.blocks if isinstance(block, ToolCallBlock)]
        assert [(block.tool_call_id, block.tool_name) for block in blocks] == [
            ("call_1", "add"),
            ("call_2", "multiply"),
        ]
        dicts = message.additional_kwargs["tool_calls"]
        assert all(type(call) is dict for call in dicts)
        assert json.loads(dicts[1]["function"]["arguments"]) == {"a": 3, "b": 4}

    @pytest.mark.parametrize("cut", CUTS)
    def test_streamed_calls_are_put_together(self, llm, server: Emulator, calls: SyncCalls, cut: str):
        server.queue(CUTS[cut])
        responses = calls.stream_chat_with_tools(llm, TOOLS, user_msg="Both!", allow_parallel_tool_calls=True)
        assert _selections(llm, responses[-1]) == TWO_SELECTIONS
        names = [name for response in responses for _, name, _ in _selections(llm, response)]
        assert set(names) == {"add", "multiply"}

    def test_streamed_calls_are_in_every_later_response(self, llm, server: Emulator, calls: SyncCalls):
        server.queue(Answer(tool_calls=TWO_CALLS))
        responses = calls.stream_chat_with_tools(llm, TOOLS, user_msg="Both!", allow_parallel_tool_calls=True)
        counts = [len(_selections(llm, response)) for response in responses]
        assert counts == sorted(counts)
        assert all(
            response.message.additional_kwargs.get("tool_calls") for response in responses if _selections(llm, response)
        )

    def test_one_call_is_made_where_one_is_allowed(self, llm, server: Emulator, calls: SyncCalls):
        server.queue(Answer(tool_calls=TWO_CALLS))
        answer = calls.predict_and_call(llm, TOOLS, user_msg="Both!")
        assert answer.response == "3"
        assert server.last_body["parallel_tool_calls"] is False

    def test_several_calls_are_made_where_allowed(self, llm, server: Emulator, calls: SyncCalls):
        server.queue(Answer(tool_calls=TWO_CALLS))
        answer = calls.predict_and_call(llm, TOOLS, user_msg="Both!", allow_parallel_tool_calls=True)
        assert [source.raw_output for source in answer.sources] == [3, 12]
        assert server.last_body["parallel_tool_calls"] is True

    def test_an_answer_without_a_call_can_be_an_error(self, llm, server: Emulator, calls: SyncCalls):
        server.queue(Answer(text="No."))
        response = calls.chat(llm, user())
        assert llm.get_tool_calls_from_response(response, error_on_no_tool_call=False) == []
        with pytest.raises(ValueError, match="tool call"):
            llm.get_tool_calls_from_response(response)

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ({}, (None, "auto")),
            ({"tool_choice": None}, (None, "auto")),
            ({"tool_required": True}, ("required",)),
            ({"tool_required": True, "tool_choice": None}, ("required",)),
            ({"tool_choice": "none"}, ("none",)),
            ({"tool_choice": "auto"}, ("auto", None)),
            ({"tool_choice": "multiply"}, ({"type": "function", "function": {"name": "multiply"}},)),
        ],
        ids=repr,
    )
    def test_the_choice_of_tools_is_sent(self, llm, server: Emulator, calls: SyncCalls, options, expected):
        calls.chat_with_tools(llm, TOOLS, user_msg="add 1 and 2", **options)
        assert server.last_body.get("tool_choice") in expected
        calls.stream_chat_with_tools(llm, TOOLS, user_msg="add 1 and 2", **options)
        assert server.last_body.get("tool_choice") in expected

    def test_without_tools_nothing_is_said_of_tools(self, llm, server: Emulator, calls: SyncCalls):
        calls.chat_with_tools(llm, [], user_msg="Hello", tool_required=False)
        assert not server.last_body.keys() & {"tools", "tool_choice", "parallel_tool_calls"}

    def test_the_callers_history_is_not_touched(self, llm, server: Emulator, calls: SyncCalls):
        history = user("Before")
        calls.chat_with_tools(llm, TOOLS, user_msg="Hello", chat_history=history)
        calls.stream_chat_with_tools(llm, TOOLS, user_msg="Hello", chat_history=history)
        assert len(history) == 1
        assert [message["content"] for message in server.last_body["messages"]] == ["Before", "Hello"]

    def test_a_tool_turn_goes_back(self, llm, server: Emulator, calls: SyncCalls):
        server.queue(Answer(text="Let me see.", tool_calls=TWO_CALLS))
        answer = calls.chat(llm, user("Both!")).message
        results = [
            ChatMessage(role="tool", content=text, additional_kwargs={"tool_call_id": call.id})
            for text, call in zip(["3", "12"], TWO_CALLS, strict=True)
        ]
        calls.chat(llm, [*user("Both!"), answer, *results])
        sent = server.last_body["messages"][1:]
        assert sent[0]["content"] == "Let me see."
        assert [(call["id"], call["function"]["name"]) for call in sent[0]["tool_calls"]] == [
            ("call_1", "add"),
            ("call_2", "multiply"),
        ]
        assert [json.loads(call["function"]["arguments"]) for call in sent[0]["tool_calls"]] == [
            {"a": 1, "b": 2},
            {"a": 3, "b": 4},
        ]
        assert [(result["role"], result["tool_call_id"], result["content"]) for result in sent[1:]] == [
            ("tool", "call_1", "3"),
            ("tool", "call_2", "12"),
        ]

    def test_a_tool_call_block_goes_back(self, llm, server: Emulator, calls: SyncCalls):
        block = ToolCallBlock(tool_call_id="call_1", tool_name="add", tool_kwargs={"a": 1, "b": 2})
        result = ChatMessage(role="tool", content="3", additional_kwargs={"tool_call_id": "call_1"})
        calls.chat(llm, [*user(), ChatMessage(role="assistant", blocks=[block]), result])
        (call,) = server.last_body["messages"][1]["tool_calls"]
        assert call["id"] == "call_1"
        assert json.loads(call["function"]["arguments"]) == {"a": 1, "b": 2}

    def test_a_call_without_arguments_is_a_call(self, llm, server: Emulator, calls: SyncCalls):
        server.queue(stream_of([piece(0, "", id="call_1", name="add")]))
        last = calls.stream_chat(llm, user())[-1]
        assert _selections(llm, last) == [("call_1", "add", {})]
        result = ChatMessage(role="tool", content="3", additional_kwargs={"tool_call_id": "call_1"})
        calls.chat(llm, [*user(), last.message, result])
        assert server.last_body["messages"][1]["tool_calls"][0]["function"]["arguments"] == "{}"
