"""How an answer is written: as one document, or as the chunks of a stream."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from gumloop_core.json_text import encode
from gumloop_core.wire import JSONObject
from gumloop_emulator.reasoning import call_identifier, signed_details
from gumloop_emulator.request import ChatRequest
from gumloop_emulator.script import Answer, Drop, ToolCall
from gumloop_emulator.usage import count_usage

DONE = b"data: [DONE]\n\n"
BUDGET_ERROR = {"code": 402, "message": "budget exceeded"}
"""What an answer that breaks with an error says."""

_FINGERPRINT = "fp_gumloop_emulator"
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
        return {**document, "system_fingerprint": _FINGERPRINT, **tier, "choices": choices, **more}


def settle(answer: Answer, request: ChatRequest) -> Answer:
    """Return an answer with what it leaves open filled in: ids, signed details, finish reason, usage."""
    calls = []
    for position, call in enumerate(answer.tool_calls):
        arguments = call.arguments
        if not isinstance(arguments, str):
            arguments = json.dumps(arguments, ensure_ascii=False)
        identifier = call.id or call_identifier(request.fingerprint, position, call.name)
        calls.append(ToolCall(call.name, arguments, identifier))
    details = answer.reasoning_details
    if details is None:
        details = signed_details(answer.reasoning, request.model) if answer.reasoning else ()
    finish_reason = answer.finish_reason or ("tool_calls" if calls else "stop")
    answer = replace(answer, tool_calls=calls, reasoning_details=details, finish_reason=finish_reason)
    return replace(answer, usage=count_usage(answer, request)) if answer.usage is None else answer


def completion(answer: Answer, envelope: Envelope) -> JSONObject:
    """Return the unary answer."""
    optional: JSONObject = {
        "reasoning": answer.reasoning,
        "reasoning_details": answer.reasoning_details,
        "tool_calls": [_call(call) for call in answer.tool_calls],
        "images": [_image(image) for image in answer.images],
        "refusal": answer.refusal,
        "gumloop_extensions": answer.extensions,
    }
    message = {"role": "assistant", "content": answer.text, **{key: value for key, value in optional.items() if value}}
    choice = {"index": 0, "finish_reason": answer.finish_reason, "logprobs": None, "message": message}
    usage = {"usage": answer.usage} if answer.usage else {}
    return envelope.wrap("chat.completion", [choice], **usage)


def events(answer: Answer, envelope: Envelope) -> Iterator[bytes | Drop]:
    """Yield the events of the streamed answer."""
    for count, chunk in enumerate(chunks(answer, envelope)):
        if answer.breaks == "drop" and count == 3:
            yield Drop()
            return
        yield _untidy(chunk, count) if answer.untidy else event(chunk)
    if answer.breaks != "end":
        yield DONE


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


def event(body: object) -> bytes:
    """Return one server-sent event."""
    return b"data: " + encode(body) + b"\n\n"


def _untidy(chunk: object, count: int) -> bytes:
    """Return an event with everything around it that the standard allows."""
    text = b"event: message\r\nid: %d\r\nretry: 3000\r\ndata: %s\r\n\r\n" % (count, encode(chunk))
    return b": keep-alive\r\n\r\n" + text if count % 2 else text + b"\r\n"


def _deltas(answer: Answer) -> Iterator[JSONObject]:
    yield from _reasoning_deltas(answer)
    if answer.extensions:
        yield {"gumloop_extensions": answer.extensions}
    for piece in split_words(answer.text or ""):
        yield {"content": piece}
    for image in (*answer.partial_images, *answer.images):
        yield {"images": [_image(image)]}
    for piece in split_words(answer.refusal or ""):
        yield {"refusal": piece}
    calls = [list(_call_deltas(index, call)) for index, call in enumerate(answer.tool_calls)]
    if answer.interleaved:
        for row in range(max(map(len, calls), default=0)):
            yield from (deltas[row] for deltas in calls if row < len(deltas))
    else:
        yield from (delta for deltas in calls for delta in deltas)


def _reasoning_deltas(answer: Answer) -> Iterator[JSONObject]:
    """Yield the reasoning text with its details in pieces; a signature or data comes by itself at the end."""
    if not answer.reasoning_details:
        for piece in split_words(answer.reasoning or "", _REASONING_PIECE):
            yield {"reasoning": piece}
        return
    for position, detail in enumerate(answer.reasoning_details):
        # What a piece of a detail repeats, so that it can be told to which entry it belongs.
        shared = {key: value for key, value in detail.items() if key in ("type", "id", "format", "index")}
        shared.setdefault("index", position)
        key = "summary" if detail.get("type") == "reasoning.summary" else "text"
        for piece in split_words(str(detail.get(key) or ""), _REASONING_PIECE):
            yield {"reasoning": piece, "reasoning_details": [{**shared, key: piece}]}
        for sealed in ("signature", "data"):
            if detail.get(sealed):
                yield {"reasoning_details": [{**shared, sealed: detail[sealed]}]}


def _call_deltas(index: int, call: ToolCall) -> Iterator[JSONObject]:
    written = _call(call)
    arguments = written["function"]["arguments"]
    yield {"tool_calls": [{"index": index, **written, "function": {"name": call.name, "arguments": ""}}]}
    for start in range(0, len(arguments), _ARGUMENT_PIECE):
        piece = arguments[start : start + _ARGUMENT_PIECE]
        yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def _call(call: ToolCall) -> JSONObject:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _image(image: str | bytes) -> JSONObject:
    url = image if isinstance(image, str) else "data:image/png;base64," + base64.b64encode(image).decode()
    return {"type": "image_url", "image_url": {"url": url}}


def split_words(text: str, at_least: int = 1) -> Iterator[str]:
    """Split a text at word boundaries; the pieces put together are the text."""
    piece = ""
    for match in _WORDS.finditer(text):
        piece += match.group()
        if len(piece) >= at_least:
            yield piece
            piece = ""
    if piece:
        yield piece
