"""What users put into messages, in every form that they have it, and what the endpoint gets."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)

from gumloop_core import errors as core
from gumloop_emulator import Answer, Emulator
from langchain_gumloop.to_wire.messages import to_messages
from tests.langchain.answers import DETAILS, PIXEL, PIXEL_URL, unary
from tests.langchain.conftest import MakeModel
from tests.support.pictures import png

DATA = base64.b64encode(png()).decode()
URL = "https://example.com/cat.png"
DATA_URL = f"data:image/png;base64,{DATA}"
CACHED = {"cache_control": {"type": "ephemeral"}}


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (FunctionMessage(name="f", content="x"), "FunctionMessage"),
        (RemoveMessage(id="1"), "RemoveMessage"),
        (ChatMessage(role="narrator", content="x"), "'narrator' is unknown"),
        (ChatMessage(role="tool", content="x"), "must be a ToolMessage"),
    ],
)
def test_a_message_without_a_place_is_named_before_anything_is_sent(
    server: Emulator, chat: MakeModel, message: BaseMessage, said: str
) -> None:
    with pytest.raises(core.InvalidRequestError, match=r"messages\[1\].*" + said):
        chat().invoke([HumanMessage("x"), message])
    assert server.requests == []


def test_no_message_at_all_is_refused(server: Emulator, chat: MakeModel) -> None:
    with pytest.raises(core.InvalidRequestError, match="no message"):
        chat().invoke([])
    assert server.requests == []


@pytest.mark.parametrize(
    ("message", "param"),
    [
        (SystemMessage("s"), {"role": "system", "content": "s"}),
        (SystemMessage("d", additional_kwargs={"__openai_role__": "developer"}), {"role": "developer", "content": "d"}),
        (ChatMessage(role="developer", content="d"), {"role": "developer", "content": "d"}),
        (ChatMessage(role="user", content="u"), {"role": "user", "content": "u"}),
        (ChatMessage(role="assistant", content="a"), {"role": "assistant", "content": "a"}),
        (HumanMessage("u", name="ada"), {"role": "user", "content": "u", "name": "ada"}),
        (HumanMessage("u", name="Ada L. <x>"), {"role": "user", "content": "u", "name": "Ada_L_x"}),
        (AIMessage("a", name="supervisor"), {"role": "assistant", "content": "a", "name": "supervisor"}),
        (
            SystemMessage([{"type": "text", "text": "s", **CACHED}]),
            {"role": "system", "content": [{"type": "text", "text": "s", **CACHED}]},
        ),
    ],
)
def test_roles_and_names(server: Emulator, chat: MakeModel, message: BaseMessage, param: dict[str, Any]) -> None:
    server.queue(Answer(text="ok"))
    chat().invoke([message, HumanMessage("and?")])
    assert server.last_body["messages"][0] == param


def history(answer: AIMessage, *results: BaseMessage) -> list[BaseMessage]:
    return [HumanMessage("x"), answer, *results]


CALL = {"name": "look", "args": {"at": "the cat"}, "id": "c1"}
WIRE_CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at":"the cat"}'}}


@pytest.mark.parametrize(
    ("content", "param"),
    [
        ("done", "done"),
        ("", ""),
        ([], ""),
        (["do", {"type": "text", "text": "ne"}], [{"type": "text", "text": "do"}, {"type": "text", "text": "ne"}]),
        (
            [{"type": "image", "base64": DATA, "mime_type": "image/png"}],
            [{"type": "image_url", "image_url": {"url": DATA_URL}}],
        ),
        (
            [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": DATA_URL}}],
            [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": DATA_URL}}],
        ),
    ],
)
def test_results_of_tools(server: Emulator, chat: MakeModel, content: Any, param: Any) -> None:
    server.queue(Answer(text="ok"))
    chat().invoke(history(AIMessage("", tool_calls=[CALL]), ToolMessage(content, tool_call_id="c1", status="error")))
    assert server.last_body["messages"][1:] == [
        {"role": "assistant", "content": None, "tool_calls": [WIRE_CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": param},
    ]


def test_a_history_from_anthropic(server: Emulator, chat: MakeModel) -> None:
    server.queue(Answer(text="ok"))
    answer = AIMessage(
        [
            {"type": "thinking", "thinking": "A cat.", "signature": "sig"},
            {"type": "redacted_thinking", "data": "XX"},
            {"type": "text", "text": "Let me look."},
            {"type": "tool_use", "id": "c1", "name": "look", "input": {"at": "the cat"}},
        ],
        tool_calls=[CALL],
    )
    result = {"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "It sleeps."}]}
    chat().invoke([HumanMessage("x"), answer, HumanMessage([result, {"type": "text", "text": "And now?"}])])
    assert server.last_body["messages"][1:] == [
        {
            "role": "assistant",
            "content": "Let me look.",
            "tool_calls": [WIRE_CALL],
            "reasoning_details": [
                {"type": "reasoning.text", "text": "A cat.", "format": "anthropic-claude-v1", "signature": "sig"},
                {"type": "reasoning.encrypted", "data": "XX", "format": "anthropic-claude-v1"},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "It sleeps."}]},
        {"role": "user", "content": [{"type": "text", "text": "And now?"}]},
    ]


def test_anthropics_thinking_in_standard_blocks(server: Emulator, chat: MakeModel) -> None:
    server.queue(Answer(text="ok"), Answer(text="ok"))
    block = {"type": "reasoning", "reasoning": "A cat.", "extras": {"signature": "sig"}}
    answer = AIMessage([block, {"type": "text", "text": "Cat."}], response_metadata={"model_provider": "anthropic"})
    chat().invoke(history(answer, HumanMessage("y")))
    assert server.last_body["messages"][1] == {
        "role": "assistant",
        "content": "Cat.",
        "reasoning_details": [
            {"type": "reasoning.text", "text": "A cat.", "format": "anthropic-claude-v1", "signature": "sig"}
        ],
    }
    other = AIMessage([block, {"type": "text", "text": "Cat."}], response_metadata={"model_provider": "google_genai"})
    chat().invoke(history(other, HumanMessage("y")))
    assert server.last_body["messages"][1] == {"role": "assistant", "content": "Cat.", "reasoning": "A cat."}


def test_calls_that_are_in_blocks_alone_are_read_from_there(server: Emulator, chat: MakeModel) -> None:
    server.queue(Answer(text="ok"))
    answer = AIMessage([{"type": "tool_use", "id": "c1", "name": "look", "input": {"at": "the cat"}}])
    chat().invoke(history(answer, ToolMessage("done", tool_call_id="c1")))
    assert server.last_body["messages"][1]["tool_calls"] == [WIRE_CALL]


def test_an_answer_in_standard_blocks_goes_back_as_it_came(server: Emulator, chat: MakeModel) -> None:
    model = chat("google/gemini-3.1-flash-image-preview", output_version="v1", modalities=["text", "image"])
    server.queue(
        unary(
            content="A pixel.",
            reasoning="Small.",
            reasoning_details=DETAILS,
            images=[{"type": "image_url", "image_url": {"url": PIXEL_URL}}],
        ),
        Answer(text="ok"),
    )
    answer = model.invoke("Draw.")
    assert [block["type"] for block in answer.content_blocks] == ["reasoning", "text", "image"]
    assert answer.content_blocks[2]["base64"] == PIXEL
    model.invoke([HumanMessage("Draw."), answer, HumanMessage("Bigger.")])
    assert server.last_body["messages"][1] == {
        "role": "assistant",
        "content": "A pixel.",
        "images": [{"type": "image_url", "image_url": {"url": PIXEL_URL}}],
        "reasoning_details": DETAILS,
    }


def test_blocks_of_another_providers_own_tools_are_left_out(server: Emulator, chat: MakeModel) -> None:
    server.queue(Answer(text="ok"))
    answer = AIMessage(
        [
            {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}},
            {"type": "web_search_tool_result", "tool_use_id": "s1", "content": []},
            {"type": "mcp_tool_use", "id": "s2"},
            {"type": "web_search_call", "id": "s3", "status": "completed"},
            {"type": "file_search_call", "id": "s4"},
            {"type": "code_interpreter_call", "id": "s5"},
            {"type": "mcp_call", "id": "s6"},
            {"type": "executable_code", "executable_code": "1+1"},
            {"type": "code_execution_result", "code_execution_result": "2"},
            {"type": "text", "text": "Found."},
        ]
    )
    chat().invoke(history(answer, HumanMessage("y")))
    assert server.last_body["messages"][1] == {"role": "assistant", "content": "Found."}


def test_a_picture_that_openais_own_tool_drew_is_sent(server: Emulator, chat: MakeModel) -> None:
    server.queue(Answer(text="ok"))
    answer = AIMessage(
        [{"type": "image_generation_call", "id": "g", "result": DATA}, {"type": "text", "text": "Here."}]
    )
    chat().invoke(history(answer, HumanMessage("y")))
    assert server.last_body["messages"][1]["images"] == [{"type": "image_url", "image_url": {"url": DATA_URL}}]


@pytest.mark.parametrize(
    "block",
    [
        {"type": "thinking", "thinking": "A cat."},
        {"type": "thinking", "thinking": "A cat.", "signature": "sig"},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "A cat."}]},
        {"type": "reasoning_content", "reasoning_content": {"text": "A cat.", "signature": "sig"}},
    ],
    ids=["Google", "Google, signed", "OpenAI", "Bedrock"],
)
def test_reasoning_that_another_provider_signed_goes_as_text(
    server: Emulator, chat: MakeModel, block: dict[str, Any]
) -> None:
    server.queue(Answer(text="ok"))
    answer = AIMessage([block, {"type": "text", "text": "Cat."}], response_metadata={"model_provider": "google_genai"})
    chat().invoke(history(answer, HumanMessage("y")))
    assert server.last_body["messages"][1] == {"role": "assistant", "content": "Cat.", "reasoning": "A cat."}


def test_an_unknown_block_of_an_answer_is_named(server: Emulator, chat: MakeModel) -> None:
    with pytest.raises(core.InvalidRequestError, match=r"messages\[1\]: content\[0\] is a block of type 'hologram'"):
        chat().invoke(history(AIMessage([{"type": "hologram"}]), HumanMessage("y")))
    assert server.requests == []


def test_cached_text_of_an_answer_keeps_its_mark(server: Emulator, chat: MakeModel) -> None:
    server.queue(Answer(text="ok"))
    chat().invoke(history(AIMessage([{"type": "text", "text": "a", **CACHED}]), HumanMessage("y")))
    assert server.last_body["messages"][1]["content"] == [{"type": "text", "text": "a", **CACHED}]


def test_a_call_that_could_not_be_read_goes_back_only_with_its_result(server: Emulator, chat: MakeModel) -> None:
    broken = {"name": "look", "args": '{"at": "the', "id": "c1", "error": "cut"}
    answer = AIMessage("Hm.", invalid_tool_calls=[broken])
    server.queue(Answer(text="ok"), Answer(text="ok"))
    chat().invoke(history(answer, HumanMessage("go on")))
    assert server.last_body["messages"][1] == {"role": "assistant", "content": "Hm."}
    chat().invoke(history(answer, ToolMessage("Your arguments were cut off.", tool_call_id="c1")))
    wrapped = {"name": "look", "arguments": '{"invalid_arguments":"{\\"at\\": \\"the"}'}
    assert server.last_body["messages"][1]["tool_calls"] == [{"id": "c1", "type": "function", "function": wrapped}]


def test_a_call_without_an_id_is_named(server: Emulator, chat: MakeModel) -> None:
    answer = AIMessage("", tool_calls=[{**CALL, "id": None}])
    with pytest.raises(core.InvalidRequestError, match=r"messages\[1\]: the call of the tool 'look' has no id"):
        chat().invoke(history(answer))
    assert server.requests == []


def test_the_callers_messages_are_not_changed(server: Emulator, chat: MakeModel) -> None:
    messages = [
        SystemMessage([{"type": "text", "text": "s", **CACHED}]),
        HumanMessage([{"type": "image", "source_type": "base64", "data": DATA, "mime_type": "image/png"}]),
        AIMessage("a", additional_kwargs={"reasoning_details": [dict(DETAILS[0])]}),
        HumanMessage("y"),
    ]
    before = [message.model_dump() for message in messages]
    server.queue(Answer(text="ok"))
    chat().invoke(messages)
    assert [message.model_dump() for message in messages] == before


def test_each_message_knows_which_of_the_callers_it_came_from() -> None:
    result = {"type": "tool_result", "tool_use_id": "c1", "content": "It sleeps."}
    messages = [
        HumanMessage("x"),
        AIMessage("", tool_calls=[CALL]),
        HumanMessage([result, {"type": "text", "text": "And now?"}]),
        AIMessage("Still."),
        HumanMessage("y"),
    ]
    params, caller_indices = to_messages(messages)
    assert [param["role"] for param in params] == ["user", "assistant", "tool", "user", "assistant", "user"]
    assert caller_indices == [0, 1, 2, 2, 3, 4]


def test_an_error_names_the_callers_message_where_one_became_several(server: Emulator, chat: MakeModel) -> None:
    result = {"type": "tool_result", "tool_use_id": "c1", "content": "It sleeps."}
    messages = [
        HumanMessage("x"),
        AIMessage("", tool_calls=[CALL]),
        HumanMessage([result, {"type": "text", "text": "And now?"}]),
        AIMessage("Still."),
        ToolMessage("again", tool_call_id="c1"),
    ]
    with pytest.raises(core.BadRequestError) as caught:
        chat().invoke(messages)
    assert caught.value.param == "messages[5].tool_call_id"
    assert caught.value.message_index == 4
    assert "message 4 of the ones you passed" in str(caught.value)
    server.clear()


IMAGE = {"type": "image_url", "image_url": {"url": URL}}


@pytest.mark.parametrize(
    ("content", "sent"),
    [
        ([{"type": "text", "text": ""}, IMAGE], [IMAGE]),
        ([IMAGE, {"type": "text", "text": "", **CACHED}], [{**IMAGE, **CACHED}]),
        (["", {"type": "text", "text": "a"}], [{"type": "text", "text": "a"}]),
        ([{"type": "text", "text": ""}, {"type": "text", "text": ""}], [{"type": "text", "text": ""}]),
    ],
)
def test_empty_text_is_left_out_where_something_remains(
    server: Emulator, chat: MakeModel, content: Any, sent: Any
) -> None:
    # Claude refuses it, and with it the whole request: https://github.com/run-llama/llama_index/issues/17278
    assert to_messages([HumanMessage(content)])[0] == [{"role": "user", "content": sent}]
    results = [AIMessage("", tool_calls=[CALL]), ToolMessage(content, tool_call_id="c1")]
    assert to_messages(results)[0][1]["content"] == sent


@pytest.mark.parametrize("content", ["", [], [{"type": "text", "text": ""}], [{"type": "thinking", "thinking": ""}]])
def test_an_answer_of_nothing_is_left_out(server: Emulator, chat: MakeModel, content: Any) -> None:
    server.queue(Answer(text="ok"))
    chat().invoke([HumanMessage("x"), AIMessage(content), HumanMessage("y")])
    assert server.last_body["messages"] == [{"role": "user", "content": "x"}, {"role": "user", "content": "y"}]
    assert to_messages([HumanMessage("x"), AIMessage(content), HumanMessage("y")])[1] == [0, 2]


def test_an_answer_of_reasoning_alone_is_sent(server: Emulator, chat: MakeModel) -> None:
    server.queue(Answer(text="ok"))
    chat().invoke(history(AIMessage("", additional_kwargs={"reasoning_details": DETAILS}), HumanMessage("y")))
    assert server.last_body["messages"][1] == {"role": "assistant", "content": "", "reasoning_details": DETAILS}


@pytest.mark.parametrize(
    "message",
    [
        {"role": "assistant", "content": "Cat.", "reasoning": "A cat."},
        {"role": "assistant", "content": "Cat.", "reasoning_content": "A cat."},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "A "}, {"type": "text", "text": "cat."}]},
                {"type": "text", "text": "Cat."},
            ],
        },
        {
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": "A cat."}, {"type": "text", "text": "Cat."}],
        },
    ],
    ids=["reasoning", "reasoning_content", "Mistral's parts", "thinking"],
)
def test_reasoning_in_openais_dict_form_is_sent(server: Emulator, chat: MakeModel, message: dict[str, Any]) -> None:
    server.queue(Answer(text="ok"))
    chat().invoke([{"role": "user", "content": "x"}, message, {"role": "user", "content": "y"}])
    assert server.last_body["messages"][1] == {"role": "assistant", "content": "Cat.", "reasoning": "A cat."}


def test_a_call_that_could_not_be_read_goes_back_beside_one_that_ran(server: Emulator, chat: MakeModel) -> None:
    broken = {"name": "look", "args": "{nope", "id": "c2", "error": "The arguments are not JSON: nope."}
    answer = AIMessage("", tool_calls=[CALL], invalid_tool_calls=[broken])
    server.queue(Answer(text="ok"))
    chat().invoke(history(answer, ToolMessage("a cat", tool_call_id="c1")))
    sent = server.last_body["messages"][1:]
    assert [one["id"] for one in sent[0]["tool_calls"]] == ["c1", "c2"]
    assert {one["tool_call_id"]: one["content"] for one in sent[1:]} == {
        "c1": "a cat",
        "c2": "The tool 'look' was not run. The arguments are not JSON: nope. "
        "Call it again with its arguments as one JSON object.",
    }
