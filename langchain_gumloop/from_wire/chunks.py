"""The chunks of a stream, whose finished sum reads its tool calls as a unary answer's are read.

LangChain parses the arguments of added-up chunks leniently: it closes what is open and leaves out what it cannot
read, so that half a call and a malformed one both become calls that an agent runs. Whether a call is whole shows at
the end of the answer alone. So a sum that has the last chunk in it is read again, to the letter.
"""

from __future__ import annotations

from typing import Any, cast

from langchain_core.messages import AIMessageChunk
from langchain_core.messages.ai import add_ai_message_chunks

from langchain_gumloop.from_wire.content_blocks import in_unary_order, with_text_in_a_block
from langchain_gumloop.from_wire.invalid_call_mark import without_invalid_call_mark
from langchain_gumloop.from_wire.tool_calls import read_calls

_set = object.__setattr__


# Building a validator takes milliseconds, and chunks are made by LangChain's class: see `streamed_chunk`.
class StreamedChunk(AIMessageChunk, defer_build=True):
    """A chunk of a stream, or a sum of some that is not finished. A finished sum is a plain ``AIMessageChunk``.

    LangChain builds a sum by ``chunk.__class__``, makes a message of a chunk by the class before it in
    ``__class__.__mro__``, and serializers write ``__class__`` down. To all of these it is the ``AIMessageChunk`` that
    it has all fields of.
    """

    @property  # type: ignore[misc]
    def __class__(self) -> type[AIMessageChunk]:  # type: ignore[override]
        return AIMessageChunk

    @classmethod
    def lc_id(cls) -> list[str]:
        """Where ``langchain_core.load`` finds the class."""
        return AIMessageChunk.lc_id()

    def __reduce_ex__(self, _protocol: Any) -> tuple[Any, ...]:
        return _revived, (self.__getstate__(),)

    def __add__(self, other: Any) -> Any:
        if type(other) in _CHUNKS:  # what LangChain would find out too, more slowly
            return _text_sum(self, other) or _as_sum(add_ai_message_chunks(self, other))
        return _as_sum(AIMessageChunk.__add__(self, other))

    def __radd__(self, other: Any) -> Any:
        """Add to a plain chunk, such as an empty one that a loop starts from."""
        return _as_sum(AIMessageChunk.__add__(other, self)) if isinstance(other, AIMessageChunk) else NotImplemented


def streamed_chunk(**fields: Any) -> StreamedChunk:
    """Make a chunk of a stream of a chunk's fields."""
    chunk = AIMessageChunk(**fields)
    _set(chunk, "__class__", StreamedChunk)
    return cast("StreamedChunk", chunk)


_CHUNKS = (StreamedChunk, AIMessageChunk)


def _text_sum(left: AIMessageChunk, right: AIMessageChunk) -> StreamedChunk | None:
    """The sum where the right one brings text and nothing else, without validating anew what was added up before.

    ``tests/langchain/test_sums.py`` compares it with LangChain's own.
    """
    fields, more = left.__dict__, right.__dict__
    content, text = fields["content"], more["content"]
    if (
        content.__class__ is not str
        or text.__class__ is not str
        or more["additional_kwargs"]
        or more["tool_call_chunks"]
        or fields["tool_call_chunks"]
        or more["chunk_position"] is not None
        or fields["chunk_position"] is not None
        or more["usage_metadata"] is not None
        or fields["usage_metadata"] is not None
        or fields["name"] is not None
        or fields["id"] != more["id"]
        or fields["response_metadata"] != more["response_metadata"]
        or len(fields) != _FIELD_COUNT
    ):
        return None
    fields = fields.copy()
    fields["content"] = content + text
    fields["additional_kwargs"] = fields["additional_kwargs"].copy()
    fields["response_metadata"] = fields["response_metadata"].copy()
    fields["tool_calls"], fields["invalid_tool_calls"], fields["tool_call_chunks"] = [], [], []
    total = object.__new__(StreamedChunk)
    _set(total, "__dict__", fields)
    _set(total, "__pydantic_fields_set__", _SUM_FIELDS_SET.copy())
    _set(total, "__pydantic_extra__", {})
    _set(total, "__pydantic_private__", None)
    return total


def _as_sum(total: Any) -> Any:
    if type(total) is not AIMessageChunk:
        return total  # the sum with what is no chunk is LangChain's own affair
    if total.chunk_position != "last":
        _set(total, "__class__", StreamedChunk)
        return total
    pieces = total.tool_call_chunks
    if pieces:
        written = [(piece["id"], piece["name"], without_invalid_call_mark(piece["args"])) for piece in pieces]
        reason = total.response_metadata.get("finish_reason")
        total.tool_calls, total.invalid_tool_calls = read_calls(written, reason)
    content = total.content
    if isinstance(content, list):
        if total.response_metadata.get("output_version") == "v1":
            total.content = in_unary_order(total)  # type: ignore[assignment]
        elif any(isinstance(item, str) for item in content):
            total.content = with_text_in_a_block(content)
    return total


_template = streamed_chunk(content="a") + streamed_chunk(content="b", additional_kwargs={"slowly": True})
_SUM_FIELDS_SET = set(_template.__pydantic_fields_set__)
_FIELD_COUNT = 11
"""The fields of the chunks that this is for; a LangChain whose chunks have another one adds up by itself."""


def _revived(state: dict[Any, Any]) -> StreamedChunk:
    chunk = object.__new__(StreamedChunk)
    chunk.__setstate__(state)
    return chunk
