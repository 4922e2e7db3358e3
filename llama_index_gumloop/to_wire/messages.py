"""LlamaIndex messages to the wire's.

One message becomes one message of the body, so a place in the body is a place in the caller's list.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter, itemgetter
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, MessageRole, TextBlock

from gumloop_core.errors import InvalidRequestError
from gumloop_core.shown import named, shown
from gumloop_core.wire import MessageParam
from gumloop_core.writing.schema import safe_name

_ROLES: dict[str, str] = {
    MessageRole.SYSTEM: "system",
    MessageRole.DEVELOPER: "developer",
    MessageRole.USER: "user",
    MessageRole.ASSISTANT: "assistant",
    MessageRole.TOOL: "tool",
    # Other providers' words for the same two.
    MessageRole.FUNCTION: "tool",
    MessageRole.CHATBOT: "assistant",
    MessageRole.MODEL: "assistant",
}

_PLAIN_ROLES = {role: word for role, word in _ROLES.items() if word != "tool"}
"""Those whose text needs nothing beside it: a tool's result says of which call it is."""

_CONTENT = itemgetter("content")
_KWARGS = attrgetter("additional_kwargs")

_SAYS_NOTHING = frozenset({"role", "content", "name", "reasoning", "reasoning_details"})
"""Fields of an assistant's message that say nothing by themselves: providers refuse a thought without a word."""


def to_messages(messages: Sequence[ChatMessage], *, replay_reasoning: bool = True) -> list[MessageParam]:
    """The wire's messages, one for each of the caller's.

    Args:
        messages: The conversation. It is not touched.
        replay_reasoning: Whether the reasoning in assistant messages is sent back.

    Raises:
        InvalidRequestError: If the wire has no place for a block, or a field of one holds what it cannot, naming the
            message and the block.
    """
    converted: list[MessageParam] = []
    place = 0
    try:
        for place, message in enumerate(messages):
            # Text without anything beside it, which most messages of a long conversation are. The fields are read from
            # their dict, as an attribute of a pydantic object takes three times as long.
            if type(message) is ChatMessage and not (fields := message.__dict__)["additional_kwargs"]:
                blocks = fields["blocks"]
                if len(blocks) == 1 and type(blocks[0]) is TextBlock:
                    text, role = blocks[0].text, _PLAIN_ROLES.get(fields["role"])
                    if role is not None and type(text) is str:
                        converted.append({"role": role, "content": text})
                        continue
            check_message(message, place)
            converted.append(_converted(message, place, replay_reasoning))
    except InvalidRequestError:
        raise
    except Exception as error:  # the one place where what nobody foresaw in a message gets the message's name
        raise InvalidRequestError(
            f"messages[{place}] cannot be sent: {type(error).__name__}: {error}. Check the fields of its blocks "
            "and its additional_kwargs."
        ) from error
    return converted


def check_messages(messages: Any) -> None:
    """Refuse what is no list of messages.

    Raises:
        InvalidRequestError: Naming the one that is none.
    """
    if not isinstance(messages, Sequence) or isinstance(messages, (str, bytes)):
        raise InvalidRequestError(f"messages is {named(messages)}, not a list of ChatMessages: {shown(messages)}.")
    # Nearly all conversations are like this, and asking pydantic's classes for their instances takes long.
    if set(map(type, messages)) <= {ChatMessage}:
        given = list(map(_KWARGS, messages))
        if set(map(type, given)) <= {dict} and not any(given):
            return
    for place, message in enumerate(messages):
        check_message(message, place)


def check_message(message: Any, place: int) -> None:
    """Refuse what is no message, or has something beside its blocks that the framework would trip over.

    Raises:
        InvalidRequestError: Naming it by its place.
    """
    if not isinstance(message, ChatMessage):
        raise InvalidRequestError(f"messages[{place}] is {named(message)}, not a ChatMessage: {shown(message)}.")
    given: Any = message.additional_kwargs
    if not isinstance(given, dict):
        raise InvalidRequestError(f"messages[{place}] has {named(given)} as its additional_kwargs, not a dict.")
    if given and "images" in given:  # the framework reads its own form of pictures there
        images = () if given["images"] is None else given["images"]
        if not isinstance(images, (list, tuple)) or not all(hasattr(image, "resolve_image") for image in images):
            raise InvalidRequestError(
                f"messages[{place}].additional_kwargs['images'] is not a list of ImageDocuments: {shown(images)}. "
                "Pictures go into ImageBlocks."
            )


def without_empty_answers(messages: list[MessageParam]) -> tuple[list[MessageParam], list[int] | None]:
    """Leave out the assistant's messages that say nothing, which memories keep and many providers refuse.

    Args:
        messages: The wire's messages.

    Returns:
        The messages that say something, and for each its place before; ``None`` if all stayed.
    """
    if all(map(_CONTENT, messages)):
        return messages, None
    empty = {
        place
        for place, message in enumerate(messages)
        if not message["content"] and message["role"] == "assistant" and message.keys() <= _SAYS_NOTHING
    }
    if not empty or len(empty) == len(messages):
        return messages, None
    kept = [place for place in range(len(messages)) if place not in empty]
    return [messages[place] for place in kept], kept


def _converted(message: ChatMessage, place: int, replay_reasoning: bool) -> MessageParam:
    role = _ROLES.get(message.role)
    if role is None:
        raise InvalidRequestError(f"messages[{place}] has the unknown role {message.role!r}.")
    if role != "assistant":
        converted = _other_message(message, role, place)
    else:
        from llama_index_gumloop.to_wire.earlier_answers import assistant_param

        converted = assistant_param(message, place, replay_reasoning=replay_reasoning)
    name = message.additional_kwargs.get("name")
    if name and role != "tool":
        converted["name"] = safe_name(str(name))
    mark = message.additional_kwargs.get("cache_control")
    if mark:  # as LlamaIndex's Anthropic reads it: up to the end of this message
        from gumloop_core.writing.cache_marks import checked_mark, mark_message

        try:
            mark_message(converted, checked_mark(mark))
        except InvalidRequestError as error:
            raise InvalidRequestError(f"messages[{place}].additional_kwargs: {error.message}") from None
    return converted


def _other_message(message: ChatMessage, role: str, place: int) -> MessageParam:
    from llama_index_gumloop.to_wire.content_parts import message_content

    converted: MessageParam = {"role": role, "content": message_content(list(enumerate(message.blocks)), role, place)}
    if role == "tool":
        identity = message.additional_kwargs.get("tool_call_id")
        if not identity:
            raise InvalidRequestError(
                f"messages[{place}] is a tool's result but does not say of which call: "
                "put the call's id into additional_kwargs['tool_call_id']."
            )
        if not isinstance(identity, (str, int)):
            raise InvalidRequestError(
                f"messages[{place}] has {named(identity)} as its additional_kwargs['tool_call_id'], not a text."
            )
        converted["tool_call_id"] = str(identity)
    return converted
