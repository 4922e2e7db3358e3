"""Streamed answers: the core's deltas as LlamaIndex's responses, each of which holds all that has arrived."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, closing
from typing import TYPE_CHECKING, Any, TypeVar

from llama_index.core.base.llms.types import ChatResponse

from gumloop_core.boundary import Boundary
from gumloop_core.reading.merging import MergedFields
from gumloop_core.wire import JSONObject
from llama_index_gumloop.from_wire.answers import AnswerImages, message_extras, to_response
from llama_index_gumloop.from_wire.tool_calls import SelectionsSoFar

if TYPE_CHECKING:
    from gumloop_core.answer import Delta, ToolCallPiece

Given = TypeVar("Given")
Converted = TypeVar("Converted")


def to_responses(deltas: Generator[Delta, None, None]) -> Generator[ChatResponse, None, None]:
    """The responses for the deltas of a stream, which is closed with them."""
    maker = ResponseMaker()
    with Boundary(), closing(deltas):
        for delta in deltas:
            yield maker.response(delta)


async def ato_responses(deltas: AsyncGenerator[Delta, None]) -> AsyncGenerator[ChatResponse, None]:
    """The same for asynchronous calls."""
    maker = ResponseMaker()
    with Boundary():
        async with aclosing(deltas):
            async for delta in deltas:
                yield maker.response(delta)


def converted(
    stream: Generator[Given, None, None], convert: Callable[[Given], Converted]
) -> Generator[Converted, None, None]:
    """What a function makes of each item of a stream, which is closed with what this returns."""
    with closing(stream):
        for item in stream:
            yield convert(item)


async def aconverted(
    stream: AsyncGenerator[Given, None], convert: Callable[[Given], Converted]
) -> AsyncGenerator[Converted, None]:
    """The same for asynchronous calls."""
    async with aclosing(stream):
        async for item in stream:
            yield convert(item)


class ResponseMaker:
    """Makes a response of every step of a streamed answer; each holds all that has arrived, and is its own.

    But for the tool calls: what a step brings nothing to is the same object in the next response, so that a step costs
    no more than its own calls and two lists of references, however many calls there are. The last response shares
    nothing.
    """

    def __init__(self) -> None:
        from llama_index_gumloop.from_wire.unvalidated import OBJECTS  # tries them out, for the first stream

        self._objects = OBJECTS
        self._text = ""
        self._reasoning = ""
        self._images = AnswerImages()
        self._calls: list[_StreamedCall] = []
        self._call_blocks: list[Any] = []  # a block for each, as it stands
        self._call_params: list[JSONObject] = []  # and the same in the wire's form
        self._selections = SelectionsSoFar()
        self._refusal = ""
        self._extensions: MergedFields | None = None
        self._is_plain = True

    def response(self, delta: Delta) -> ChatResponse:
        """The response after a step."""
        text = delta.text
        if text:
            self._text += text
            if self._is_plain and len(delta.__dict__) == 2:  # raw and text, as most steps have
                return self._objects.text_response(self._text, text, delta.raw)
        if delta.completion is not None:
            response = to_response(delta.completion)
            response.delta = ""
            return response
        return self._response_of_blocks(delta)

    def _response_of_blocks(self, delta: Delta) -> ChatResponse:
        self._is_plain = False
        self._reasoning += delta.reasoning
        self._refusal += delta.refusal
        if delta.images:
            self._images.add(delta.images)
        for piece in delta.tool_calls:
            self._add_piece(piece)
        if delta.extensions:
            if self._extensions is None:
                self._extensions = MergedFields()
            self._extensions.merge(delta.extensions)
        more: JSONObject = {}
        if delta.reasoning:
            more["thinking_delta"] = delta.reasoning
        if delta.partial_images:
            more["partial_images"] = [image.url for image in delta.partial_images]
        return self._objects.response(
            self._blocks(),
            self._message_extras(),
            delta.text,
            delta.raw,
            more,
            self._selections if self._calls else None,
        )

    def _add_piece(self, piece: ToolCallPiece) -> None:
        """Take the next piece of a call. What earlier responses hold of it stays as it is."""
        index = piece.index
        if index == len(self._calls):
            self._calls.append(_StreamedCall())
            self._call_blocks.append(None)
            self._call_params.append({})
        call = self._calls[index]
        call.id = piece.id or call.id
        call.name = piece.name or call.name
        call.arguments += piece.arguments
        self._call_blocks[index] = self._objects.tool_call_block(call.id, call.name, call.arguments)
        self._call_params[index] = _param(call)

    def _blocks(self) -> list[Any]:
        blocks: list[Any] = []
        if self._reasoning:
            blocks.append(self._objects.thinking_block(self._reasoning))
        images = self._images.blocks
        if self._text or not (self._calls or images):
            blocks.append(self._objects.text_block(self._text))
        if images:
            blocks.extend(image.model_copy() for image in images)  # the picture's bytes are shared
        blocks.extend(self._call_blocks)
        return blocks

    def _message_extras(self) -> JSONObject:
        if not (self._calls or self._refusal or self._extensions is not None or self._images.unread):
            return {}
        extensions = self._extensions.finished() if self._extensions is not None else None
        return message_extras(self._call_params.copy(), self._refusal, extensions, self._images.unread, None)


class _StreamedCall:
    """A tool call whose arguments are arriving."""

    __slots__ = ("arguments", "id", "name")

    def __init__(self) -> None:
        self.id: str | None = None
        self.name = ""
        self.arguments = ""


def _param(call: _StreamedCall) -> JSONObject:
    """A call in the wire's form."""
    return {"id": call.id or "", "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
