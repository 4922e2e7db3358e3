"""LlamaIndex's public calls."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, MessageRole
from llama_index.core.tools import FunctionTool


def save_note(note: str) -> str:
    """Save a note."""
    return note


_TOOLS = [FunctionTool.from_defaults(save_note)]


def conversation(count: int) -> list[ChatMessage]:
    """A conversation of so many messages, the user's last."""
    roles = (MessageRole.ASSISTANT, MessageRole.USER) if count % 2 == 0 else (MessageRole.USER, MessageRole.ASSISTANT)
    return [
        ChatMessage(role=roles[place % 2], content=f"Message {place} of a long talk. " + 3 * "It has gone on. ")
        for place in range(count)
    ]


def unary(model: Any, messages: list[ChatMessage]) -> ChatResponse:
    """A whole answer."""
    answer: ChatResponse = model.chat(messages)
    return answer


async def aunary(model: Any, messages: list[ChatMessage]) -> ChatResponse:
    """A whole answer, asynchronously."""
    answer: ChatResponse = await model.achat(messages)
    return answer


def stream(model: Any, messages: list[ChatMessage]) -> Iterator[ChatResponse]:
    """A streamed answer."""
    responses: Iterator[ChatResponse] = model.stream_chat(messages)
    return responses


async def astream(model: Any, messages: list[ChatMessage]) -> AsyncIterator[ChatResponse]:
    """A streamed answer, asynchronously."""
    responses: AsyncIterator[ChatResponse] = await model.astream_chat(messages)
    return responses


def with_tools(model: Any) -> Any:
    """The model as it is asked for tool calls: LlamaIndex names the tools in the call."""
    return model


def stream_tools(model: Any) -> Iterator[ChatResponse]:
    """A streamed answer from a model :func:`with_tools`."""
    responses: Iterator[ChatResponse] = model.stream_chat_with_tools(_TOOLS, user_msg="Note this.")
    return responses


def new_text(response: ChatResponse) -> str:
    """The text that a response adds."""
    return response.delta or ""


def text(answer: ChatResponse) -> str:
    """An answer's text."""
    return answer.message.content or ""


def streamed_text(responses: Iterable[ChatResponse]) -> str:
    """The text of a streamed answer: the last response has all of it."""
    pieces = ""
    for response in responses:
        pieces += response.delta or ""
    assert (response.message.content or "") == pieces
    return pieces


def streamed_call(model: Any, responses: Iterable[ChatResponse]) -> tuple[str, dict[str, Any]]:
    """Name and arguments of a streamed answer's only tool call."""
    (call,) = model.get_tool_calls_from_response(list(responses)[-1])
    return call.tool_name, call.tool_kwargs
