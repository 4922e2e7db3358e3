"""The history: roles, contents, and tool calls that must be answered, each once and in place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from gumloop_core.emulator.call import CallRecord, Message, Role
from gumloop_core.emulator.checks import fields
from gumloop_core.emulator.checks.images import check_image_url
from gumloop_core.emulator.checks.parts import Content, parse_content
from gumloop_core.emulator.failures import FieldError
from gumloop_core.emulator.shapes import JsonObject

_ROLES = ("system", "developer", "user", "assistant", "tool")
_DETAIL_TYPES = ("reasoning.text", "reasoning.summary", "reasoning.encrypted")


def parse_messages(body: Mapping[str, Any]) -> list[Message]:
    """Check the history and return it."""
    raw = body.get("messages")
    if not isinstance(raw, list):
        raise FieldError("messages is required and must be a list.", "messages")
    if not raw:
        raise FieldError("messages must not be empty.", "messages")
    messages: list[Message] = []
    known: set[str] = set()
    pending: dict[str, str] = {}  # call id -> where the call is, for the message of the error
    for index, entry in enumerate(raw):
        where = f"messages[{index}]"
        if not isinstance(entry, dict):
            raise FieldError(f"{where} must be an object.", where)
        message = _parse_message(entry, index, where)
        if message.role == "tool":
            _match_result(message, where, known, pending)
        else:
            _nothing_pending(pending)
        for position, call in enumerate(message.tool_calls):
            place = f"{where}.tool_calls[{position}].id"
            if call.id in known:
                raise FieldError(f"The tool call id {call.id!r} is used twice.", place)
            known.add(call.id)
            pending[call.id] = place
        messages.append(message)
    _nothing_pending(pending)
    return messages


def _match_result(message: Message, where: str, known: set[str], pending: dict[str, str]) -> None:
    identifier = message.tool_call_id or ""
    if pending.pop(identifier, None) is None:
        again = " again" if identifier in known else ""
        raise FieldError(
            f"The tool message answers the call {identifier!r}{again}, but no call of the assistant "
            "message before it has that id and waits for a result.",
            f"{where}.tool_call_id",
        )


def _nothing_pending(pending: Mapping[str, str]) -> None:
    for identifier, place in pending.items():
        raise FieldError(f"The tool call {identifier!r} has no tool message with its result right after it.", place)


def _parse_message(entry: Mapping[str, Any], index: int, where: str) -> Message:
    role = entry.get("role")
    if role not in _ROLES:
        raise FieldError(f"Unknown role {role!r}; it must be one of {', '.join(_ROLES)}.", f"{where}.role")
    fields.string(entry, "name", param=f"{where}.name")
    if role == "assistant":
        return _parse_assistant(entry, index, where)
    if "tool_calls" in entry and entry["tool_calls"] is not None:
        raise FieldError("Only an assistant message can carry tool_calls.", f"{where}.tool_calls")
    content = parse_content(entry.get("content"), role, f"{where}.content")
    identifier = None
    if role == "tool":
        identifier = fields.string(entry, "tool_call_id", param=f"{where}.tool_call_id", required=True)
    return Message(
        index=index,
        role=cast("Role", "system" if role == "developer" else role),
        text=content.text,
        images=content.images,
        attachments=content.attachments,
        cached_characters=content.cached_characters,
        tool_call_id=identifier,
    )


def _parse_assistant(entry: Mapping[str, Any], index: int, where: str) -> Message:
    calls = _parse_calls(entry, where)
    fields.string(entry, "reasoning", param=f"{where}.reasoning")
    fields.string(entry, "refusal", param=f"{where}.refusal")
    pictures = fields.objects(entry, "images", param=f"{where}.images") or []
    for position, picture in enumerate(pictures):
        place = f"{where}.images[{position}].image_url"
        image = fields.mapping(picture, "image_url", param=place)
        check_image_url((image or {}).get("url"), f"{place}.url")
    details = fields.objects(entry, "reasoning_details", param=f"{where}.reasoning_details") or []
    for position, detail in enumerate(details):
        if detail.get("type") not in _DETAIL_TYPES:
            place = f"{where}.reasoning_details[{position}].type"
            raise FieldError(f"Unknown reasoning detail type {detail.get('type')!r}.", place)
    if entry.get("content") is None:
        if not (calls or pictures or entry.get("refusal")):
            raise FieldError("An assistant message without tool calls needs content.", f"{where}.content")
        content = Content()
    else:
        content = parse_content(entry["content"], "assistant", f"{where}.content")
    return Message(
        index=index,
        role="assistant",
        text=content.text,
        images=content.images + len(pictures),
        attachments=content.attachments,
        cached_characters=content.cached_characters,
        tool_calls=tuple(calls),
        reasoning_details=tuple(details),
    )


def _parse_calls(entry: Mapping[str, Any], where: str) -> list[CallRecord]:
    raw = fields.objects(entry, "tool_calls", param=f"{where}.tool_calls")
    if raw is None:
        return []
    if not raw:
        raise FieldError("tool_calls must not be an empty list.", f"{where}.tool_calls")
    calls = []
    for position, call in enumerate(raw):
        place = f"{where}.tool_calls[{position}]"
        identifier = fields.string(call, "id", param=f"{place}.id", required=True)
        if call.get("type") != "function":
            raise FieldError("A tool call's type must be function.", f"{place}.type")
        function = fields.mapping(call, "function", param=f"{place}.function")
        if function is None:
            raise FieldError("A tool call needs a function.", f"{place}.function")
        name = fields.string(function, "name", param=f"{place}.function.name", required=True)
        arguments = _parse_arguments(function.get("arguments"), f"{place}.function.arguments")
        calls.append(CallRecord(id=identifier or "", name=name or "", arguments=arguments))
    return calls


def _parse_arguments(value: object, param: str) -> JsonObject:
    if not isinstance(value, str):
        raise FieldError("A tool call's arguments must be JSON text.", param)
    try:
        arguments = json.loads(value)
    except ValueError:
        raise FieldError("A tool call's arguments are not valid JSON.", param) from None
    if not isinstance(arguments, dict):
        raise FieldError("A tool call's arguments must be the JSON text of an object.", param)
    return arguments
