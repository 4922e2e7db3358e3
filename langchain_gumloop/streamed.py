"""The chunks of a stream, whose finished sum reads its tool calls as a unary answer's are read.

LangChain parses the arguments of added-up chunks leniently: it closes what is open and leaves out what it cannot
read, so that half a call and a malformed one both become calls that an agent runs. Whether a call is whole shows at
the end of the answer alone. So a sum that has the last chunk in it is read again, to the letter.
"""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessageChunk
from langchain_core.messages.ai import add_ai_message_chunks

from langchain_gumloop.calls import read_calls
from langchain_gumloop.content import in_order

_set = object.__setattr__


class StreamedChunk(AIMessageChunk):
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

    def __add__(self, other: Any) -> Any:  # type: ignore[override]
        if type(other) in _CHUNKS:  # what LangChain would find out too, more slowly
            return _as_sum(add_ai_message_chunks(self, other))
        return _as_sum(AIMessageChunk.__add__(self, other))

    def __radd__(self, other: Any) -> Any:
        """Add to a plain chunk, such as an empty one that a loop starts from."""
        return _as_sum(AIMessageChunk.__add__(other, self))


_CHUNKS = (StreamedChunk, AIMessageChunk)


def _as_sum(total: Any) -> Any:
    if type(total) is not AIMessageChunk:
        return total  # the sum with what is no chunk is LangChain's own affair
    if total.chunk_position != "last":
        _set(total, "__class__", StreamedChunk)
        return total
    pieces = total.tool_call_chunks
    if pieces:
        written = [(piece["id"], piece["name"], piece["args"]) for piece in pieces]
        reason = total.response_metadata.get("finish_reason")
        total.tool_calls, total.invalid_tool_calls = read_calls(written, reason)
    if total.response_metadata.get("output_version") == "v1" and isinstance(total.content, list):
        total.content = in_order(total)  # type: ignore[assignment]
    return total


def _revived(state: dict[Any, Any]) -> StreamedChunk:
    chunk = object.__new__(StreamedChunk)
    chunk.__setstate__(state)
    return chunk
