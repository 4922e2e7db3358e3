"""The object of a structured answer, and while it streams, of what has arrived of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.output_parsers import BaseTransformOutputParser
from langchain_core.outputs import ChatGeneration, Generation
from langchain_core.runnables import RunnableConfig

from gumloop_core.json_text import encode
from gumloop_core.reading.arguments import was_cut_off
from gumloop_core.reading.nulls import without_added_nulls
from gumloop_core.structured import Problem, RootType, read_document
from gumloop_core.writing.thinking import NO_FORCED_CALL
from langchain_gumloop.errors import LengthLimitError, RefusalError
from langchain_gumloop.structured.output_format import AnswerSchema
from langchain_gumloop.structured.partial_objects import (
    NOTHING,
    AnswerChunk,
    PartialObjects,
    achunks_and_answer,
    chunks_and_answer,
)

_PROBLEMS: dict[Problem, type[OutputParserException]] = {
    "refusal": RefusalError,
    "content_filter": RefusalError,
    "length": LengthLimitError,
}


class StructuredAnswerParser(BaseTransformOutputParser[Any]):
    """Makes the object of an answer, and of each step of a streamed one as far as it is there.

    Attributes:
        answer_schema: What to make; ``None`` for any JSON.
        tool_name: The tool whose arguments are the answer; ``None`` if it is the text.
        strict: Whether the schema was sent in its strict form, where optional values come as null.
        is_unforced: Whether the model could not be made to call the tool.
    """

    answer_schema: AnswerSchema | None = None
    tool_name: str | None = None
    strict: bool = False
    is_unforced: bool = False

    @property
    def _type(self) -> str:
        return "gumloop-structured-answer"

    def parse(self, text: str) -> Any:
        """Parse a text."""
        return self._read(text, None, None)

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """Parse an answer.

        Raises:
            RefusalError: If the model refused, or a filter stopped it.
            LengthLimitError: If the answer was cut off at the token limit.
            OutputParserException: If the answer does not fit the schema.
        """
        generation = result[0]
        message = generation.message if isinstance(generation, ChatGeneration) else None
        if not isinstance(message, AIMessage):
            return self.parse(generation.text)
        refusal = message.additional_kwargs.get("refusal")
        reason = message.response_metadata.get("finish_reason")
        if self.tool_name is None:
            text = str(message.text)
            if not text and not refusal and message.tool_calls:
                return None  # it called one of the tools that were given beside the schema
            return self._read(text, reason, refusal)
        if refusal:
            return self._read("", reason, refusal)
        return self._object_of_call(message, reason)

    def _read(self, text: str, finish_reason: str | None, refusal: str | None) -> Any:
        document = read_document(text, finish_reason, refusal=refusal, root_type=self.root_type)
        if document.problem is not None:
            raise _PROBLEMS.get(document.problem, OutputParserException)(
                document.reason, llm_output=refusal if refusal else text
            )
        return self._object_of(document.value, text)

    def _object_of_call(self, message: AIMessage, finish_reason: str | None) -> Any:
        for call in message.tool_calls:
            if call["name"] == self.tool_name:
                return self._object_of(call["args"], str(call["args"]))
        if was_cut_off(finish_reason):
            return self._read("", finish_reason, None)
        for invalid in message.invalid_tool_calls:
            if invalid["name"] == self.tool_name or not message.tool_calls:
                raise OutputParserException(
                    f"The model's arguments for {self.tool_name!r} are not a JSON object: {invalid['error']}",
                    llm_output=invalid["args"],
                )
        if message.tool_calls:
            return None  # it called another of the tools that were given beside the schema
        text = str(message.text)
        hint = f". {NO_FORCED_CALL}" if self.is_unforced else ""
        raise OutputParserException(
            f"The model answered with text instead of calling {self.tool_name!r}: {text[:500]!r}{hint}",
            llm_output=text,
        )

    @property
    def root_type(self) -> RootType:
        """What the document must be at its root."""
        kind = self.answer_schema.schema.get("type") if self.answer_schema is not None else None
        return cast("RootType", kind) if kind in ("object", "array") else None

    def _object_of(self, value: Any, text: str) -> Any:
        if self.strict and self.answer_schema is not None:
            value = without_added_nulls(value, self.answer_schema.schema)
        return self.validated(value, text)

    def validated(self, value: Any, text: str) -> Any:
        """Make the object of a document without added nulls.

        Raises:
            OutputParserException: If it does not fit the schema.
        """
        schema = self.answer_schema
        if schema is None or schema.validate is None:
            return value
        try:
            return schema.validate(encode(value))
        except Exception as error:  # a class's own validators raise what they like
            raise OutputParserException(
                f"The model's answer does not fit {schema.name}: {error}", llm_output=text
            ) from error

    def transform(
        self, input: Iterator[str | BaseMessage], config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[Any]:
        """Yield the object as it grows, and at the end the whole one; see :meth:`parse_result`."""
        yield from super().transform(cast("Any", chunks_and_answer(input)), config, **kwargs)

    async def atransform(
        self, input: AsyncIterator[str | BaseMessage], config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        """As :meth:`transform`, for asynchronous calls."""
        async for made in super().atransform(cast("Any", achunks_and_answer(input)), config, **kwargs):
            yield made

    def _transform(self, input: Iterator[Any]) -> Iterator[Any]:
        objects = _StreamedObjects(self)
        for arrived in input:
            yield from objects.feed(arrived)

    async def _atransform(self, input: AsyncIterator[Any]) -> AsyncIterator[Any]:
        objects = _StreamedObjects(self)
        async for arrived in input:
            for made in objects.feed(arrived):
                yield made


class _StreamedObjects:
    """Makes objects of one streamed answer: partial ones, and at the end the valid one.

    Args:
        parser: What makes objects of documents.
    """

    def __init__(self, parser: StructuredAnswerParser) -> None:
        self._parser = parser
        self._partial = PartialObjects(
            parser.answer_schema,
            root_type=parser.root_type,
            tool_name=parser.tool_name,
            strict=parser.strict,
            validated=parser.validated,
        )
        self._latest: Any = NOTHING

    def feed(self, arrived: Any) -> Iterator[Any]:
        """Read a chunk or, at the end, the whole answer, and yield the object if there is more of it than before.

        Raises:
            OutputParserException: If the answer is whole and does not fit the schema.
        """
        if isinstance(arrived, AnswerChunk):
            made = self._partial.feed(arrived.chunk)
        else:
            is_message = isinstance(arrived, BaseMessage)
            generation = ChatGeneration(message=arrived) if is_message else Generation(text=arrived)
            made = self._parser.parse_result([generation])
        if made is NOTHING or made is None or made == self._latest:
            return
        self._latest = made
        yield made
