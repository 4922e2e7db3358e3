"""From an answer to what HTTP carries: a document, or the events of a stream."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace

from gumloop_core.json_text import encode
from gumloop_emulator.failures import failure_body
from gumloop_emulator.http11 import Response
from gumloop_emulator.reasoning import digest
from gumloop_emulator.request import ChatRequest
from gumloop_emulator.script import Answer, Chunks, Drop, Failure, Json, Pause, Pieces, RawStream, Scripted
from gumloop_emulator.wire import BUDGET_ERROR, Envelope, chunks, completion, settle

_JSON = "application/json"
_DONE = b"data: [DONE]\n\n"


def render(scripted: Scripted, request: ChatRequest, number: int, chunk_delay: float) -> Response:
    """Return what is sent for an answer.

    Args:
        scripted: The answer.
        request: What was asked.
        number: Which answer of the server this is.
        chunk_delay: Seconds between the chunks of a stream where the answer does not say.
    """
    if isinstance(scripted, Drop):
        return Response([scripted])
    if isinstance(scripted, Answer):
        response = _answer(scripted, request, number, chunk_delay)
    elif isinstance(scripted, Json):
        response = _whole(encode(scripted.body), _JSON, scripted.status)
    elif isinstance(scripted, Chunks):
        response = _stream(_exact(scripted))
    elif isinstance(scripted, Failure):
        response = _whole(*failure_body(scripted), scripted.status)
    elif isinstance(scripted, RawStream):
        response = Response(scripted.pieces, scripted.status, {"content-type": scripted.content_type}, streamed=True)
    else:
        response = Response(scripted.pieces, raw=True)
    headers = {name.lower(): value for name, value in scripted.headers.items()}
    return replace(response, headers={**response.headers, **headers}, delay=scripted.delay)


def _answer(answer: Answer, request: ChatRequest, number: int, chunk_delay: float) -> Response:
    body, answer = request.body, settle(answer, request)
    identifier = "chatcmpl-" + digest(request.fingerprint, str(number), length=24)
    with_usage = (body.get("stream_options") or {}).get("include_usage") is not False
    envelope = Envelope(
        identifier, int(time.time()), answer.model or body["model"], body.get("service_tier"), with_usage
    )
    if body.get("stream"):
        return _stream(_events(answer, envelope, chunk_delay if answer.chunk_delay is None else answer.chunk_delay))
    if answer.breaks == "error":
        return _whole(*failure_body(Failure(402, BUDGET_ERROR["message"])), 402)
    content = encode(completion(answer, envelope))
    if answer.breaks == "drop":
        headers = {"content-type": _JSON, "content-length": str(len(content))}
        return Response([content[: len(content) // 2], Drop()], headers=headers)
    return _whole(content, _JSON, 200)


def _events(answer: Answer, envelope: Envelope, pause: float) -> Iterator[bytes | str | Pause | Drop]:
    for count, chunk in enumerate(chunks(answer, envelope)):
        if answer.breaks == "drop" and count == 3:
            yield Drop()
            return
        if pause and count:
            yield Pause(pause)
        yield _untidy(chunk, count) if answer.untidy else _event(chunk)
    if answer.breaks != "end":
        yield _DONE


def _exact(answer: Chunks) -> Iterator[bytes | str | Pause | Drop]:
    for item in answer.events:
        if isinstance(item, Mapping):
            yield _event(item)
        else:
            yield f"data: {item}\n\n" if isinstance(item, str) else item
    if answer.done:
        yield _DONE


def _event(body: object) -> bytes:
    return b"data: " + encode(body) + b"\n\n"


def _untidy(chunk: object, count: int) -> bytes:
    """Return an event with everything around it that the standard allows."""
    text = b"event: message\r\nid: %d\r\nretry: 3000\r\ndata: %s\r\n\r\n" % (count, encode(chunk))
    return b": keep-alive\r\n\r\n" + text if count % 2 else text + b"\r\n"


def _whole(content: bytes, content_type: str, status: int) -> Response:
    return Response([content], status, {"content-type": content_type})


def _stream(pieces: Pieces) -> Response:
    headers = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
    return Response(pieces, headers=headers, streamed=True)
