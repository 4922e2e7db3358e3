"""LangChain's public calls."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage


def save_note(note: str) -> str:
    """Save a note.

    Args:
        note: The note.
    """
    return note


def conversation(count: int) -> list[BaseMessage]:
    """A conversation of so many messages, the user's last."""
    makers = (AIMessage, HumanMessage) if count % 2 == 0 else (HumanMessage, AIMessage)
    return [
        makers[place % 2](content=f"Message {place} of a long talk. " + 3 * "It has gone on. ")
        for place in range(count)
    ]


def unary(model: Any, messages: list[BaseMessage]) -> AIMessage:
    """A whole answer."""
    answer: AIMessage = model.invoke(messages)
    return answer


async def aunary(model: Any, messages: list[BaseMessage]) -> AIMessage:
    """A whole answer, asynchronously."""
    answer: AIMessage = await model.ainvoke(messages)
    return answer


def stream(model: Any, messages: list[BaseMessage]) -> Iterator[AIMessageChunk]:
    """A streamed answer."""
    chunks: Iterator[AIMessageChunk] = model.stream(messages)
    return chunks


async def astream(model: Any, messages: list[BaseMessage]) -> AsyncIterator[AIMessageChunk]:
    """A streamed answer, asynchronously."""
    chunks: AsyncIterator[AIMessageChunk] = model.astream(messages)
    return chunks


def with_tools(model: Any) -> Any:
    """The model as it is asked for tool calls."""
    return model.bind_tools([save_note])


def stream_tools(model: Any) -> Iterator[AIMessageChunk]:
    """A streamed answer from a model :func:`with_tools`."""
    chunks: Iterator[AIMessageChunk] = model.stream("Note this.")
    return chunks


def new_text(chunk: AIMessageChunk) -> str:
    """The text that a chunk adds."""
    return chunk.text


def text(answer: AIMessage) -> str:
    """An answer's text."""
    return answer.text


def streamed_text(chunks: Iterable[AIMessageChunk]) -> str:
    """The text of a streamed answer."""
    return "".join(chunk.text for chunk in chunks)


def streamed_call(_: Any, chunks: Iterable[AIMessageChunk]) -> tuple[str, dict[str, Any]]:
    """Name and arguments of a streamed answer's only tool call."""
    whole: Any = None
    for chunk in chunks:
        whole = chunk if whole is None else whole + chunk
    (call,) = whole.tool_calls
    return call["name"], call["args"]
