"""The public calls that are measured, under the same names for both frameworks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Calls:
    """A framework's public calls, and what is looked at in its messages."""

    message: Callable[[bool, str], Any]  # of a text: the assistant's where the first argument is true, else the user's
    unary: Callable[[Any, Any], Any]  # asks a model with messages for a whole answer
    aunary: Callable[[Any, Any], Awaitable[Any]]
    stream: Callable[[Any, Any], Iterator[Any]]  # asks for a streamed answer
    astream: Callable[[Any, Any], Awaitable[AsyncIterator[Any]]]
    with_tools: Callable[[Any], Any]  # the model as it is asked for calls of `save_note`
    stream_tools: Callable[[Any], Iterator[Any]]  # asks it for a streamed answer
    new_text: Callable[[Any], str]  # what a piece of a streamed answer adds
    whole: Callable[[list[Any]], Any]  # the answer that all pieces make
    text: Callable[[Any], str]  # an answer's text
    tool_call: Callable[[Any, Any], tuple[str, dict[str, Any]]]  # name and arguments of an answer's only tool call
    framework_alone: Callable[[], Any]  # a call of the framework's own model, which answers without any endpoint

    def conversation(self, count: int) -> list[Any]:
        """A conversation of so many messages, the user's last."""
        text = "Message {} of a long talk. " + 3 * "It has gone on. "
        return [self.message((count - place) % 2 == 0, text.format(place)) for place in range(count)]


def save_note(note: str) -> str:
    """Save a note."""
    return note
