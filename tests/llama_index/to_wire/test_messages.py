"""Messages on their way out, block by block."""

from __future__ import annotations

import json

import pytest
from llama_index.core.base.llms.types import (
    CitationBlock,
    ImageBlock,
    ThinkingBlock,
    ToolCallBlock,
)
from llama_index.core.llms import ChatMessage, MessageRole, TextBlock

from gumloop_core.errors import BadRequestError, InvalidRequestError
from llama_index_gumloop.to_wire.messages import to_messages, without_empty_answers
from tests.support.pictures import png

PNG = png()
RESULT = {"tool_call_id": "call_1"}


def one(message: ChatMessage, **options):
    (converted,) = to_messages([message], **options)
    return converted


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("system", "system"),
        ("developer", "developer"),
        ("user", "user"),
        ("assistant", "assistant"),
        ("chatbot", "assistant"),
        ("model", "assistant"),
    ],
)
def test_roles(role: str, expected: str):
    assert one(ChatMessage(role=role, content="Hi")) == {"role": expected, "content": "Hi"}


def test_a_functions_result_is_a_tools_result():
    message = ChatMessage(role="function", content="3", additional_kwargs=RESULT)
    assert one(message) == {"role": "tool", "content": "3", "tool_call_id": "call_1"}


def test_a_result_without_a_call_is_named():
    with pytest.raises(InvalidRequestError, match=r"messages\[1\].*tool_call_id"):
        to_messages([ChatMessage("Hi"), ChatMessage(role="tool", content="3")])


def test_what_is_no_message_is_named():
    with pytest.raises(InvalidRequestError, match=r"messages\[1\] is a dict, not a ChatMessage: .*'Hello'"):
        to_messages([ChatMessage("Hi"), {"role": "user", "content": "Hello"}])


def test_what_a_user_cannot_say_is_named():
    with pytest.raises(InvalidRequestError, match=r"a ToolCallBlock, which a user message cannot carry"):
        to_messages([ChatMessage(role="user", blocks=[ToolCallBlock(tool_name="add", tool_kwargs={})])])


def test_an_unknown_role_is_named():
    message = ChatMessage("Hi")
    message.role = "oracle"
    with pytest.raises(InvalidRequestError, match=r"messages\[0\].*'oracle'"):
        to_messages([message])


def test_several_texts_of_a_user_stay_apart_and_of_others_are_joined():
    texts = [TextBlock(text="one"), TextBlock(text="two")]
    parts = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    assert one(ChatMessage(role="user", blocks=texts))["content"] == parts
    for role in ("system", "assistant"):
        message = ChatMessage(role=role, blocks=texts)
        assert one(message)["content"] == "one\ntwo" == message.content
    assert one(ChatMessage(role="tool", blocks=texts, additional_kwargs=RESULT))["content"] == "one\ntwo"


def test_an_empty_message_is_an_empty_text():
    assert one(ChatMessage(role="user", blocks=[]))["content"] == ""
    assert one(ChatMessage(role="assistant", blocks=[]))["content"] == ""
    assert one(ChatMessage(role="tool", blocks=[], additional_kwargs=RESULT))["content"] == ""


def test_a_name_is_sent():
    assert one(ChatMessage(role="user", content="Hi", additional_kwargs={"name": "ada"}))["name"] == "ada"


def test_a_name_is_made_fit_for_the_wire():
    assert one(ChatMessage(role="user", content="Hi", additional_kwargs={"name": "Ada L."}))["name"] == "Ada_L"


def test_arguments_go_back_as_the_model_wrote_them():
    given = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{ "a" : 1 }'}}
    block = ToolCallBlock(tool_call_id="call_1", tool_name="add", tool_kwargs={"a": 1})
    message = ChatMessage(role="assistant", blocks=[block], additional_kwargs={"tool_calls": [given]})
    assert one(message)["tool_calls"] == [given]
    assert one(message)["content"] is None


def test_arguments_that_were_changed_go_back_changed():
    given = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{ "a" : 1 }'}}
    block = ToolCallBlock(tool_call_id="call_1", tool_name="add", tool_kwargs={"a": 2})
    message = ChatMessage(role="assistant", blocks=[block], additional_kwargs={"tool_calls": [given]})
    assert one(message)["tool_calls"][0]["function"]["arguments"] == '{"a":2}'


def test_arguments_that_are_text_go_back_as_they_are():
    block = ToolCallBlock(tool_call_id="call_1", tool_name="add", tool_kwargs='{ "a" : 1 }')
    assert one(ChatMessage(role="assistant", blocks=[block]))["tool_calls"][0]["function"]["arguments"] == '{ "a" : 1 }'


def test_a_call_without_an_id_gets_one():
    block = ToolCallBlock(tool_name="add", tool_kwargs={})
    assert one(ChatMessage(role="assistant", blocks=[block]))["tool_calls"][0]["id"] == "call_0_0"


def test_the_openai_sdks_calls_are_read():
    from openai.types.chat import ChatCompletionMessageFunctionToolCall as Call

    call = Call(id="call_1", type="function", function={"name": "add", "arguments": "{}"})
    message = ChatMessage(role="assistant", blocks=[], additional_kwargs={"tool_calls": [call]})
    assert one(message)["tool_calls"][0]["function"] == {"name": "add", "arguments": "{}"}


SIGNED = {
    "extra_content": {"google": {"thought_signature": "s1"}},
    "id": "call_1",
    "type": "function",
    "function": {"name": "add", "arguments": '{"a": 1}'},
}
"""A call of Gemini's, which wants the signature back (https://ai.google.dev/gemini-api/docs/thought-signatures)."""


@pytest.mark.parametrize("has_block", [True, False], ids=["block", "dict"])
def test_a_calls_further_fields_go_back(has_block: bool):
    block = ToolCallBlock(tool_call_id="call_1", tool_name="add", tool_kwargs={"a": 1})
    message = ChatMessage(
        role="assistant",
        blocks=[block] if has_block else [],
        additional_kwargs={"tool_calls": [{**SIGNED, "index": 0}]},
    )
    assert one(message)["tool_calls"] == [SIGNED]


def test_calls_of_one_id_keep_their_own_fields():
    calls = [{**SIGNED, "extra_content": number} for number in (1, 2)]
    block = ToolCallBlock(tool_call_id="call_1", tool_name="add", tool_kwargs={"a": 1})
    given = {"tool_calls": calls}
    assert one(ChatMessage(role="assistant", blocks=[block, block], additional_kwargs=given))["tool_calls"] == calls
    assert one(ChatMessage(role="assistant", blocks=[], additional_kwargs=given))["tool_calls"] == calls


@pytest.mark.parametrize(
    "call",
    [
        {"type": "tool_use", "id": "call_1", "name": "add", "input": {"a": 1}},
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "add", "arguments": '{"a":1}'},
        {"id": "call_1", "name": "add", "args": {"a": 1}, "thought_signature": b"x"},
    ],
    ids=["anthropic", "openai responses", "google"],
)
def test_calls_of_other_adapters_are_read(call):
    message = ChatMessage(role="assistant", blocks=[], additional_kwargs={"tool_calls": [call]})
    assert one(message)["tool_calls"] == [
        {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"a":1}'}}
    ]


def test_an_sdks_annotations_are_read():
    from openai.types.responses.response_output_text import AnnotationURLCitation

    annotation = AnnotationURLCitation(
        type="url_citation", url="https://a.example", title="A", start_index=0, end_index=1
    )
    sent = one(ChatMessage(role="assistant", content="A", additional_kwargs={"annotations": [annotation]}))
    assert sent["annotations"] == [annotation.model_dump()]


def test_a_call_that_makes_no_sense_is_named():
    message = ChatMessage(role="assistant", content="Hi", additional_kwargs={"tool_calls": [{"oops": 1}]})
    with pytest.raises(InvalidRequestError, match=r"messages\[0\].*tool_calls.*oops"):
        one(message)


DETAILS = [{"type": "reasoning.encrypted", "data": "x"}]
WITH_DETAILS = ThinkingBlock(content="hm", additional_information={"reasoning_details": DETAILS})


def test_details_go_back_without_their_text():
    sent = one(ChatMessage(role="assistant", blocks=[WITH_DETAILS, TextBlock(text="Hi")]))
    assert sent == {"role": "assistant", "content": "Hi", "reasoning_details": DETAILS}


def test_a_signed_thought_of_anthropics_adapter_goes_back_signed():
    block = ThinkingBlock(content="hm", additional_information={"type": "thinking", "signature": "s1"})
    sent = one(ChatMessage(role="assistant", blocks=[block, TextBlock(text="Hi")]))
    assert sent["reasoning_details"] == [
        {"type": "reasoning.text", "text": "hm", "signature": "s1", "format": "anthropic-claude-v1"}
    ]


def test_reasoning_without_details_goes_back_as_text():
    sent = one(ChatMessage(role="assistant", blocks=[ThinkingBlock(content="hm"), TextBlock(text="Hi")]))
    assert sent == {"role": "assistant", "content": "Hi", "reasoning": "hm"}


def test_reasoning_can_be_kept_back():
    sent = one(ChatMessage(role="assistant", blocks=[WITH_DETAILS, TextBlock(text="Hi")]), replay_reasoning=False)
    assert sent == {"role": "assistant", "content": "Hi"}


def test_a_refusal_goes_back():
    sent = one(ChatMessage(role="assistant", blocks=[], additional_kwargs={"refusal": "No."}))
    assert sent == {"role": "assistant", "content": None, "refusal": "No."}


def test_an_assistants_image_goes_back():
    sent = one(ChatMessage(role=MessageRole.ASSISTANT, blocks=[ImageBlock(image=PNG)]))
    assert sent["images"][0]["image_url"]["url"].startswith("data:image/png;base64,")


def test_messages_are_not_dumped(monkeypatch):
    def refuse(self, *args, **kwargs):
        raise AssertionError("a message was dumped")

    monkeypatch.setattr(ChatMessage, "model_dump", refuse)
    monkeypatch.setattr(TextBlock, "model_dump", refuse)
    block = ToolCallBlock(tool_call_id="call_1", tool_name="add", tool_kwargs={"a": 1})
    result = ChatMessage(role="tool", content="3", additional_kwargs=RESULT)
    assert len(to_messages([ChatMessage("Hi"), ChatMessage(role="assistant", blocks=[block]), result])) == 3


# Providers refuse an empty text beside other parts, and an answer that says nothing: run-llama/llama_index#17278.


@pytest.mark.parametrize("empty", ["", " ", "\n\t"], ids=repr)
@pytest.mark.parametrize("is_first", [True, False])
def test_an_empty_text_beside_a_picture_is_left_out(empty: str, is_first: bool):
    blocks = [TextBlock(text=empty), ImageBlock(image=PNG)]
    (part,) = one(ChatMessage(role="user", blocks=blocks if is_first else blocks[::-1]))["content"]
    assert part["type"] == "image_url"


def test_an_empty_text_beside_a_text_is_left_out():
    blocks = [TextBlock(text="one"), TextBlock(text=""), TextBlock(text="two")]
    assert [part["text"] for part in one(ChatMessage(role="user", blocks=blocks))["content"]] == ["one", "two"]
    assert one(ChatMessage(role="assistant", blocks=blocks))["content"] == "one\ntwo"


@pytest.mark.parametrize(
    "empty",
    [
        ChatMessage(role="assistant", content=""),
        ChatMessage(role="assistant", blocks=[]),
        ChatMessage(role="assistant", blocks=[ThinkingBlock(content="hm"), TextBlock(text="")]),
    ],
    ids=["empty text", "no block", "a thought alone"],
)
def test_an_answer_that_says_nothing_is_not_sent(server, llm, empty: ChatMessage):
    llm.chat([ChatMessage("Hi"), empty, ChatMessage("Again")])
    assert [message["content"] for message in server.last_body["messages"]] == ["Hi", "Again"]


def test_an_error_counts_the_messages_that_were_not_sent(server, llm):
    call = ToolCallBlock(tool_call_id="call_1", tool_name="add", tool_kwargs={})
    history = [
        ChatMessage("Hi"),
        ChatMessage(role="assistant", content=""),
        ChatMessage(role="assistant", blocks=[call]),
    ]
    with pytest.raises(BadRequestError) as caught:
        llm.chat(history)
    assert caught.value.message_index == 2


def test_what_says_something_is_sent():
    messages = to_messages(
        [
            ChatMessage(role="assistant", blocks=[ToolCallBlock(tool_call_id="call_1", tool_name="add")]),
            ChatMessage(role="assistant", blocks=[], additional_kwargs={"refusal": "No."}),
            ChatMessage(role="assistant", blocks=[ImageBlock(image=PNG)]),
            ChatMessage(role="user", content=""),
        ]
    )
    assert without_empty_answers(messages) == (messages, None)
    alone = to_messages([ChatMessage(role="assistant", content="")])
    assert without_empty_answers(alone) == (alone, None)


# A file needs a name: langchain-ai/langchainjs#9512.


def test_a_cited_picture_in_an_answer_is_sent_by_its_source():
    block = CitationBlock(
        cited_content=ImageBlock(image=PNG), source="p. 7", title="Atlas", additional_location_info={}
    )
    assert one(ChatMessage(role="assistant", blocks=[block]))["content"] == "[Atlas: p. 7]"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_json_cannot_say_is_null(number: str):
    text = f'{{"a": [{number}], "b": "NaN"}}'
    as_text = ToolCallBlock(tool_call_id="call_1", tool_name="add", tool_kwargs=text)
    parsed = ToolCallBlock(tool_call_id="call_1", tool_name="add", tool_kwargs={"a": [float(number)], "b": "NaN"})
    twin = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": text}}
    for blocks, given in (
        ([as_text], {}),
        ([parsed], {}),
        ([parsed], {"tool_calls": [twin]}),
        ([], {"tool_calls": [twin]}),
    ):
        message = ChatMessage(role="assistant", blocks=blocks, additional_kwargs=given)
        (call,) = one(message)["tool_calls"]
        assert json.loads(call["function"]["arguments"]) == {"a": [None], "b": "NaN"}


@pytest.mark.parametrize("text", ["{nope", "[1]", '"a"', "5"])
def test_arguments_that_are_no_object_are_wrapped(text: str):
    block = ToolCallBlock(tool_call_id="call_1", tool_name="add", tool_kwargs=text)
    (call,) = one(ChatMessage(role="assistant", blocks=[block]))["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {"invalid_arguments": text}


@pytest.mark.parametrize("text", ["", " ", "null", "{}"])
def test_no_arguments_are_an_empty_object(text: str):
    block = ToolCallBlock(tool_call_id="call_1", tool_name="add", tool_kwargs=text)
    assert one(ChatMessage(role="assistant", blocks=[block]))["tool_calls"][0]["function"]["arguments"] == "{}"


def test_calls_in_another_integrations_form_are_read_from_the_blocks():
    block = ToolCallBlock(tool_call_id="call_1", tool_name="add", tool_kwargs={"a": 1})
    theirs = [{"id": "call_1", "type": "tool_use", "name": "add", "input": {"a": 1}}]
    message = ChatMessage(role="assistant", blocks=[block], additional_kwargs={"tool_calls": theirs})
    assert one(message)["tool_calls"][0]["function"] == {"name": "add", "arguments": '{"a":1}'}


NOTES = [
    {"type": "url_citation", "url_citation": {"url": "https://atlas.invalid/", "title": "Atlas"}},
    {"type": "file", "file": {"hash": "1", "name": "one.pdf"}},
]


def test_annotations_go_back_as_they_came_and_not_as_text_too():
    known = CitationBlock(cited_content="", source="https://atlas.invalid/", title="Atlas", additional_location_info={})
    other = CitationBlock(cited_content="Ottawa", source="p. 7", title="Book", additional_location_info={})
    message = ChatMessage(
        role="assistant", blocks=[TextBlock(text="Ottawa."), known, other], additional_kwargs={"annotations": NOTES}
    )
    sent = one(message)
    assert sent["annotations"] == NOTES
    assert sent["content"] == "Ottawa.\nOttawa\n[Book: p. 7]"
