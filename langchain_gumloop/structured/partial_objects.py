"""Objects of a structured answer while it streams, in time linear in its length."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, Generation

from gumloop_core.reading.nulls import WithoutNulls
from gumloop_core.reading.partial_json import ANY, grows
from gumloop_core.structured import Paced, PartialDocument

if TYPE_CHECKING:
    from langchain_gumloop.structured.output import StructuredAnswerParser

_NOTHING: Any = object()

_MOST_TRIES = 4  # to make an object of what there is, each without one more unfinished item


class Piece:
    """One chunk of an answer.

    LangChain adds up what goes into a parser, for its traces. Adding messages takes quadratic time, so what goes in
    are these, which cannot be added, and at the end the whole answer, which is then what the trace shows.
    """

    __slots__ = ("chunk",)

    def __init__(self, chunk: str | BaseMessage) -> None:
        self.chunk = chunk


def with_whole(chunks: Iterator[str | BaseMessage]) -> Iterator[Any]:
    """The chunks of an answer as pieces, and the whole answer after them."""
    kept: list[Any] = []
    for chunk in chunks:
        kept.append(chunk)
        yield Piece(chunk)
    if kept:
        yield whole_of(kept)


async def awith_whole(chunks: AsyncIterator[str | BaseMessage]) -> AsyncIterator[Any]:
    """As :func:`with_whole`, for asynchronous calls."""
    kept: list[Any] = []
    async for chunk in chunks:
        kept.append(chunk)
        yield Piece(chunk)
    if kept:
        yield whole_of(kept)


def whole_of(chunks: list[Any]) -> str | BaseMessage:
    """The whole answer that chunks are of."""
    first, *others = chunks
    if isinstance(first, str):
        return "".join(map(str, chunks))
    if not isinstance(first, AIMessageChunk):
        last: str | BaseMessage = chunks[-1]
        return last
    return first.__add__(others) if others else first


class GrowingObject:
    """The object of one answer, as far as it has arrived.

    Args:
        parser: What makes objects of documents.
    """

    def __init__(self, parser: StructuredAnswerParser) -> None:
        self._parser = parser
        target = parser.target
        shape = WithoutNulls([target.schema], target.schema) if target is not None and parser.strict else ANY
        self._document = PartialDocument(parser.wanted, shape)
        self._pace = Paced() if target is not None and target.validate is not None else None
        self._call_index: Any = _NOTHING
        self._latest: Any = _NOTHING
        self._has_news = False
        self._shown: Any = _NOTHING

    def feed(self, given: Any) -> Iterator[Any]:
        """Take a piece or, at the end, the whole answer, and yield the object if there is more of it than before.

        Raises:
            OutputParserException: If the answer is whole and does not fit the schema.
        """
        if isinstance(given, Piece):
            made = self._next(self._text_of(given.chunk))
        else:
            generation = ChatGeneration(message=given) if isinstance(given, BaseMessage) else Generation(text=given)
            made = self._parser.parse_result([generation])
        if made is _NOTHING or made is None or made == self._latest:
            return
        self._latest = made
        yield made

    def _next(self, text: str) -> Any:
        if not text:
            return _NOTHING
        self._has_news = self._document.feed(text) or self._has_news
        if (self._pace is not None and not self._pace.is_due(text)) or not self._has_news:
            return _NOTHING
        self._has_news = False
        if self._pace is None:
            return self._document.snapshot()
        for value in islice(self._document.snapshots(), _MOST_TRIES):
            if value is None or (self._shown is not _NOTHING and not grows(self._shown, value)):
                continue
            with suppress(OutputParserException):
                made = self._parser.validated(value, "")
                self._shown = value
                return made
        return _NOTHING

    def _text_of(self, chunk: str | BaseMessage) -> str:
        """The next piece of the document: of the text, or of the arguments of the call that is the answer."""
        if isinstance(chunk, str):
            return chunk
        name = self._parser.tool_name
        if name is None:
            content = chunk.content
            return content if isinstance(content, str) else str(chunk.text)
        pieces = chunk.tool_call_chunks if isinstance(chunk, AIMessageChunk) else []
        text = ""
        for piece in pieces:
            if self._call_index is _NOTHING and piece["name"] == name:
                self._call_index = piece["index"]
            if self._call_index is not _NOTHING and piece["index"] == self._call_index:
                text += piece["args"] or ""
        return text
