"""The response of a streamed chunk of plain text, made fast.

Thousands of these are made a second, and validating each costs more than reading the chunk did. All values are known
to be right, so the three objects are filled directly. Whether the result is what validation would have made, attribute
by attribute, is checked once at import; if a version of pydantic or of the framework differs, validation is used.
"""

from __future__ import annotations

from typing import Any

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, MessageRole, TextBlock

_new = object.__new__
_set = object.__setattr__
_ASSISTANT = MessageRole.ASSISTANT
_SLOTS = ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")


def validated_text_response(text: str, delta: str, raw: Any) -> ChatResponse:
    """A response made by validation.

    Args:
        text: All text so far.
        delta: The text that is new.
        raw: The chunk.
    """
    message = ChatMessage(role=_ASSISTANT, blocks=[TextBlock(text=text)], additional_kwargs={})
    return ChatResponse(message=message, raw=raw, delta=delta, additional_kwargs={})


def filled_text_response(text: str, delta: str, raw: Any) -> ChatResponse:
    """The same response made by filling the objects."""
    block = _new(TextBlock)
    _set(block, "__dict__", {"block_type": "text", "text": text})
    _set(block, "__pydantic_fields_set__", {"text"})
    _set(block, "__pydantic_extra__", None)
    _set(block, "__pydantic_private__", None)
    message = _new(ChatMessage)
    _set(message, "__dict__", {"role": _ASSISTANT, "additional_kwargs": {}, "blocks": [block]})
    _set(message, "__pydantic_fields_set__", {"role", "blocks", "additional_kwargs"})
    _set(message, "__pydantic_extra__", None)
    _set(message, "__pydantic_private__", None)
    response = _new(ChatResponse)
    _set(
        response,
        "__dict__",
        {"message": message, "raw": raw, "delta": delta, "logprobs": None, "additional_kwargs": {}},
    )
    _set(response, "__pydantic_fields_set__", {"message", "raw", "delta", "additional_kwargs"})
    _set(response, "__pydantic_extra__", None)
    _set(response, "__pydantic_private__", None)
    return response


def is_same_object(one: Any, other: Any) -> bool:
    """Whether two trees of pydantic objects agree in class, fields, the order of the fields, and all bookkeeping."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(map(is_same_object, one, other))
    if not hasattr(one, "__pydantic_fields_set__"):
        return bool(one == other)
    fields, others = one.__dict__, other.__dict__
    return (
        list(fields) == list(others)
        and all(is_same_object(fields[name], others[name]) for name in fields)
        and all(getattr(one, slot) == getattr(other, slot) for slot in _SLOTS[1:])
    )


def _sample_agrees() -> bool:
    sample: tuple[str, str, Any] = ("some text", "text", {"choices": []})
    return is_same_object(filled_text_response(*sample), validated_text_response(*sample))


text_response = filled_text_response if _sample_agrees() else validated_text_response
