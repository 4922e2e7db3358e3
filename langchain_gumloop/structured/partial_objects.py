"""Objects of a structured answer while it streams, in time linear in its length."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessageChunk, BaseMessage

from gumloop_core.reading.nulls import WithoutNulls
from gumloop_core.reading.partial_json import ANY, grows
from gumloop_core.structured import Paced, PartialDocument, RootType
from langchain_gumloop.structured.output_format import AnswerSchema

NOTHING: Any = object()
"""Stands for no object, as ``None`` may be one."""

_MOST_TRIES = 4  # to make an object of what there is, each without one more unfinished item


class AnswerChunk:
    """One chunk of an answer.

    LangChain adds up what goes into a parser, for its traces. Adding messages takes quadratic time, so what goes in
    are these, which cannot be added, and at the end the whole answer, which is then what the trace shows.
    """

    __slots__ = ("chunk",)

    def __init__(self, chunk: str | BaseMessage) -> None:
        self.chunk = chunk


def chunks_and_answer(chunks: Iterator[str | BaseMessage]) -> Iterator[Any]:
    """The chunks of an answer, each as an :class:`AnswerChunk`, and the whole answer after them."""
    kept: list[Any] = []
    for chunk in chunks:
        kept.append(chunk)
        yield AnswerChunk(chunk)
    if kept:
        yield whole_answer(kept)


async def achunks_and_answer(chunks: AsyncIterator[str | BaseMessage]) -> AsyncIterator[Any]:
    """As :func:`chunks_and_answer`, for asynchronous calls."""
    kept: list[Any] = []
    async for chunk in chunks:
        kept.append(chunk)
        yield AnswerChunk(chunk)
    if kept:
        yield whole_answer(kept)


def whole_answer(chunks: list[Any]) -> str | BaseMessage:
    """The whole answer that chunks are of."""
    first, *others = chunks
    if isinstance(first, str):
        return "".join(map(str, chunks))
    if not isinstance(first, AIMessageChunk):
        last: str | BaseMessage = chunks[-1]
        return last
    return first.__add__(others) if others else first


class PartialObjects:
    """Makes partial objects of an answer from its chunks.

    Args:
        answer_schema: What to make; ``None`` for any JSON.
        root_type: What the document must be at its root.
        tool_name: The tool whose arguments are the answer; ``None`` if it is the text.
        strict: Whether the schema was sent in its strict form, where optional values come as null.
        validated: Makes the object of a document, or raises; it is given the text for its error too.
    """

    def __init__(
        self,
        answer_schema: AnswerSchema | None,
        *,
        root_type: RootType,
        tool_name: str | None,
        strict: bool,
        validated: Callable[[Any, str], Any],
    ) -> None:
        self._tool_name = tool_name
        self._validated = validated
        shape = ANY
        if answer_schema is not None and strict:
            shape = WithoutNulls([answer_schema.schema], answer_schema.schema)
        self._document = PartialDocument(root_type, shape)
        self._pace = Paced() if answer_schema is not None and answer_schema.validate is not None else None
        self._call_index: Any = NOTHING
        self._has_news = False
        self._shown: Any = NOTHING

    def feed(self, chunk: str | BaseMessage) -> Any:
        """Read the next chunk.

        Returns:
            The object as far as it has arrived, :data:`NOTHING` if the chunk brought nothing to show.
        """
        text = self._text_of(chunk)
        if not text:
            return NOTHING
        self._has_news = self._document.feed(text) or self._has_news
        if (self._pace is not None and not self._pace.is_due(text)) or not self._has_news:
            return NOTHING
        self._has_news = False
        if self._pace is None:
            return self._document.snapshot()
        for value in islice(self._document.snapshots(), _MOST_TRIES):
            if value is None or (self._shown is not NOTHING and not grows(self._shown, value)):
                continue
            with suppress(OutputParserException):
                made = self._validated(value, "")
                self._shown = value
                return made
        return NOTHING

    def _text_of(self, chunk: str | BaseMessage) -> str:
        """The next piece of the document: of the text, or of the arguments of the call that is the answer."""
        if isinstance(chunk, str):
            return chunk
        name = self._tool_name
        if name is None:
            content = chunk.content
            return content if isinstance(content, str) else str(chunk.text)
        pieces = chunk.tool_call_chunks if isinstance(chunk, AIMessageChunk) else []
        text = ""
        for piece in pieces:
            if self._call_index is NOTHING and piece["name"] == name:
                self._call_index = piece["index"]
            if self._call_index is not NOTHING and piece["index"] == self._call_index:
                text += piece["args"] or ""
        return text
