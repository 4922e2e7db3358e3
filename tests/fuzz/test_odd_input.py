"""Whatever a caller passes, only errors of ours come of it, or what the framework itself says before it asks us."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.exceptions import OutputParserException
from llama_index.core.tools import FunctionTool

from gumloop_core.errors import GumloopError
from tests.fuzz import answers, conversations, json_values, python_values, wire
from tests.fuzz.profiles import FUZZED
from tests.fuzz.roads import LANGCHAIN_STREAMS, LANGCHAIN_UNARY, LLAMA_INDEX_STREAMS, LLAMA_INDEX_UNARY, Roads
from tests.fuzz.sent import assert_is_json
from tests.fuzz.shown import assert_shows_no_key, is_of_the_framework

pytestmark = [
    pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

LANGCHAIN = {**LANGCHAIN_UNARY, **LANGCHAIN_STREAMS}
LLAMA_INDEX = {**LLAMA_INDEX_UNARY, **LLAMA_INDEX_STREAMS}
ANSWER = answers.Said(text='{"a": 1}', calls=[answers.Call("c", "f", '{"a": 1}')], finish_reason="stop")


def play(roads: Roads) -> None:
    """Answer with something that has all."""
    roads.options = {}
    manner = answers.Manner()
    chunks = [
        answers.chunk({"role": "assistant", "content": ANSWER.text}),
        answers.chunk({"tool_calls": answers.whole(ANSWER, manner)["choices"][0]["message"]["tool_calls"]}),
        answers.chunk({}, "stop"),
    ]
    roads.played.play(unary=wire.encoded(answers.whole(ANSWER, manner)), streamed=wire.stream_of(chunks))


def only_our_errors(roads: Roads, work: Any) -> None:
    """Run something: it works and sends JSON, or raises an error of ours, or one that the framework raised itself."""
    play(roads)
    try:
        work()
    except (GumloopError, OutputParserException) as error:
        assert_shows_no_key(error)
    except Exception as error:
        if not is_of_the_framework(error):
            raise
    for body in roads.played.bodies:
        assert_is_json(body)


@FUZZED
@given(
    conversation=json_values.spoiled(conversations.LANGCHAIN, values=python_values.PASSED, most=2),
    road=st.sampled_from(sorted(LANGCHAIN)),
)
def test_messages_of_langchain(roads: Roads, conversation: Any, road: str) -> None:
    messages = conversations.langchain_messages(python_values.real(conversation))
    only_our_errors(roads, lambda: LANGCHAIN[road](roads, messages))


@FUZZED
@given(
    place=st.integers(0, len(conversations.LANGCHAIN) - 1), data=st.data(), road=st.sampled_from(["invoke", "stream"])
)
def test_one_message_of_langchain(roads: Roads, place: int, data: st.DataObject, road: str) -> None:
    # Alone, so that nothing before it is refused first.
    document = data.draw(json_values.spoiled([conversations.LANGCHAIN[place]], values=python_values.PASSED, most=2))
    messages = conversations.langchain_messages(python_values.real(document))
    only_our_errors(roads, lambda: LANGCHAIN[road](roads, messages))


@FUZZED
@given(
    conversation=json_values.spoiled(conversations.LLAMA_INDEX, values=python_values.PASSED, most=2),
    road=st.sampled_from(sorted(LLAMA_INDEX)),
)
def test_messages_of_llama_index(roads: Roads, conversation: Any, road: str) -> None:
    messages = conversations.llama_index_messages(python_values.real(conversation))
    only_our_errors(roads, lambda: LLAMA_INDEX[road](roads, messages))


@FUZZED
@given(
    place=st.integers(0, len(conversations.LLAMA_INDEX) - 1),
    data=st.data(),
    road=st.sampled_from(["chat", "stream_chat"]),
)
def test_one_message_of_llama_index(roads: Roads, place: int, data: st.DataObject, road: str) -> None:
    document = data.draw(json_values.spoiled([conversations.LLAMA_INDEX[place]], values=python_values.PASSED, most=2))
    messages = conversations.llama_index_messages(python_values.real(document))
    only_our_errors(roads, lambda: LLAMA_INDEX[road](roads, messages))


# -- a call's own arguments ------------------------------------------------------------------------------------------

CALL: dict[str, Any] = {
    "temperature": 0.5,
    "max_completion_tokens": 5,
    "max_tokens": 5,
    "top_p": 0.5,
    "seed": 1,
    "stop": ["a"],
    "frequency_penalty": 0.1,
    "reasoning": {"effort": "low"},
    "modalities": ["text"],
    "image_config": {"size": "1024x1024", "partial_images": 1},
    "provider": {"order": ["a"]},
    "models": ["m"],
    "plugins": [{"id": "web"}],
    "parallel_tool_calls": True,
    "extra_body": {"x": 1, "messages": [], "stream": False},
    "extra_headers": {"x-a": "b"},
    "timeout": 5,
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "a", "strict": True, "schema": {"type": "object"}},
    },
    "metadata": {"a": "b"},
    "stream_options": {"include_usage": True},
    "model": "m",
    "user": "u",
    "logprobs": True,
    "top_logprobs": 2,
    "n": 1,
    "stream": True,
}
TOOLS: list[Any] = [
    {
        "type": "function",
        "function": {
            "name": "f",
            "description": "d",
            "strict": True,
            "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
        },
        "cache_control": {"type": "ephemeral"},
    },
    {"name": "g", "description": "d", "input_schema": {"type": "object", "properties": {}}},
    {"title": "h", "description": "d", "type": "object", "properties": {"a": {"type": "string"}}},
    {"type": "openrouter:web_search", "parameters": {"max_results": 1}},
    {"google_search": {}},
    {"toolSpec": {"name": "k", "description": "d", "inputSchema": {"json": {"type": "object"}}}},
]


@st.composite
def call_arguments(draw: st.DrawFn) -> dict[str, Any]:
    """A few arguments of a call, at least one of them odd."""
    names = draw(st.lists(st.sampled_from(sorted(CALL)), min_size=1, max_size=2, unique=True))
    arguments = {name: CALL[name] for name in names}
    if draw(st.booleans()):
        arguments["tools"] = TOOLS
    return draw(json_values.spoiled(arguments, values=python_values.PASSED, most=2))


@FUZZED
@given(arguments=call_arguments(), road=st.sampled_from(["invoke", "ainvoke", "stream", "events"]))
def test_arguments_of_a_call_in_langchain(roads: Roads, arguments: dict[str, Any], road: str) -> None:
    model, given_arguments = roads.langchain(), python_values.real(arguments)
    calls = {
        "invoke": lambda: model.invoke("hi", **given_arguments),
        "ainvoke": lambda: roads.run(model.ainvoke("hi", **given_arguments)),
        "stream": lambda: list(model.stream("hi", **given_arguments)),
        "events": lambda: model.stream_events("hi", version="v3", **given_arguments).output,
    }
    if not all(isinstance(name, str) for name in given_arguments) or "version" in given_arguments:
        return
    only_our_errors(roads, calls[road])


@FUZZED
@given(arguments=call_arguments(), road=st.sampled_from(["chat", "achat", "stream_chat", "complete"]))
def test_arguments_of_a_call_in_llama_index(roads: Roads, arguments: dict[str, Any], road: str) -> None:
    model, given_arguments = roads.llama_index(), python_values.real(arguments)
    ask = conversations.llama_index_messages(conversations.LLAMA_INDEX[-1:])
    calls = {
        "chat": lambda: model.chat(ask, **given_arguments),
        "achat": lambda: roads.run(model.achat(ask, **given_arguments)),
        "stream_chat": lambda: list(model.stream_chat(ask, **given_arguments)),
        "complete": lambda: model.complete("hi", **given_arguments),
    }
    if not {"messages", "prompt", "formatted"}.isdisjoint(given_arguments):
        return
    only_our_errors(roads, calls[road])


def _f(a: int) -> int:
    """Give it back."""
    return a


@FUZZED
@given(
    tools=json_values.spoiled(TOOLS, values=python_values.PASSED, most=2),
    options=json_values.spoiled(
        {"tool_choice": "f", "strict": True, "parallel_tool_calls": False}, values=json_values.ODD, most=1
    ),
)
def test_tools(roads: Roads, tools: Any, options: dict[str, Any]) -> None:
    given_tools = python_values.real(tools)
    known = {name: value for name, value in options.items() if name in ("tool_choice", "strict", "parallel_tool_calls")}
    only_our_errors(roads, lambda: roads.langchain().bind_tools(given_tools, **known).invoke("hi"))
    ours = FunctionTool.from_defaults(_f)
    only_our_errors(roads, lambda: roads.llama_index().chat_with_tools([ours, *given_tools], "hi", **known))


# -- schemas ---------------------------------------------------------------------------------------------------------

SCHEMA: dict[str, Any] = {
    "title": "Song",
    "description": "A song.",
    "type": "object",
    "$defs": {
        "Key": {"type": "string", "enum": ["a", "b"], "description": "d"},
        "Node": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
    },
    "properties": {
        "key": {"$ref": "#/$defs/Key", "description": "The key"},
        "node": {"$ref": "#/$defs/Node"},
        "length": {"type": "integer", "minimum": 0, "default": 1},
        "tags": {"type": "array", "items": {"type": "string", "format": "uuid4"}, "uniqueItems": True},
        "pair": {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}]},
        "either": {
            "oneOf": [{"type": "object", "properties": {"kind": {"const": "a"}}}],
            "discriminator": {"propertyName": "kind"},
        },
        "any": {},
        "open": {"type": "object", "additionalProperties": {"type": "number"}},
        "all": {"allOf": [{"type": "string"}]},
    },
    "required": ["key"],
}
SCHEMAS = json_values.spoiled(SCHEMA, values=st.one_of(python_values.PASSED, st.just({"$ref": "#"})), most=3)
METHODS = st.sampled_from(["json_schema", "json_schema", "function_calling", "json_mode"])


@FUZZED
@given(
    schema=SCHEMAS,
    method=METHODS,
    strict=st.sampled_from([None, True, False]),
    content=json_values.ODD,
    streams=st.booleans(),
)
def test_structured_answers(
    roads: Roads, schema: Any, method: Any, strict: bool | None, content: Any, streams: bool
) -> None:
    given_schema = python_values.real(schema)
    text = wire.encoded(content).decode("utf-8", "surrogatepass")

    def work() -> None:
        kwargs = {} if strict is None or method == "json_mode" else {"strict": strict}
        model = roads.langchain().with_structured_output(given_schema, method=method, **kwargs)
        document = answers.whole(answers.Said(text=text, calls=[answers.Call("c", "Song", text)]), answers.Manner())
        roads.played.play(
            unary=wire.encoded(document),
            streamed=wire.stream_of([answers.chunk({"content": text}), answers.chunk({}, "stop")]),
        )
        list(model.stream("hi")) if streams else model.invoke("hi")

    only_our_errors(roads, work)
    formatted = {"type": "json_schema", "json_schema": {"name": "a", "strict": strict, "schema": given_schema}}
    ask = conversations.llama_index_messages(conversations.LLAMA_INDEX[-1:])
    only_our_errors(roads, lambda: roads.llama_index().chat(ask, response_format=formatted))
    tool = {"type": "function", "function": {"name": "f", "parameters": given_schema, "strict": strict}}
    only_our_errors(roads, lambda: roads.llama_index().chat(ask, tools=[tool]))
    only_our_errors(roads, lambda: roads.langchain().bind_tools([tool], strict=strict).invoke("hi"))
