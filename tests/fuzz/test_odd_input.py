"""Whatever a caller passes, only errors of ours come of it, or what the framework itself says before it asks us."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from langchain_core.exceptions import OutputParserException
from llama_index.core.tools import FunctionTool

from gumloop_core.errors import GumloopError
from tests.fuzz import answers, conversations, wire
from tests.fuzz.deal import DEALS, Deal
from tests.fuzz.odd import anything, json_value, real, spoiled
from tests.fuzz.profiles import FUZZED
from tests.fuzz.roads import LANGCHAIN, LLAMA_INDEX_CHATS, Roads, drawn
from tests.fuzz.sent import assert_is_json
from tests.fuzz.shown import assert_shows_no_key, is_of_the_framework

pytestmark = [
    pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

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


def odd_conversation(deal: Deal, documents: list[Any]) -> Any:
    """A conversation with something odd in it, or one message of it, so that nothing before it is refused first."""
    return real(spoiled(deal, [deal.one(documents)] if deal.chance(2) else documents, values=anything, most=2))


@FUZZED
@given(deal=DEALS)
def test_messages_of_langchain(roads: Roads, deal: Deal) -> None:
    """Messages with anything in any field or block are sent as JSON, or refused by an error of ours."""
    conversation = odd_conversation(deal, conversations.LANGCHAIN)
    for road in drawn(deal, LANGCHAIN):
        messages = conversations.langchain_messages(conversation)
        only_our_errors(roads, lambda: LANGCHAIN[road](roads, messages))  # noqa: B023 - called at once


@FUZZED
@given(deal=DEALS)
def test_messages_of_llama_index(roads: Roads, deal: Deal) -> None:
    """Messages with anything in any field or block are sent as JSON, or refused by an error of ours."""
    conversation = odd_conversation(deal, conversations.LLAMA_INDEX)
    for road in drawn(deal, LLAMA_INDEX_CHATS):
        messages = conversations.llama_index_messages(conversation)
        only_our_errors(roads, lambda: LLAMA_INDEX_CHATS[road](roads, messages))  # noqa: B023 - called at once


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


def call_arguments(deal: Deal) -> dict[str, Any]:
    """A few arguments of a call, at least one of them odd."""
    arguments = {name: CALL[name] for name in [*deal.few(CALL, 2), deal.one(list(CALL))]}
    if deal.chance(2):
        arguments["tools"] = TOOLS
    return real(spoiled(deal, arguments, values=anything, most=2))


@FUZZED
@given(deal=DEALS)
def test_arguments_of_a_call_in_langchain(roads: Roads, deal: Deal) -> None:
    """A call with anything for any argument sends JSON, or raises an error of ours."""
    model, arguments = roads.langchain(), call_arguments(deal)
    calls = {
        "invoke": lambda: model.invoke("hi", **arguments),
        "ainvoke": lambda: roads.run(model.ainvoke("hi", **arguments)),
        "stream": lambda: list(model.stream("hi", **arguments)),
        "events": lambda: model.stream_events("hi", version="v3", **arguments).output,
    }
    if not {"input", "version"}.isdisjoint(arguments):
        return
    for road in drawn(deal, calls):
        only_our_errors(roads, calls[road])


@FUZZED
@given(deal=DEALS)
def test_arguments_of_a_call_in_llama_index(roads: Roads, deal: Deal) -> None:
    """A call with anything for any argument sends JSON, or raises an error of ours."""
    model, arguments = roads.llama_index(), call_arguments(deal)
    ask = conversations.llama_index_messages(conversations.LLAMA_INDEX[-1:])
    calls = {
        "chat": lambda: model.chat(ask, **arguments),
        "achat": lambda: roads.run(model.achat(ask, **arguments)),
        "stream_chat": lambda: list(model.stream_chat(ask, **arguments)),
        "complete": lambda: model.complete("hi", **arguments),
    }
    if not {"messages", "prompt", "formatted"}.isdisjoint(arguments):
        return
    for road in drawn(deal, calls):
        only_our_errors(roads, calls[road])


def _f(a: int) -> int:
    """Give it back."""
    return a


@FUZZED
@given(deal=DEALS)
def test_tools(roads: Roads, deal: Deal) -> None:
    """Tools that are anything are sent as JSON, or refused by an error of ours."""
    tools = real(spoiled(deal, TOOLS, values=anything, most=2))
    options = spoiled(deal, {"tool_choice": "f", "strict": True, "parallel_tool_calls": False}, most=1)
    known = {name: value for name, value in options.items() if name in ("tool_choice", "strict", "parallel_tool_calls")}
    ours = FunctionTool.from_defaults(_f)
    calls = {
        "langchain": lambda: roads.langchain().bind_tools(tools, **known).invoke("hi"),
        "llama_index": lambda: roads.llama_index().chat_with_tools([ours, *tools], "hi", **known),
    }
    for road in drawn(deal, calls):
        only_our_errors(roads, calls[road])


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


@FUZZED
@given(deal=DEALS)
def test_schemas(roads: Roads, deal: Deal) -> None:
    """Any schema, wherever it is passed, and any answer to it: a value comes of it, or an error of ours."""
    schema = real(spoiled(deal, SCHEMA, values=lambda deal: {"$ref": "#"} if deal.chance(9) else anything(deal)))
    strict, streams = deal.one([None, True, False]), deal.chance(2)
    method: Any = deal.one(["json_schema", "json_schema", "function_calling", "json_mode"])
    text = wire.encoded(json_value(deal)).decode("utf-8", "surrogatepass")
    said = answers.Said(text=text, calls=[answers.Call("c", "Song", text)])
    ask = conversations.llama_index_messages(conversations.LLAMA_INDEX[-1:])
    formatted = {"type": "json_schema", "json_schema": {"name": "a", "strict": strict, "schema": schema}}
    tool = {"type": "function", "function": {"name": "f", "parameters": schema, "strict": strict}}

    def structured() -> None:
        kwargs = {} if strict is None or method == "json_mode" else {"strict": strict}
        model = roads.langchain().with_structured_output(schema, method=method, **kwargs)
        roads.played.play(
            unary=wire.encoded(answers.whole(said, answers.Manner())),
            streamed=wire.stream_of([answers.chunk({"content": text}), answers.chunk({}, "stop")]),
        )
        list(model.stream("hi")) if streams else model.invoke("hi")

    calls = {
        "with_structured_output": structured,
        "response_format": lambda: roads.llama_index().chat(ask, response_format=formatted),
        "tools": lambda: roads.llama_index().chat(ask, tools=[tool]),
        "bind_tools": lambda: roads.langchain().bind_tools([tool], strict=strict).invoke("hi"),
    }
    for road in drawn(deal, ["with_structured_output"], ["response_format", "tools", "bind_tools"]):
        only_our_errors(roads, calls[road])
