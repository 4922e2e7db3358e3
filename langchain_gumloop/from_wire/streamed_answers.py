"""Streamed answers: the core's deltas as LangChain's chunks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessageChunk, ToolCallChunk
from langchain_core.outputs import ChatGenerationChunk

from gumloop_core.reading.arguments import read_arguments
from gumloop_core.wire import JSONObject
from langchain_gumloop.from_wire.answers import (
    PROVIDER,
    generation_info,
    image_block,
    image_blocks,
    response_metadata,
    text_blocks,
    usage_metadata,
    whole_additional_kwargs,
)
from langchain_gumloop.from_wire.chunks import streamed_chunk
from langchain_gumloop.from_wire.content_blocks import last_blocks
from langchain_gumloop.from_wire.invalid_call_mark import invalid_call_mark
from langchain_gumloop.from_wire.unvalidated import text_chunk, tool_arguments_chunk

if TYPE_CHECKING:
    from gumloop_core.answer import Delta, Image, ToolCallPiece


class ChunkMaker:
    """Makes LangChain's chunks from the deltas of one stream.

    Text comes as plain strings; where pictures are asked for, as blocks from the start, so that text and pictures add
    up to a list of blocks. A picture that comes before any text is held back: in a unary answer the text is first.

    Args:
        in_blocks: Whether the content is a list of blocks.
        output_version: ``"v1"`` gives the last chunk the blocks that only the whole answer has.
    """

    def __init__(self, *, in_blocks: bool, output_version: str | None) -> None:
        self._in_blocks = in_blocks
        self._standard = output_version == "v1"
        self._has_text = False
        self._waiting: list[Image] = []
        self._images_sent = 0

    def chunk(self, delta: Delta) -> ChatGenerationChunk:
        """The chunk for a delta, but for the last one."""
        fields = delta.__dict__
        if len(fields) == 2 and not self._in_blocks:
            text = fields.get("text")
            if text is not None:
                return text_chunk(text)
            pieces = fields.get("tool_calls")
            if pieces is not None and len(pieces) == 1:
                piece = pieces[0]
                if piece.id is None and piece.name is None:
                    return tool_arguments_chunk(piece.index, piece.arguments)
        kwargs: JSONObject = {}
        if delta.reasoning:
            kwargs["reasoning_content"] = delta.reasoning
        if delta.refusal:
            kwargs["refusal"] = delta.refusal
        chunk = _chunk(self._content(delta), kwargs, delta.tool_calls)
        if delta.partial_images:
            # A field that LangChain does not add up: each frame is on its own chunk and nowhere else.
            frames = [image_block(image) for image in delta.partial_images]
            chunk.message.partial_images = frames  # type: ignore[attr-defined]
        return chunk

    def last_chunks(self, delta: Delta) -> Iterator[ChatGenerationChunk]:
        """The chunks for the last delta: what was left, then one without content that says that this is all.

        Between them are those that end calls that cannot be read; see
        :mod:`langchain_gumloop.from_wire.invalid_call_mark`.
        """
        completion = delta.completion
        assert completion is not None
        self._waiting.extend(delta.images)
        if self._waiting or delta.tool_calls:
            yield _chunk(self._take_images() if self._waiting else self._content(delta), {}, delta.tool_calls)
        for place, call in enumerate(completion.tool_calls):
            if read_arguments(call.arguments, completion.finish_reason)[0] is None:
                yield tool_arguments_chunk(place, invalid_call_mark(call.arguments))
        kwargs, metadata = whole_additional_kwargs(completion), response_metadata(completion)
        content: Any = [] if self._in_blocks else ""
        blocks = last_blocks(kwargs) if self._standard else []
        if blocks:
            content, metadata["output_version"] = blocks, "v1"
        message = AIMessageChunk(
            content=content,
            additional_kwargs=kwargs,
            response_metadata=metadata,
            usage_metadata=usage_metadata(completion.usage),
            chunk_position="last",
        )
        yield ChatGenerationChunk(message=message, generation_info=generation_info(completion))

    def _content(self, delta: Delta) -> str | list[JSONObject]:
        self._waiting.extend(delta.images)
        if not self._in_blocks:
            return delta.text
        content = text_blocks(delta.text)
        self._has_text = self._has_text or bool(content)
        return content + self._take_images() if self._has_text else content

    def _take_images(self) -> list[JSONObject]:
        blocks = image_blocks(self._waiting, self._images_sent)
        self._images_sent += len(blocks)
        self._waiting.clear()
        return blocks


def _chunk(content: Any, kwargs: JSONObject, pieces: tuple[ToolCallPiece, ...]) -> ChatGenerationChunk:
    message = streamed_chunk(
        content=content,
        additional_kwargs=kwargs,
        response_metadata={"model_provider": PROVIDER},
        tool_call_chunks=[
            ToolCallChunk(name=piece.name, args=piece.arguments, id=piece.id, index=piece.index, type="tool_call_chunk")
            for piece in pieces
        ],
    )
    return ChatGenerationChunk(message=message)
