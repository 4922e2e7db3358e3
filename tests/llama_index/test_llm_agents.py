"""Agents and chat engines run their tools, streamed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from llama_index.core.agent.workflow import (
    AgentOutput,
    AgentStream,
    AgentWorkflow,
    FunctionAgent,
    ReActAgent,
    ToolCallResult,
)
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.llms import ChatMessage, ImageBlock, TextBlock
from llama_index.core.memory import ChatMemoryBuffer, Memory
from llama_index.core.tools import FunctionTool
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import create_async_engine

from gumloop_emulator import Answer, Chunks, Emulator, ReceivedRequest, ToolCall
from tests.support.http_bytes import chunk
from tests.support.pictures import png

# The workflow engine looks at every attribute of an agent's model, pydantic's deprecated ones too.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

CALLS: list[tuple[str, Any]] = []


def add(a: int, b: int) -> int:
    """Add two numbers."""
    CALLS.append(("add", (a, b)))
    return a + b


def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    CALLS.append(("multiply", (a, b)))
    return a * b


class Total(BaseModel):
    """A total."""

    value: int


@pytest.fixture(autouse=True)
def no_calls() -> None:
    CALLS.clear()


def run(agent: Any, prompt: str, **options: Any) -> tuple[AgentOutput, list[Any]]:
    """Run an agent and keep what it streamed."""

    async def work() -> tuple[AgentOutput, list[Any]]:
        handler = agent.run(user_msg=prompt, **options)
        events = [event async for event in handler.stream_events()]
        return await handler, events

    return asyncio.run(work())


@pytest.mark.parametrize("streaming", [True, False])
def test_a_function_agent_runs_its_tools(server: Emulator, llm, streaming: bool):
    server.queue(
        Answer(tool_calls=[ToolCall("add", {"a": 2, "b": 3}), ToolCall("multiply", {"a": 4, "b": 5})]),
        Answer(text="That is 5 and 20."),
    )
    agent = FunctionAgent(tools=[add, multiply], llm=llm, streaming=streaming)
    output, events = run(agent, "2 + 3 and 4 * 5?")
    assert str(output) == "That is 5 and 20."
    assert sorted(CALLS) == [("add", (2, 3)), ("multiply", (4, 5))]
    assert {event.tool_output.content for event in events if isinstance(event, ToolCallResult)} == {"5", "20"}
    results = [message for message in server.last_body["messages"] if message["role"] == "tool"]
    assert {result["content"] for result in results} == {"5", "20"}


def test_an_agent_streams_text_and_thoughts(server: Emulator, llm):
    server.queue(Answer(text="The answer is 5, that is all.", reasoning="I should add. I know how."))
    _, events = run(FunctionAgent(tools=[add], llm=llm), "2 + 3?")
    streamed = [event for event in events if isinstance(event, AgentStream)]
    assert "".join(event.delta for event in streamed) == "The answer is 5, that is all."
    assert "".join(event.thinking_delta or "" for event in streamed) == "I should add. I know how."
    assert streamed[-1].response == "The answer is 5, that is all."


def test_tools_run_when_usage_comes_last(server: Emulator, llm):
    call = {
        "index": 0,
        "id": "call_1",
        "type": "function",
        "function": {"name": "add", "arguments": '{"a": 2, "b": 3}'},
    }
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    events = [chunk({"tool_calls": [call]}), chunk({}, finish_reason="tool_calls"), chunk(None, usage=usage)]
    server.queue(Chunks(events), Answer(text="5."))
    output, _ = run(FunctionAgent(tools=[add], llm=llm), "2 + 3?")
    assert (str(output), CALLS) == ("5.", [("add", (2, 3))])


def test_a_thinking_model_gets_its_signed_reasoning_back(server: Emulator, make_llm):
    # The emulator's own call carries signed reasoning, without which it refuses the second turn.
    output, _ = run(FunctionAgent(tools=[add], llm=make_llm(model="emulator/thinking")), "Add two numbers.")
    ((_, numbers),) = CALLS
    assert str(output) == str(sum(numbers))
    turn = next(message for message in server.last_body["messages"] if message["role"] == "assistant")
    assert turn["reasoning_details"][0]["signature"]


def test_a_tool_can_show_a_picture(server: Emulator, llm):
    def look() -> list:
        """Look."""
        return [TextBlock(text="Seen."), ImageBlock(image=png())]

    server.queue(Answer(tool_calls=[ToolCall("look", {})]), Answer(text="Red."))
    output, _ = run(FunctionAgent(tools=[look], llm=llm), "What is there?")
    assert str(output) == "Red."
    result = next(message for message in server.last_body["messages"] if message["role"] == "tool")
    assert "image" in str(result["content"])


def test_a_failed_tool_is_told_to_the_model(server: Emulator, llm):
    def fail() -> str:
        """Fail."""
        raise RuntimeError("out of order")

    server.queue(Answer(tool_calls=[ToolCall("fail", {})]), Answer(text="It is broken."))
    output, _ = run(FunctionAgent(tools=[fail], llm=llm), "Try!")
    assert str(output) == "It is broken."
    assert "out of order" in str(server.last_body["messages"])


def test_the_first_choice_of_tool_is_sent(server: Emulator, llm):
    server.queue(Answer(tool_calls=[ToolCall("add", {"a": 2, "b": 3})]), Answer(text="5."))
    run(FunctionAgent(tools=[add, multiply], llm=llm, initial_tool_choice="add"), "Hello")
    first, second = [request.json.get("tool_choice") for request in server.chat_requests]
    assert first == {"type": "function", "function": {"name": "add"}}
    assert second is None


@pytest.mark.parametrize("field", [None, True, False])
def test_a_model_of_one_call_at_a_time_stays_so_in_an_agent(server: Emulator, make_llm, field: bool | None):
    run(FunctionAgent(tools=[add], llm=make_llm(parallel_tool_calls=field)), "Hello")
    assert server.last_body["parallel_tool_calls"] is (field is not False)


def test_an_agent_answers_with_an_object(server: Emulator, llm):
    server.queue(Answer(tool_calls=[ToolCall("add", {"a": 2, "b": 3})]), Answer(text="5."), Answer(text='{"value": 5}'))
    output, _ = run(FunctionAgent(tools=[add], llm=llm, output_cls=Total), "2 + 3?")
    assert output.structured_response == {"value": 5}
    assert output.get_pydantic_model(Total) == Total(value=5)


def test_agents_hand_over(server: Emulator, llm):
    adder = FunctionAgent(name="adder", description="Adds.", tools=[add], llm=llm, can_handoff_to=["multiplier"])
    multiplier = FunctionAgent(name="multiplier", description="Multiplies.", tools=[multiply], llm=llm)
    server.queue(
        Answer(tool_calls=[ToolCall("add", {"a": 2, "b": 3})]),
        Answer(tool_calls=[ToolCall("handoff", {"to_agent": "multiplier", "reason": "It multiplies."})]),
        Answer(tool_calls=[ToolCall("multiply", {"a": 5, "b": 4})]),
        Answer(text="20."),
    )
    workflow = AgentWorkflow(agents=[adder, multiplier], root_agent="adder")
    output, _ = run(workflow, "(2 + 3) * 4?")
    assert str(output) == "20."
    assert CALLS == [("add", (2, 3)), ("multiply", (5, 4))]
    assert output.current_agent_name == "multiplier"


def test_a_workflow_of_functions_takes_a_function_agent(server: Emulator, llm):
    workflow = AgentWorkflow.from_tools_or_functions([add], llm=llm)
    assert isinstance(next(iter(workflow.agents.values())), FunctionAgent)
    server.queue(Answer(tool_calls=[ToolCall("add", {"a": 17, "b": 25})]))  # the emulator then says what the tool said
    output, _ = run(workflow, "Add 17 and 25.")
    assert str(output) == "42"


def test_a_react_agent_runs_its_tools(server: Emulator, llm):
    server.queue(
        Answer(text='Thought: I should add.\nAction: add\nAction Input: {"a": 2, "b": 3}'),
        Answer(text="Thought: I can answer.\nAnswer: It is 5."),
    )
    output, events = run(ReActAgent(tools=[add], llm=llm), "2 + 3?")
    assert "It is 5." in str(output)
    assert CALLS == [("add", (2, 3))]
    assert [event.tool_output.content for event in events if isinstance(event, ToolCallResult)] == ["5"]


def test_an_agents_memory_goes_on(server: Emulator, llm):
    agent = FunctionAgent(tools=[add], llm=llm)
    server.queue(
        Answer(text="Let me see.", reasoning="hm", tool_calls=[ToolCall("add", {"a": 2, "b": 3})]),
        Answer(text="5."),
        Answer(text="As I said."),
    )

    async def talk() -> None:
        # A database of our own, as the framework leaves its one's thread to outlive the event loop.
        database = create_async_engine("sqlite+aiosqlite://")
        memory = Memory.from_defaults(session_id="one", token_limit=40_000, async_engine=database)
        await agent.run(user_msg="2 + 3?", memory=memory)
        await agent.run(user_msg="Sure?", memory=memory)
        await database.dispose()

    asyncio.run(talk())
    roles = [message["role"] for message in server.last_body["messages"]]
    assert roles == ["user", "assistant", "tool", "assistant", "user"]
    assert server.last_body["messages"][1]["reasoning_details"]


def test_many_agents_at_once(server: Emulator, llm):
    def call(request: ReceivedRequest) -> Answer:
        number = int(request.user_text.split()[1])
        return Answer(tool_calls=[ToolCall("add", {"a": number, "b": 100})])

    server.reply(call, to="Add")

    async def work() -> list[str]:
        agents = [FunctionAgent(tools=[add], llm=llm) for _ in range(5)]
        runs = [agent.run(user_msg=f"Add {number} and 100.") for number, agent in enumerate(agents)]
        return [str(output) for output in await asyncio.gather(*runs)]

    assert asyncio.run(work()) == [str(100 + number) for number in range(5)]


def test_predict_and_call_answers_with_the_tools_result(server: Emulator, llm):
    server.queue(Answer(tool_calls=[ToolCall("add", {"a": 17, "b": 25})]))
    answer = llm.predict_and_call([FunctionTool.from_defaults(add)], user_msg="Add 17 and 25.")
    assert answer.response == "42"


async def ask(engine: SimpleChatEngine, way: str, question: str) -> str:
    """Ask a chat engine in one of its four ways."""
    answer = getattr(engine, way)(question)
    answer = await answer if way.startswith("a") else answer
    if way == "stream_chat":
        return "".join(answer.response_gen)
    if way == "astream_chat":
        return "".join([token async for token in answer.async_response_gen()])
    return str(answer.response)


@pytest.mark.parametrize("way", ["chat", "stream_chat", "achat", "astream_chat"])
def test_a_chat_engine_remembers(server: Emulator, llm, way: str):
    engine = SimpleChatEngine.from_defaults(llm=llm, memory=ChatMemoryBuffer.from_defaults(token_limit=40_000))
    server.queue(Answer(text="Ottawa it is."), Answer(text="As I said."))

    async def talk() -> list[str]:
        return [await ask(engine, way, "Capital of Canada?"), await ask(engine, way, "Sure?")]

    assert asyncio.run(talk()) == ["Ottawa it is.", "As I said."]
    assert [message["content"] for message in server.last_body["messages"]] == [
        "Capital of Canada?",
        "Ottawa it is.",
        "Sure?",
    ]


@pytest.mark.parametrize("way", ["chat", "stream_chat", "achat", "astream_chat"])
def test_a_thinking_model_serves_a_chat_engine(server: Emulator, llm, way: str):
    engine = SimpleChatEngine.from_defaults(llm=llm)
    server.queue(Answer(text="Ottawa it is.", reasoning="An easy one."), Answer(text="As I said."))
    assert asyncio.run(ask(engine, way, "Capital of Canada?")) == "Ottawa it is."
    assert asyncio.run(ask(engine, way, "Sure?")) == "As I said."
    assert [message.content for message in engine.chat_history[1::2]] == ["Ottawa it is.", "As I said."]
    assert server.last_body["messages"][1]["content"] == "Ottawa it is."


def test_a_conversation_can_start_with_a_history(server: Emulator, llm):
    history = [ChatMessage("Hello"), ChatMessage(role="assistant", content="Hello!")]
    server.queue(Answer(text="5."))
    run(FunctionAgent(tools=[add], llm=llm), "2 + 3?", chat_history=history)
    assert [message["content"] for message in server.last_body["messages"]] == ["Hello", "Hello!", "2 + 3?"]
