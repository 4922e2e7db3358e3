"""Inside agents, graphs, and the wrappers that LangChain puts around a model."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import ModelFallbackMiddleware, ModelRetryMiddleware, SummarizationMiddleware
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_core.caches import InMemoryCache
from langchain_core.exceptions import ModelRateLimitError
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.rate_limiters import BaseRateLimiter
from langchain_core.runnables import ConfigurableField
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import RetryPolicy
from pydantic import BaseModel

from gumloop_core import errors as core
from gumloop_emulator import Answer, Emulator, Failure
from gumloop_emulator import ToolCall as Call
from tests.langchain.answers import DETAILS, added, call, unary
from tests.langchain.conftest import MakeModel


def get_weather(city: str) -> str:
    """Tell the weather in a city."""
    return f"It is sunny and 21 degrees in {city}."


IN_PARIS = Answer(tool_calls=[Call("get_weather", {"city": "Paris"})])  # the emulator then says what the tool said


class Report(BaseModel):
    """A weather report."""

    city: str
    degrees: int


def test_an_agent_answers_by_its_tool(server: Emulator, chat: MakeModel) -> None:
    server.queue(IN_PARIS)
    agent = create_agent(chat(), [get_weather])
    messages = agent.invoke({"messages": [HumanMessage("What is the weather in Paris?")]})["messages"]
    assert [type(message) for message in messages] == [HumanMessage, AIMessage, ToolMessage, AIMessage]
    assert messages[1].tool_calls[0]["args"] == {"city": "Paris"}
    assert "21 degrees in Paris" in str(messages[-1].text)


def test_an_agent_answers_asynchronously(server: Emulator, chat: MakeModel) -> None:
    # The emulator's own call carries signed reasoning, without which it refuses the second turn.
    agent = create_agent(chat("emulator/thinking"), [get_weather])
    question = {"messages": [HumanMessage("What is the weather in Paris?")]}
    messages = asyncio.run(agent.ainvoke(question))["messages"]
    assert "21 degrees" in str(messages[-1].text)
    assert server.last_body["messages"][1]["reasoning_details"][0]["signature"]


def test_an_agent_streams_its_tokens(server: Emulator, chat: MakeModel) -> None:
    server.queue(IN_PARIS)
    agent = create_agent(chat(), [get_weather])
    question = {"messages": [HumanMessage("What is the weather in Paris?")]}
    streamed = [chunk for chunk, _ in agent.stream(question, stream_mode="messages")]
    chunks = [chunk for chunk in streamed if isinstance(chunk, AIMessageChunk)]
    answers = {chunk.id for chunk in chunks}
    assert len(answers) == 2
    calling = added([chunk for chunk in chunks if chunk.id == chunks[0].id])
    assert calling.tool_calls[0]["args"] == {"city": "Paris"}
    speaking = [chunk for chunk in chunks if chunk.id == chunks[-1].id]
    assert len(speaking) > 3
    assert "21 degrees in Paris" in str(added(speaking).text)


@pytest.mark.parametrize("strategy", [Report, ProviderStrategy(Report), ToolStrategy(Report)])
@pytest.mark.parametrize("tools", [[], [get_weather]], ids=["no tools", "tools"])
def test_an_agent_returns_an_object(server: Emulator, chat: MakeModel, strategy: Any, tools: list[Any]) -> None:
    answer = {"city": "Paris", "degrees": 21}
    native = not isinstance(strategy, ToolStrategy)
    last = Answer(text=json.dumps(answer)) if native else Answer(tool_calls=[Call("Report", answer)])
    if tools:
        server.queue(IN_PARIS)
    server.queue(last)
    agent = create_agent(chat(), tools, response_format=strategy)
    result = agent.invoke({"messages": [HumanMessage("What is the weather in Paris?")]})
    assert result["structured_response"] == Report(city="Paris", degrees=21)
    if native:
        assert server.last_body["response_format"]["json_schema"]["name"] == "Report"
        assert ("tools" in server.last_body) is bool(tools)
    else:
        assert server.last_body["tool_choice"] == "required"


def test_an_agents_strict_object_fits_its_class(server: Emulator, chat: MakeModel) -> None:
    class Place(BaseModel):
        """A place."""

        name: str
        people: int = 0
        tags: list[str] = []

    agent = create_agent(chat(), [get_weather], response_format=ProviderStrategy(Place, strict=True))
    result = agent.invoke({"messages": [HumanMessage("Paris")]})  # the emulator refuses a schema that is not strict
    assert isinstance(result["structured_response"], Place)
    sent = server.last_body["response_format"]["json_schema"]
    assert (sent["strict"], sent["schema"]["required"]) == (True, ["name", "people", "tags"])
    assert sent["schema"]["properties"]["people"]["type"] == "integer"  # nobody would take a null back


def test_an_agent_keeps_the_reasoning_of_its_tool_turns(server: Emulator, chat: MakeModel) -> None:
    calls = [call("c1", "get_weather", '{"city": "Paris"}')]
    server.queue(unary("tool_calls", reasoning="Hm.", reasoning_details=DETAILS, tool_calls=calls), Answer(text="Sun."))
    create_agent(chat(), [get_weather]).invoke({"messages": [HumanMessage("x")]})
    assert server.last_body["messages"][1]["reasoning_details"] == DETAILS


def test_a_named_agent_can_be_sent_back(server: Emulator, chat: MakeModel) -> None:
    agent = create_agent(chat(), [], name="weather agent")
    messages = agent.invoke({"messages": [HumanMessage("Hello")]})["messages"]
    agent.invoke({"messages": [*messages, HumanMessage("Again")]})
    assert server.last_body["messages"][1]["name"] == "weather_agent"


def test_summaries_go_by_the_reported_tokens(server: Emulator, chat: MakeModel) -> None:
    model = chat()
    usage = {"prompt_tokens": 900, "completion_tokens": 100, "total_tokens": 1000}
    server.queue(Answer(text="Long story.", usage=usage), Answer(text="They spoke."), Answer(text="Fine."))
    middleware = SummarizationMiddleware(model, trigger=("tokens", 800), keep=("messages", 1))
    agent = create_agent(model, [], middleware=[middleware])
    messages = agent.invoke({"messages": [HumanMessage("Tell me.")]})["messages"]
    final = agent.invoke({"messages": [*messages, HumanMessage("And?")]})["messages"]
    assert "They spoke." in str(final[0].content)
    assert len(server.chat_requests) == 3
    assert final[-1].content == "Fine."


def test_summaries_can_go_by_a_share_of_the_window(chat: MakeModel) -> None:
    middleware = SummarizationMiddleware(chat(), trigger=("fraction", 0.5))
    assert middleware.model.profile["max_input_tokens"] == 200_000  # type: ignore[index]


def test_a_summary_that_overflows_is_made_of_less(server: Emulator, chat: MakeModel) -> None:
    model = chat()
    overflow = Failure(400, message="This model's maximum context length is 10 tokens.")
    server.queue(overflow, Answer(text="They spoke."), Answer(text="Fine."))
    middleware = SummarizationMiddleware(model, trigger=("messages", 2), keep=("messages", 1))
    agent = create_agent(model, [], middleware=[middleware])
    story = [HumanMessage("Once upon a time. " * 200), AIMessage("Go on. " * 200), HumanMessage("And?")]
    assert agent.invoke({"messages": story})["messages"][-1].content == "Fine."
    assert len(server.chat_requests) == 3


def test_retry_middleware_repeats_only_what_may_pass(server: Emulator, chat: MakeModel) -> None:
    middleware = ModelRetryMiddleware(max_retries=2, initial_delay=0, jitter=False, on_failure="error")
    agent = create_agent(chat(max_retries=0), [], middleware=[middleware])
    server.queue(Failure(429), Failure(503), Answer(text="There."))
    assert agent.invoke({"messages": [HumanMessage("x")]})["messages"][-1].content == "There."
    server.clear()
    server.queue(Failure(401))
    with pytest.raises(core.AuthenticationError):
        agent.invoke({"messages": [HumanMessage("x")]})
    assert len(server.chat_requests) == 1


def test_fallback_middleware_asks_the_next_model(server: Emulator, chat: MakeModel) -> None:
    agent = create_agent(chat(max_retries=0), [get_weather], middleware=[ModelFallbackMiddleware(chat("gpt-4o-mini"))])
    server.queue(Failure(502), Answer(text="There."))
    assert agent.invoke({"messages": [HumanMessage("x")]})["messages"][-1].content == "There."
    assert server.last_body["model"] == "gpt-4o-mini"


def test_a_graphs_retry_policy_repeats_only_what_may_pass(server: Emulator, chat: MakeModel) -> None:
    model = chat(max_retries=0)
    graph = StateGraph(MessagesState)
    policy = RetryPolicy(initial_interval=0.001, jitter=False, max_attempts=3)
    graph.add_node("answer", lambda state: {"messages": [model.invoke(state["messages"])]}, retry_policy=policy)
    graph.add_edge(START, "answer")
    compiled = graph.compile()
    server.queue(Failure(429), Failure(500), Answer(text="There."))
    assert compiled.invoke({"messages": [HumanMessage("x")]})["messages"][-1].content == "There."
    server.clear()
    server.queue(Failure(400, message="Bad."))
    with pytest.raises(core.BadRequestError):
        compiled.invoke({"messages": [HumanMessage("x")]})
    assert len(server.chat_requests) == 1


def test_a_graph_streams_the_tokens_of_a_node_that_invokes(server: Emulator, chat: MakeModel) -> None:
    model = chat()
    graph = StateGraph(MessagesState)
    graph.add_node("answer", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_edge(START, "answer")
    server.queue(Answer(text="One two three."))
    streamed = list(graph.compile().stream({"messages": [HumanMessage("x")]}, stream_mode="messages"))
    assert [chunk.content for chunk, _ in streamed if chunk.content] == ["One ", "two ", "three."]


def test_with_fallbacks(server: Emulator, chat: MakeModel) -> None:
    model = chat(max_retries=0).with_fallbacks([chat("gpt-4o-mini")], exceptions_to_handle=(ModelRateLimitError,))
    server.queue(Failure(429), Answer(text="There."))
    assert model.invoke("x").content == "There."
    assert server.last_body["model"] == "gpt-4o-mini"
    server.queue(Failure(401))
    with pytest.raises(core.AuthenticationError):
        model.invoke("x")


def test_with_retry(server: Emulator, chat: MakeModel) -> None:
    model = chat(max_retries=0).with_retry(
        retry_if_exception_type=(core.RateLimitError,), wait_exponential_jitter=False, stop_after_attempt=3
    )
    server.queue(Failure(429), Failure(429), Answer(text="There."))
    assert model.invoke("x").content == "There."


def test_a_rate_limiter_is_asked_before_each_request(server: Emulator, chat: MakeModel) -> None:
    class Limiter(BaseRateLimiter):
        asked = 0

        def acquire(self, *, blocking: bool = True) -> bool:
            self.asked += 1
            return True

        async def aacquire(self, *, blocking: bool = True) -> bool:
            return self.acquire(blocking=blocking)

    limiter = Limiter()
    model = chat(rate_limiter=limiter)
    model.invoke("x")
    list(model.stream("x"))
    asyncio.run(model.ainvoke("x"))
    assert limiter.asked == 3


def test_a_cache_answers_the_same_call_again(server: Emulator, chat: MakeModel) -> None:
    cache = InMemoryCache()
    first = chat(cache=cache).invoke("Capital of Canada?")
    again = chat(cache=cache).invoke("Capital of Canada?")
    assert again.content == first.content
    assert len(server.chat_requests) == 1
    chat(cache=cache, temperature=1.0).invoke("Capital of Canada?")
    assert len(server.chat_requests) == 2


def test_configurable_fields(server: Emulator, chat: MakeModel) -> None:
    model = chat(temperature=0.1).configurable_fields(
        temperature=ConfigurableField(id="heat"), model=ConfigurableField(id="which")
    )
    model.with_config(configurable={"heat": 0.9, "which": "gpt-4o-mini"}).invoke("x")
    assert (server.last_body["temperature"], server.last_body["model"]) == (0.9, "gpt-4o-mini")
    model.invoke("x")
    assert (server.last_body["temperature"], server.last_body["model"]) == (0.1, "claude-sonnet-4-5")


def test_configurable_alternatives(server: Emulator, chat: MakeModel) -> None:
    model = chat().configurable_alternatives(
        ConfigurableField(id="which"), default_key="large", small=chat("gpt-4o-mini")
    )
    model.with_config(configurable={"which": "small"}).invoke("x")
    assert server.last_body["model"] == "gpt-4o-mini"
