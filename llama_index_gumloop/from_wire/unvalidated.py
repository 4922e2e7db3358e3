"""The framework's objects for streamed chunks, their fields set instead of validated.

Thousands of these are made a second, and validating each costs more than reading the chunk did. All values here are
known to be right, so the fields are set directly. Whether the result is what validation would have made, attribute
by attribute, is checked once at import; with a version of pydantic or of the framework where it is not, validation is
used.
"""

from __future__ import annotations

from typing import Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)
from pydantic import BaseModel

from llama_index_gumloop.from_wire.answer_message import AnswerMessage

_BOOKKEEPING = ("__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")

_new = object.__new__
_set_fields = BaseModel.__dict__["__dict__"].__set__
_set_names, _set_extra, _set_private = (BaseModel.__dict__[name].__set__ for name in _BOOKKEEPING)
_ASSISTANT = MessageRole.ASSISTANT


class ValidatedObjects:
    """Makes the objects by validation."""

    @staticmethod
    def text_response(text: str, delta: str, raw: Any) -> ChatResponse:
        """A response of text alone.

        Args:
            text: All text so far.
            delta: The text that is new.
            raw: The chunk.
        """
        message = ChatMessage(role=_ASSISTANT, blocks=[TextBlock(text=text)], additional_kwargs={})
        return ChatResponse(message=message, raw=raw, delta=delta, additional_kwargs={})

    @staticmethod
    def response(
        blocks: list[Any],
        message_extras: dict[str, Any],
        delta: str,
        raw: Any,
        extras: dict[str, Any],
        selections: Any = None,
    ) -> ChatResponse:
        """A response of any blocks.

        Args:
            blocks: The message's blocks so far.
            message_extras: The message's ``additional_kwargs``.
            delta: The text that is new.
            raw: The chunk.
            extras: The response's ``additional_kwargs``.
            selections: What reads the message's tool calls.
        """
        message = AnswerMessage(role=_ASSISTANT, blocks=blocks, additional_kwargs=message_extras)
        message._selections = selections
        return ChatResponse(message=message, raw=raw, delta=delta, additional_kwargs=extras)

    @staticmethod
    def text_block(text: str) -> TextBlock:
        """A block of text."""
        return TextBlock(text=text)

    @staticmethod
    def thinking_block(content: str) -> ThinkingBlock:
        """A block of reasoning."""
        return ThinkingBlock(content=content)

    @staticmethod
    def tool_call_block(identity: str | None, name: str, arguments: str) -> ToolCallBlock:
        """A block of a tool call, its arguments as text."""
        return ToolCallBlock(tool_call_id=identity, tool_name=name, tool_kwargs=arguments)


class UnvalidatedObjects(ValidatedObjects):
    """Makes the same objects by setting their fields."""

    @staticmethod
    def text_response(text: str, delta: str, raw: Any) -> ChatResponse:  # noqa: D102
        # Written out: most chunks are plain text.
        block = _new(TextBlock)
        _set_fields(block, {"block_type": "text", "text": text})
        _set_names(block, {"text"})
        _set_extra(block, None)
        _set_private(block, None)
        message = _new(ChatMessage)
        _set_fields(message, {"role": _ASSISTANT, "additional_kwargs": {}, "blocks": [block]})
        _set_names(message, {"role", "blocks", "additional_kwargs"})
        _set_extra(message, None)
        _set_private(message, None)
        response = _new(ChatResponse)
        _set_fields(
            response, {"message": message, "raw": raw, "delta": delta, "logprobs": None, "additional_kwargs": {}}
        )
        _set_names(response, {"message", "raw", "delta", "additional_kwargs"})
        _set_extra(response, None)
        _set_private(response, None)
        return response

    @staticmethod
    def response(  # noqa: D102
        blocks: list[Any],
        message_extras: dict[str, Any],
        delta: str,
        raw: Any,
        extras: dict[str, Any],
        selections: Any = None,
    ) -> ChatResponse:
        message = _new(AnswerMessage)
        _set_all(
            message,
            {"role": _ASSISTANT, "additional_kwargs": message_extras, "blocks": blocks},
            {"role", "blocks", "additional_kwargs"},
            {"_selections": selections},
        )
        response = _new(ChatResponse)
        _set_all(
            response,
            {"message": message, "raw": raw, "delta": delta, "logprobs": None, "additional_kwargs": extras},
            {"message", "raw", "delta", "additional_kwargs"},
        )
        return response

    @staticmethod
    def text_block(text: str) -> TextBlock:  # noqa: D102
        block = _new(TextBlock)
        _set_all(block, {"block_type": "text", "text": text}, {"text"})
        return block

    @staticmethod
    def thinking_block(content: str) -> ThinkingBlock:  # noqa: D102
        block = _new(ThinkingBlock)
        _set_all(
            block,
            {"block_type": "thinking", "content": content, "num_tokens": None, "additional_information": {}},
            {"content"},
        )
        return block

    @staticmethod
    def tool_call_block(identity: str | None, name: str, arguments: str) -> ToolCallBlock:  # noqa: D102
        block = _new(ToolCallBlock)
        _set_all(
            block,
            {"block_type": "tool_call", "tool_call_id": identity, "tool_name": name, "tool_kwargs": arguments},
            {"tool_call_id", "tool_name", "tool_kwargs"},
        )
        return block


def _set_all(made: BaseModel, fields: dict[str, Any], names: set[str], private: dict[str, Any] | None = None) -> None:
    _set_fields(made, fields)
    _set_names(made, names)
    _set_extra(made, None)
    _set_private(made, private)


def is_same(one: Any, other: Any) -> bool:
    """Whether two values agree, pydantic objects in class, fields, the order of the fields, and all bookkeeping."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    if not isinstance(one, BaseModel):
        return bool(one == other)
    fields, others = one.__dict__, other.__dict__
    return (
        list(fields) == list(others)
        and all(is_same(fields[name], others[name]) for name in fields)
        and all(getattr(one, name) == getattr(other, name) for name in _BOOKKEEPING)
    )


def samples(objects: type[ValidatedObjects]) -> list[Any]:
    """One of each kind of object."""
    blocks = [
        objects.thinking_block("some thought"),
        objects.text_block("some text"),
        objects.tool_call_block("call_1", "some_tool", '{"some": '),
        objects.tool_call_block(None, "some_tool", ""),
    ]
    calls = [{"id": "call_1", "type": "function", "function": {"name": "some_tool", "arguments": '{"some": '}}]
    return [
        objects.text_response("some text", "text", {"choices": []}),
        objects.response(blocks, {"tool_calls": calls}, "text", {"choices": []}, {"thinking_delta": "thought"}),
    ]


OBJECTS: type[ValidatedObjects] = (
    UnvalidatedObjects if is_same(samples(UnvalidatedObjects), samples(ValidatedObjects)) else ValidatedObjects
)
"""What makes the objects of streamed chunks."""
