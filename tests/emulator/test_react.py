"""LlamaIndex's ReAct prompt, as its own formatter writes it and its own parser reads it."""

from __future__ import annotations

from typing import Any

from llama_index.core.agent.react.formatter import ReActChatFormatter
from llama_index.core.agent.react.output_parser import ReActOutputParser
from llama_index.core.agent.react.types import ActionReasoningStep, BaseReasoningStep, ObservationReasoningStep
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool

from tests.emulator.support import ask


def multiply(a: float, b: float) -> float:
    """Multiply two numbers."""
    return a * b


def add(a: float, b: float) -> float:
    """Add two numbers."""
    return a + b


def get_weather(city: str) -> str:
    """Get the weather for a city."""
    return f"It is sunny in {city}."


TOOLS = [FunctionTool.from_defaults(function) for function in (multiply, add, get_weather)]


def run(question: str) -> tuple[list[tuple[str, Any]], str]:
    steps: list[BaseReasoningStep] = []
    made = []
    for _ in range(6):
        messages = ReActChatFormatter().format(TOOLS, [ChatMessage(question)], steps)
        sent = [{"role": str(message.role.value), "content": message.content} for message in messages]
        step = ReActOutputParser().parse(ask(sent).text or "")
        if not isinstance(step, ActionReasoningStep):
            return made, step.response  # type: ignore[attr-defined]
        made.append((step.action, dict(step.action_input)))
        result = next(tool for tool in TOOLS if tool.metadata.name == step.action)(**step.action_input)
        steps += [step, ObservationReasoningStep(observation=str(result))]
    raise AssertionError("no answer")


def test_one_tool() -> None:
    assert run("What is the weather in Paris?") == ([("get_weather", {"city": "Paris"})], "It is sunny in Paris.")


def test_several_steps() -> None:
    made, answer = run("What is 20+(2*4)?")
    assert made == [("multiply", {"a": 2, "b": 4}), ("add", {"a": 20, "b": 8})]
    assert answer == "20+(2*4) = 28."


def test_no_tool() -> None:
    assert run("What is the capital of Canada?") == ([], "Ottawa.")
