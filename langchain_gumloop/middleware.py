"""Middleware for agents. It needs the package ``langchain``, which the model itself does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain.agents.middleware import AgentMiddleware, hook_config
from langchain_core.messages import AIMessage, AnyMessage, ToolMessage

from langchain_gumloop.from_wire.tool_calls import not_run


class InvalidToolCallMiddleware(AgentMiddleware[Any, Any, Any]):
    """Gives calls that could not be read back to the model, which repairs most of them.

    A call whose arguments are not a JSON object, or were cut off, is not run. An agent of ``create_agent`` takes an
    answer of such calls alone for its last one and ends. With this, each of them gets a failed tool message that says
    what was wrong, and the model is asked again. Beside calls that can be run, it works without this too.

    Args:
        max_repeats: How many answers in a row may hold such calls alone before the agent ends after all.

    Example:
        .. code-block:: python

            from langchain.agents import create_agent
            from langchain_gumloop import ChatGumloop, InvalidToolCallMiddleware

            llm = ChatGumloop(model="claude-sonnet-4-5")
            agent = create_agent(llm, [get_weather], middleware=[InvalidToolCallMiddleware()])
    """

    def __init__(self, max_repeats: int = 3) -> None:
        super().__init__()
        self.max_repeats = max_repeats

    @hook_config(can_jump_to=["model"])
    def after_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        """Answer the calls of the latest answer that could not be read."""
        messages: Sequence[AnyMessage] = state["messages"]
        place = next((at for at in reversed(range(len(messages))) if isinstance(messages[at], AIMessage)), None)
        if place is None:
            return None
        answer = messages[place]
        assert isinstance(answer, AIMessage)
        answered = {message.tool_call_id for message in messages[place:] if isinstance(message, ToolMessage)}
        results = [
            ToolMessage(not_run(call), name=call["name"], tool_call_id=call["id"], status="error")
            for call in answer.invalid_tool_calls
            if call["id"] and call["id"] not in answered
        ]
        if not results:
            return None
        if answer.tool_calls:
            return {"messages": results}
        if _repeats_before(messages[:place]) >= self.max_repeats:
            return None
        return {"messages": results, "jump_to": "model"}

    @hook_config(can_jump_to=["model"])
    async def aafter_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        """The same for asynchronous calls."""
        return self.after_model(state, runtime)


def _repeats_before(messages: Sequence[AnyMessage]) -> int:
    """How many answers in a row, up to the end, held nothing but calls that could not be read."""
    repeats = 0
    for message in reversed(messages):
        if isinstance(message, ToolMessage):
            continue
        if not isinstance(message, AIMessage) or message.tool_calls or not message.invalid_tool_calls:
            break
        repeats += 1
    return repeats
