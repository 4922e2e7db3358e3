"""The wire's shape of an answer: one document, or chunks."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from gumloop_core.wire import JSONObject
from gumloop_emulator.reasoning import call_identifier, signed_details
from gumloop_emulator.request import ChatRequest
from gumloop_emulator.script import Answer, ToolCall
from gumloop_emulator.usage import count_usage

BUDGET_ERROR: JSONObject = {"code": 402, "message": "budget exceeded"}
"""What an answer that breaks with an error says."""

_WORDS = re.compile(r"\s*\S+\s?|\s+")
_ARGUMENT_PIECE = 12  # characters of a call's arguments in one chunk
_REASONING_PIECE = 24  # characters of reasoning in one chunk, at least


@dataclass(frozen=True)
class Envelope:
    """What every document of one answer carries."""

    id: str
    created: int
    model: str
    service_tier: str | None = None
    include_usage: bool = True

    def wrap(self, kind: str, choices: list[JSONObject], **more: Any) -> JSONObject:
        """Return a document around choices."""
        document = {"id": self.id, "object": kind, "created": self.created, "model": self.model}
        tier = {"service_tier": self.service_tier} if self.service_tier else {}
        return {**document, "system_fingerprint": "fp_gumloop_emulator", **tier, "choices": choices, **more}


def settle(answer: Answer, request: ChatRequest) -> Answer:
    """Return an answer with what it leaves open filled in: ids, signed details, finish reason, usage."""
    calls = []
    for position, call in enumerate(answer.tool_calls):
        arguments = call.arguments
        text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
        identifier = call.id or call_identifier(request.fingerprint, position, call.name)
        calls.append(ToolCall(call.name, text, identifier))
    details = answer.reasoning_details
    if details is None:
        details = signed_details(answer.reasoning, request.model) if answer.reasoning else ()
    finish_reason = answer.finish_reason or ("tool_calls" if calls else "stop")
    answer = replace(answer, tool_calls=calls, reasoning_details=details, finish_reason=finish_reason)
    return replace(answer, usage=count_usage(answer, request)) if answer.usage is None else answer


def completion(answer: Answer, envelope: Envelope) -> JSONObject:
    """Return the unary answer."""
    optional = {
        "reasoning": answer.reasoning,
        "reasoning_details": answer.reasoning_details,
        "tool_calls": [_call(call) for call in answer.tool_calls],
        "images": [_image(image) for image in answer.images],
        "refusal": answer.refusal,
        "gumloop_extensions": answer.extensions,
    }
    message = {"role": "assistant", "content": answer.text, **{key: value for key, value in optional.items() if value}}
    choice = {"index": 0, "finish_reason": answer.finish_reason, "logprobs": None, "message": message}
    return envelope.wrap("chat.completion", [choice], **({"usage": answer.usage} if answer.usage else {}))


def chunks(answer: Answer, envelope: Envelope) -> Iterator[JSONObject]:
    """Yield the streamed answer: role, reasoning, pictures, text, calls, finish reason, usage."""

    def chunk(delta: JSONObject, finish_reason: str | None = None, **more: Any) -> JSONObject:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
        return envelope.wrap("chat.completion.chunk", [choice], **more)

    yield chunk({"role": "assistant", "content": ""})
    yield from map(chunk, _deltas(answer))
    if answer.breaks == "error":
        yield chunk({"content": ""}, "error", error=BUDGET_ERROR)
    elif answer.breaks != "end":
        yield chunk({}, answer.finish_reason)
        if answer.usage and envelope.include_usage:
            yield envelope.wrap("chat.completion.chunk", [], usage=answer.usage)


def _deltas(answer: Answer) -> Iterator[JSONObject]:
    yield from _reasoning_deltas(answer)
    if answer.extensions:
        yield {"gumloop_extensions": answer.extensions}
    yield from ({"content": piece} for piece in _words(answer.text))
    yield from ({"images": [_image(image)]} for image in (*answer.partial_images, *answer.images))
    yield from ({"refusal": piece} for piece in _words(answer.refusal))
    calls = [list(_call_deltas(index, call)) for index, call in enumerate(answer.tool_calls)]
    if answer.interleaved:
        longest = max(map(len, calls), default=0)
        calls = [[deltas[row] for deltas in calls if row < len(deltas)] for row in range(longest)]
    yield from (delta for deltas in calls for delta in deltas)


def _reasoning_deltas(answer: Answer) -> Iterator[JSONObject]:
    """Yield the reasoning text with its details in pieces; a signature or data comes by itself at the end."""
    if not answer.reasoning_details:
        yield from ({"reasoning": piece} for piece in _words(answer.reasoning, _REASONING_PIECE))
    for position, detail in enumerate(answer.reasoning_details or ()):
        # What a piece of a detail repeats, so that it can be told to which entry it belongs.
        shared = {key: value for key, value in detail.items() if key in ("type", "id", "format", "index")}
        shared.setdefault("index", position)
        key = "summary" if detail.get("type") == "reasoning.summary" else "text"
        for piece in _words(detail.get(key), _REASONING_PIECE):
            yield {"reasoning": piece, "reasoning_details": [{**shared, key: piece}]}
        for sealed in ("signature", "data"):
            if detail.get(sealed):
                yield {"reasoning_details": [{**shared, sealed: detail[sealed]}]}


def _call_deltas(index: int, call: ToolCall) -> Iterator[JSONObject]:
    yield {"tool_calls": [{"index": index, **_call(replace(call, arguments=""))}]}
    for start in range(0, len(call.arguments), _ARGUMENT_PIECE):
        piece = str(call.arguments)[start : start + _ARGUMENT_PIECE]
        yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def _call(call: ToolCall) -> JSONObject:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _image(image: str | bytes) -> JSONObject:
    url = image if isinstance(image, str) else "data:image/png;base64," + base64.b64encode(image).decode()
    return {"type": "image_url", "image_url": {"url": url}}


def _words(text: str | None, at_least: int = 1) -> Iterator[str]:
    """Split a text at word boundaries; the pieces put together are the text."""
    piece = ""
    for match in _WORDS.finditer(text or ""):
        piece += match.group()
        if len(piece) >= at_least:
            yield piece
            piece = ""
    if piece:
        yield piece
