"""From an answer to what HTTP carries: one document, or the events of a stream."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from gumloop_core.json_text import encode
from gumloop_core.wire import JSONObject
from gumloop_emulator.failures import failure_body
from gumloop_emulator.http11 import Response
from gumloop_emulator.reasoning import call_identifier, digest, signed_details
from gumloop_emulator.request import ChatRequest
from gumloop_emulator.script import Answer, Chunks, Drop, Failure, Json, Pause, Piece, RawStream, Scripted, ToolCall
from gumloop_emulator.usage import count_usage

_JSON = {"content-type": "application/json"}
_EVENTS = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
_DONE = b"data: [DONE]\n\n"
_BROKEN = {"code": 402, "message": "budget exceeded"}
_WORDS = re.compile(r"\s*\S+\s?|\s+")
_ARGUMENT_PIECE = 12  # characters of a call's arguments in one chunk
_REASONING_PIECE = 24  # characters of reasoning in one chunk, at least


def render(scripted: Scripted, request: ChatRequest, number: int, chunk_delay: float) -> Response:
    """Return what is sent for an answer, the server's so-manyth one; `chunk_delay` holds where it does not say."""
    if isinstance(scripted, Drop):
        return Response([scripted])
    if isinstance(scripted, Answer):
        response = _answer(scripted, request, number, chunk_delay)
    elif isinstance(scripted, Json):
        response = Response([encode(scripted.body)], scripted.status, _JSON)
    elif isinstance(scripted, Chunks):
        response = Response(_exact(scripted), 200, _EVENTS, streamed=True)
    elif isinstance(scripted, Failure):
        response = failed(scripted)
    elif isinstance(scripted, RawStream):
        response = Response(scripted.pieces, scripted.status, {"content-type": scripted.content_type}, streamed=True)
    else:
        response = Response(scripted.pieces, raw=True)
    headers = {name.lower(): value for name, value in scripted.headers.items()}
    return replace(response, headers={**response.headers, **headers}, delay=scripted.delay)


def failed(failure: Failure) -> Response:
    """Return what is sent for a failure."""
    body, content_type = failure_body(failure)
    return Response([body], failure.status, {"content-type": content_type})


def _answer(answer: Answer, request: ChatRequest, number: int, chunk_delay: float) -> Response:
    answer = _settled(answer, request)
    streamed = request.body.get("stream", False)
    frame = {
        "id": "chatcmpl-" + digest(request.fingerprint, str(number), length=24),
        "object": "chat.completion.chunk" if streamed else "chat.completion",
        "created": int(time.time()),
        "model": answer.model or request.body["model"],
        "system_fingerprint": "fp_gumloop_emulator",
    }
    if tier := request.body.get("service_tier"):
        frame["service_tier"] = tier
    if streamed:
        if (request.body.get("stream_options") or {}).get("include_usage") is False:
            answer = replace(answer, usage={})
        pause = chunk_delay if answer.chunk_delay is None else answer.chunk_delay
        return Response(_events(answer, frame, pause), 200, _EVENTS, streamed=True)
    if answer.breaks == "error":
        return failed(Failure(402, str(_BROKEN["message"])))
    content = encode(_completion(answer, frame))
    if answer.breaks == "drop":
        return Response([content[: len(content) // 2], Drop()], 200, {**_JSON, "content-length": str(len(content))})
    return Response([content], 200, _JSON)


def _settled(answer: Answer, request: ChatRequest) -> Answer:
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


def _completion(answer: Answer, frame: JSONObject) -> JSONObject:
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
    return {**frame, "choices": [choice], **({"usage": answer.usage} if answer.usage else {})}


def _events(answer: Answer, frame: JSONObject, pause: float) -> Iterator[Piece]:
    for count, chunk in enumerate(_chunks(answer, frame)):
        if answer.breaks == "drop" and count == 2:
            yield Drop()
            return
        if pause and count:
            yield Pause(pause)
        yield _untidy(chunk, count) if answer.untidy else _event(chunk)
    if answer.breaks != "end":
        yield _DONE


def _exact(answer: Chunks) -> Iterator[Piece]:
    for item in answer.events:
        yield _event(item) if isinstance(item, Mapping) else f"data: {item}\n\n" if isinstance(item, str) else item
    if answer.done:
        yield _DONE


def _event(body: object) -> bytes:
    return b"data: " + encode(body) + b"\n\n"


def _untidy(chunk: object, count: int) -> bytes:
    """Return an event with everything around it that the standard allows."""
    text = b"event: message\r\nid: %d\r\nretry: 3000\r\ndata: %s\r\n\r\n" % (count, encode(chunk))
    return b": keep-alive\r\n\r\n" + text if count % 2 else text + b"\r\n"


def _chunks(answer: Answer, frame: JSONObject) -> Iterator[JSONObject]:
    def chunk(delta: JSONObject, finish_reason: str | None = None) -> JSONObject:
        return {**frame, "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}]}

    yield chunk({"role": "assistant", "content": ""})
    yield from map(chunk, _deltas(answer))
    if answer.breaks == "error":
        yield {**chunk({"content": ""}, "error"), "error": _BROKEN}
    elif answer.breaks != "end":
        yield chunk({}, answer.finish_reason)
        if answer.usage:
            yield {**frame, "choices": [], "usage": answer.usage}


def _deltas(answer: Answer) -> Iterator[JSONObject]:
    """Yield what the chunks bring: reasoning, extensions, text, pictures, refusal, calls."""
    if not answer.reasoning_details:
        yield from ({"reasoning": piece} for piece in _words(answer.reasoning, _REASONING_PIECE))
    for position, detail in enumerate(answer.reasoning_details or ()):
        yield from _detail_deltas(position, detail)
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


def _detail_deltas(position: int, detail: Mapping[str, Any]) -> Iterator[JSONObject]:
    """Yield a detail in pieces; a signature or data comes by itself at the end."""
    # What a piece repeats, so that it can be told to which entry it belongs.
    shared = {"index": position, **{key: detail[key] for key in ("type", "id", "format", "index") if key in detail}}
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
