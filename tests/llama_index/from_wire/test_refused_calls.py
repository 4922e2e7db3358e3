"""Calls whose arguments are not whole run nothing; an agent's model hears of it, everyone else gets an error.

Public reports of the situation: run-llama/llama_index#11921 (a malformed call ends an agent's run),
langchain-ai/langchain#39275 (half a call that was cut off runs).
"""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
from collections.abc import Callable
from itertools import pairwise
from typing import Any, cast

import pytest
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent, ToolCallResult
from llama_index.core.llms import ChatMessage
from llama_index.core.program import FunctionCallingProgram
from llama_index.core.prompts import PromptTemplate
from llama_index.core.tools import BaseTool, FunctionTool, QueryEngineTool, ToolMetadata, ToolOutput
from llama_index.core.tools.types import AsyncBaseTool
from llama_index.core.types import PydanticProgramMode
from llama_index.core.workflow import Context
from pydantic import BaseModel

from gumloop_core.errors import GumloopError, InvalidResponseError
from gumloop_emulator import Answer, Emulator, ToolCall
from llama_index_gumloop.errors import NoToolCallError, UnknownToolError
from llama_index_gumloop.from_wire.refused_calls import refused_call

# The workflow engine looks at every attribute of an agent's model, pydantic's deprecated ones too.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

RAN: list[Any] = []
PROMPT = PromptTemplate("Go!")


def add(a: int = 1, b: int = 2) -> int:
    """Add two numbers."""
    RAN.append((a, b))
    return a + b


def anything(**options: Any) -> str:
    """Take anything."""
    RAN.append(options)
    return "done"


def nothing() -> str:
    """Take nothing."""
    RAN.append(())
    return "done"


async def later(path: str = "/") -> str:
    """Take a while."""
    RAN.append(path)
    return path


class Album(BaseModel):
    """An album."""

    name: str
    songs: int = 0


@pytest.fixture(autouse=True)
def nothing_ran() -> None:
    RAN.clear()


def run(agent: Any) -> tuple[str, list[ToolCallResult]]:
    """Run an agent and keep the results of its tools."""

    async def work() -> tuple[str, list[ToolCallResult]]:
        handler = agent.run(user_msg="Go!")
        results = [event async for event in handler.stream_events() if isinstance(event, ToolCallResult)]
        return str(await handler), results

    return asyncio.run(work())


def agent_of(llm: Any, *, streaming: bool, is_workflow: bool = False) -> Any:
    agent = FunctionAgent(
        name="one",
        description="Does it.",
        tools=[add, anything, nothing, later],
        llm=llm,
        streaming=streaming,
        can_handoff_to=["two"] if is_workflow else None,
    )
    if not is_workflow:
        return agent
    other = FunctionAgent(name="two", description="Does more.", tools=[add], llm=llm, streaming=streaming)
    return AgentWorkflow(agents=[agent, other], root_agent="one")


BAD_CALLS = [
    pytest.param("add", "{nope", None, "not a JSON object", id="malformed"),
    pytest.param("nothing", "[]", None, "not a JSON object", id="no object"),
    pytest.param("anything", '{"path": "/home/me/old', "length", "cut off", id="cut off"),
    pytest.param("later", '{"path": "/home/me/old', "content_filter", "cut off", id="filtered"),
    pytest.param("nothing", "", "length", "cut off", id="cut off before the arguments"),
]


@pytest.mark.parametrize("is_workflow", [False, True], ids=["agent", "workflow"])
@pytest.mark.parametrize("streaming", [True, False], ids=["streamed", "unary"])
@pytest.mark.parametrize(("name", "arguments", "finish_reason", "reason"), BAD_CALLS)
def test_an_agent_gets_a_bad_call_back_and_goes_on(
    server: Emulator,
    llm,
    streaming: bool,
    is_workflow: bool,
    name: str,
    arguments: str,
    finish_reason: str | None,
    reason: str,
):
    server.queue(
        Answer(tool_calls=[ToolCall(name, arguments, id="call_1")], finish_reason=finish_reason), Answer(text="Sorry.")
    )
    output, (result,) = run(agent_of(llm, streaming=streaming, is_workflow=is_workflow))
    assert output == "Sorry."
    assert not RAN
    assert (result.tool_name, result.tool_id, result.tool_output.is_error) == (name, "call_1", True)
    assert reason in result.tool_output.content
    asked, told = server.last_body["messages"][-2:]
    (call,) = asked["tool_calls"]
    assert (call["id"], call["function"]["name"]) == ("call_1", name)
    assert isinstance(json.loads(call["function"]["arguments"]), dict)
    assert (told["role"], told["tool_call_id"]) == ("tool", "call_1")
    assert reason in told["content"]


@pytest.mark.parametrize("streaming", [True, False], ids=["streamed", "unary"])
def test_a_bad_call_among_good_ones_fails_alone(server: Emulator, llm, streaming: bool):
    calls = [ToolCall("add", {"a": 2}, id="good"), ToolCall("add", '{"a": ', id="bad")]
    server.queue(Answer(tool_calls=calls), Answer(text="4."))
    output, results = run(agent_of(llm, streaming=streaming))
    assert (output, RAN) == ("4.", [(2, 2)])
    assert {result.tool_id: result.tool_output.is_error for result in results} == {"good": False, "bad": True}


@pytest.mark.parametrize("streaming", [True, False], ids=["streamed", "unary"])
def test_half_a_hand_over_hands_nothing_over(server: Emulator, llm, streaming: bool):
    server.queue(
        Answer(tool_calls=[ToolCall("handoff", '{"to_agent": "two", "rea')], finish_reason="length"),
        Answer(text="Sorry."),
    )
    _, (result,) = run(agent_of(llm, streaming=streaming, is_workflow=True))
    assert result.tool_output.is_error
    assert "cut off" in result.tool_output.content
    assert [tool["function"]["name"] for tool in server.last_body["tools"]][-1] == "handoff"  # of the first agent


def test_the_model_reads_its_own_words(server: Emulator, llm):
    server.queue(Answer(tool_calls=[ToolCall("add", "{nope")]), Answer(text="Sorry."))
    run(agent_of(llm, streaming=True))
    (call,) = server.last_body["messages"][-2]["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {"invalid_arguments": "{nope"}


def test_a_refused_call_stays_refused_as_plain_data():
    selection = refused_call("call_1", "anything", "{nope", "It makes no sense.")
    tool = FunctionTool.from_defaults(anything)
    for same in (selection, copy.deepcopy(selection), pickle.loads(pickle.dumps(selection))):
        assert same == selection
        with pytest.raises(InvalidResponseError, match="It makes no sense"):
            tool(**same.tool_kwargs)
    written = json.loads(selection.model_dump_json())["tool_kwargs"]
    assert set(written.values()) == {"{nope", "It makes no sense."}
    with pytest.raises(TypeError, match="self"):
        tool(**written)
    assert not RAN


class ByTheBase(BaseTool):
    """A tool that keeps to the framework's base class."""

    metadata = ToolMetadata(name="add", description="Adds.")

    def __call__(self, input: Any) -> ToolOutput:
        RAN.append(input)
        return ToolOutput(content="done", tool_name="add", raw_input={}, raw_output="done")


class TakesAnything(AsyncBaseTool):
    """A tool whose methods take anything, and call themselves what they like."""

    metadata = ToolMetadata(name="add", description="Adds.")

    def __call__(this, *args: Any, **kwargs: Any) -> ToolOutput:
        return this.call(*args, **kwargs)

    def call(this, *args: Any, **kwargs: Any) -> ToolOutput:
        RAN.append(kwargs)
        return ToolOutput(content="done", tool_name="add", raw_input={}, raw_output="done")

    async def acall(this, *args: Any, **kwargs: Any) -> ToolOutput:
        return this.call(*args, **kwargs)


class Engine:
    """Adds by its methods."""

    def __call__(self, a: int = 1) -> int:
        return add(a)

    def adds(self, a: int = 1) -> int:
        return add(a)

    def query(self, text: str) -> str:
        RAN.append(text)
        return text

    aquery = later


async def with_context(ctx: Context, a: int = 1) -> int:
    return add(a)


with_context.__annotations__ = {"ctx": Context, "a": int, "return": int}  # the framework reads no annotations as text


def with_self(self: str = "", a: int = 1) -> int:
    return add(a)


TOOLS: dict[str, Callable[[], BaseTool]] = {
    "callable": lambda: FunctionTool.from_defaults(Engine(), name="add", description="Adds."),
    "method": lambda: FunctionTool.from_defaults(Engine().adds, name="add"),
    "async": lambda: FunctionTool.from_defaults(async_fn=later, name="add"),
    "with the context": lambda: FunctionTool.from_defaults(async_fn=with_context, name="add"),
    "with a parameter self": lambda: FunctionTool.from_defaults(with_self, name="add"),
    "partial": lambda: FunctionTool.from_defaults(add, partial_params={"a": 1}),
    "direct": lambda: FunctionTool.from_defaults(add, return_direct=True),
    "query engine": lambda: QueryEngineTool.from_defaults(cast("Any", Engine()), name="add", description="Adds."),
    "by the base": ByTheBase,
    "takes anything": TakesAnything,
}


@pytest.mark.parametrize("streaming", [True, False], ids=["streamed", "unary"])
@pytest.mark.parametrize("kind", TOOLS)
def test_no_kind_of_tool_runs_on_half_a_call(server: Emulator, llm, kind: str, streaming: bool):
    server.queue(Answer(tool_calls=[ToolCall("add", '{"a": ')], finish_reason="length"), Answer(text="Sorry."))
    agent = FunctionAgent(tools=[TOOLS[kind]()], llm=llm, streaming=streaming)
    output, (result,) = run(agent)
    assert not RAN
    assert (output, result.tool_output.is_error) == ("Sorry.", True)
    assert "cut off" in server.last_body["messages"][-1]["content"]
    assert "cut off" in json.loads(result.model_dump_json())["tool_kwargs"]["self"]


@pytest.mark.parametrize("way", ["predict_and_call", "apredict_and_call"])
@pytest.mark.parametrize(("name", "arguments", "finish_reason", "reason"), BAD_CALLS)
def test_a_prediction_raises(server: Emulator, llm, way: str, name: str, arguments: str, finish_reason, reason: str):
    server.queue(Answer(tool_calls=[ToolCall(name, arguments)], finish_reason=finish_reason))
    with pytest.raises(InvalidResponseError, match=reason):
        predict(llm, way)
    assert not RAN


def predict(llm: Any, way: str, **options: Any) -> Any:
    tools = [FunctionTool.from_defaults(tool) for tool in (add, anything, nothing, later)]
    answer = getattr(llm, way)(tools, user_msg="Go!", **options)
    if way == "predict_and_call":
        return answer

    async def answered() -> Any:
        return await answer

    return asyncio.run(answered())


@pytest.mark.parametrize("way", ["predict_and_call", "apredict_and_call"])
def test_a_prediction_that_bears_failures_tells_of_it(server: Emulator, llm, way: str):
    server.queue(Answer(tool_calls=[ToolCall("anything", "{nope")]))
    answer = predict(llm, way, error_on_no_tool_call=False)
    assert "not a JSON object" in answer.response
    assert answer.sources[0].is_error
    assert not RAN


@pytest.mark.parametrize("way", ["predict_and_call", "apredict_and_call"])
def test_a_tool_that_does_not_exist_is_named(server: Emulator, llm, way: str):
    server.queue(Answer(tool_calls=[ToolCall("subtract", {})]))
    with pytest.raises(UnknownToolError, match="subtract") as caught:
        predict(llm, way)
    assert isinstance(caught.value, KeyError)  # the framework's word for it


@pytest.mark.parametrize("way", ["predict_and_call", "apredict_and_call"])
def test_no_call_is_the_frameworks_error_and_ours(server: Emulator, llm, way: str):
    server.queue(Answer(text="Hello."))
    with pytest.raises(ValueError, match="at least one tool call") as caught:
        predict(llm, way)
    assert isinstance(caught.value, (NoToolCallError, GumloopError))


@pytest.mark.parametrize("way", ["predict_and_call", "apredict_and_call"])
def test_a_failed_tool_is_the_frameworks_error(server: Emulator, llm, way: str):
    server.queue(Answer(tool_calls=[ToolCall("add", {"c": 1})]))
    with pytest.raises(ValueError, match="unexpected keyword") as caught:
        predict(llm, way, error_on_tool_error=True)
    assert not isinstance(caught.value, GumloopError)


HALF_OBJECT = Answer(tool_calls=[ToolCall("Album", '{"name": "Abbey Ro')], finish_reason="length")


async def collected(stream: Any) -> list[Any]:
    return [item async for item in await stream]


PREDICTIONS = {
    "unary": lambda llm: llm.structured_predict(Album, PROMPT),
    "unary async": lambda llm: asyncio.run(llm.astructured_predict(Album, PROMPT)),
    "streamed": lambda llm: list(llm.stream_structured_predict(Album, PROMPT)),
    "streamed async": lambda llm: asyncio.run(collected(llm.astream_structured_predict(Album, PROMPT))),
}
PROGRAMS = {
    "unary": lambda program: program(),
    "unary async": lambda program: asyncio.run(program.acall()),
    "streamed": lambda program: list(program.stream_call()),
    "streamed async": lambda program: asyncio.run(collected(program.astream_call())),
}


@pytest.mark.parametrize("way", PREDICTIONS)
def test_half_a_call_makes_no_object(server: Emulator, make_llm, way: str):
    server.queue(HALF_OBJECT)
    llm = make_llm(pydantic_program_mode=PydanticProgramMode.FUNCTION)
    with pytest.raises(InvalidResponseError, match="cut off"):
        PREDICTIONS[way](llm)


@pytest.mark.parametrize("way", PROGRAMS)
def test_half_a_call_makes_no_object_in_a_program(server: Emulator, llm, way: str):
    server.queue(HALF_OBJECT)
    program = FunctionCallingProgram.from_defaults(output_cls=Album, prompt=PROMPT, llm=llm)
    with pytest.raises(InvalidResponseError, match="cut off"):
        PROGRAMS[way](program)


def test_a_whole_call_makes_an_object_streamed(server: Emulator, llm):
    server.queue(Answer(tool_calls=[ToolCall("Album", {"name": "Abbey Road", "songs": 17})]))
    program = FunctionCallingProgram.from_defaults(output_cls=Album, prompt=PROMPT, llm=llm)
    assert list(program.stream_call())[-1] == Album(name="Abbey Road", songs=17)


def test_a_whole_call_of_a_cut_off_answer_runs(server: Emulator, llm):
    server.queue(Answer(tool_calls=[ToolCall("add", {"a": 5})], finish_reason="length"), Answer(text="7."))
    run(agent_of(llm, streaming=True))
    assert RAN == [(5, 2)]


def test_a_streamed_call_grows(server: Emulator, llm):
    server.queue(Answer(tool_calls=[ToolCall("later", {"path": "/home/me/old"})]))
    responses = list(llm.stream_chat([ChatMessage("Go!")], tools=[]))
    grown = [llm.get_tool_calls_from_response(response, error_on_no_tool_call=False) for response in responses]
    paths = [calls[0].tool_kwargs.get("path", "") for calls in grown if calls]
    assert paths[-1] == "/home/me/old"
    assert all(later.startswith(earlier) for earlier, later in pairwise(paths))
