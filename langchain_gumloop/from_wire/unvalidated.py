"""Chunks for the two deltas that make up nearly all of a stream, without pydantic's validation.

Validating a ``StreamedChunk`` and a ``ChatGenerationChunk`` costs more than reading the chunk from the wire. Here
both are copied from a validated template, with containers of their own. ``tests/langchain/test_fast_chunks.py``
compares every attribute with the validated objects. Should another version of LangChain add a field with a container
of its own, the chunks are validated as usual.
"""

from __future__ import annotations

from typing import Any

from langchain_core.messages import ToolCallChunk
from langchain_core.outputs import ChatGenerationChunk
from pydantic import BaseModel

from langchain_gumloop.from_wire.chunks import StreamedChunk, streamed_chunk

_PROVIDER = "gumloop"
_FRESH = frozenset({"additional_kwargs", "response_metadata", "tool_calls", "invalid_tool_calls", "tool_call_chunks"})
_new = object.__new__
_set = object.__setattr__


def text_chunk(text: str) -> ChatGenerationChunk:
    """The chunk for a piece of text."""
    if not _CAN_COPY:
        return _validated(text, [])
    fields = _MESSAGE_FIELDS.copy()
    fields["content"] = text
    fields["additional_kwargs"] = {}
    fields["response_metadata"] = {"model_provider": _PROVIDER}
    fields["tool_calls"] = []
    fields["invalid_tool_calls"] = []
    fields["tool_call_chunks"] = []
    return _assemble(fields, _TEXT_FIELDS_SET, text)


def tool_arguments_chunk(index: int, arguments: str) -> ChatGenerationChunk:
    """The chunk for a further piece of a tool call's arguments.

    LangChain would try to complete and parse the piece by itself, and show most of them as invalid tool calls. The
    calls are parsed where chunks are added up; a single piece shows none.
    """
    piece = ToolCallChunk(name=None, args=arguments, id=None, index=index, type="tool_call_chunk")
    if not _CAN_COPY:
        return _validated("", [piece])
    fields = _MESSAGE_FIELDS.copy()
    fields["additional_kwargs"] = {}
    fields["response_metadata"] = {"model_provider": _PROVIDER}
    fields["tool_calls"] = []
    fields["invalid_tool_calls"] = []
    fields["tool_call_chunks"] = [piece]
    return _assemble(fields, _TOOL_FIELDS_SET, "")


def _assemble(fields: dict[str, Any], fields_set: set[str], text: str) -> ChatGenerationChunk:
    message = _new(StreamedChunk)
    _set(message, "__dict__", fields)
    _set(message, "__pydantic_fields_set__", fields_set.copy())
    _set(message, "__pydantic_extra__", {})
    _set(message, "__pydantic_private__", None)
    generation_fields = _GENERATION_FIELDS.copy()
    generation_fields["text"] = text
    generation_fields["message"] = message
    chunk = _new(ChatGenerationChunk)
    _set(chunk, "__dict__", generation_fields)
    _set(chunk, "__pydantic_fields_set__", _GENERATION_FIELDS_SET.copy())
    _set(chunk, "__pydantic_extra__", None)
    _set(chunk, "__pydantic_private__", None)
    return chunk


def _validated(text: str, pieces: list[ToolCallChunk]) -> ChatGenerationChunk:
    metadata = {"model_provider": _PROVIDER}
    message = streamed_chunk(content=text, response_metadata=metadata, tool_call_chunks=pieces)
    return ChatGenerationChunk(message=message)


def _containers(model: BaseModel) -> set[str]:
    return {name for name, value in model.__dict__.items() if isinstance(value, (dict, list, set))}


def _can_copy(generation: ChatGenerationChunk) -> bool:
    """Whether copying the templates gives every chunk all the containers of its own."""
    message = generation.message
    return (
        type(message) is StreamedChunk
        and _containers(message) == _FRESH
        and not _containers(generation)
        and message.__pydantic_extra__ == {}
        and message.__pydantic_private__ is generation.__pydantic_private__ is generation.__pydantic_extra__ is None
    )


_template = _validated("", [])
_CAN_COPY = _can_copy(_template)
_MESSAGE_FIELDS = {**_template.message.__dict__}
_TEXT_FIELDS_SET = set(_template.message.__pydantic_fields_set__) - {"tool_call_chunks"}
_TOOL_FIELDS_SET = _TEXT_FIELDS_SET | {"tool_call_chunks", "tool_calls", "invalid_tool_calls"}
_GENERATION_FIELDS = {**_template.__dict__}
_GENERATION_FIELDS_SET = set(_template.__pydantic_fields_set__)
