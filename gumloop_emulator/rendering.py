"""From what is answered to what HTTP carries."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from gumloop_core.json_text import encode
from gumloop_emulator.failures import render_failure
from gumloop_emulator.http11 import Response
from gumloop_emulator.reasoning import digest
from gumloop_emulator.request import ChatRequest
from gumloop_emulator.script import Answer, Chunks, Drop, Failure, Json, Pause, RawStream, Scripted, Step
from gumloop_emulator.wire import BUDGET_ERROR, DONE, Envelope, completion, event, events, settle

EVENT_STREAM = "text/event-stream; charset=utf-8"


def render(scripted: Scripted, request: ChatRequest, number: int, chunk_delay: float) -> Response:
    """Return what is sent for an answer.

    Args:
        scripted: The answer.
        request: What was asked.
        number: How many answers there were before.
        chunk_delay: Seconds between the chunks of a stream where the answer does not say.
    """
    if isinstance(scripted, Drop):
        return Response([scripted])
    if isinstance(scripted, Answer):
        response = _answer(scripted, request, number, chunk_delay)
    elif isinstance(scripted, Json):
        response = _whole(encode(scripted.body), "application/json", scripted.status)
    elif isinstance(scripted, Chunks):
        response = _stream(_exact(scripted))
    elif isinstance(scripted, Failure):
        response = _whole(*render_failure(scripted), scripted.status)
    elif isinstance(scripted, RawStream):
        response = Response(scripted.pieces, scripted.status, {"content-type": scripted.content_type}, streamed=True)
    else:
        response = Response(scripted.pieces, raw=True)
    headers = {name.lower(): value for name, value in scripted.headers.items()}
    return replace(response, headers={**response.headers, **headers}, delay=scripted.delay)


def _answer(answer: Answer, request: ChatRequest, number: int, chunk_delay: float) -> Response:
    body = request.body
    answer = settle(answer, request)
    identifier = "chatcmpl-" + digest(request.fingerprint, str(number), length=24)
    with_usage = (body.stream_options or {}).get("include_usage") is not False
    envelope = Envelope(identifier, int(time.time()), answer.model or body.model, body.service_tier, with_usage)
    if body.stream:
        pause = chunk_delay if answer.chunk_delay is None else answer.chunk_delay
        return _stream(_spaced(events(answer, envelope), pause) if pause else events(answer, envelope))
    if answer.breaks == "error":
        status, message = BUDGET_ERROR["code"], BUDGET_ERROR["message"]
        return _whole(*render_failure(Failure(int(status), str(message))), int(status))
    response = _whole(encode(completion(answer, envelope)), "application/json", 200)
    if answer.breaks == "drop":
        (content,) = response.pieces
        headers = {**response.headers, "content-length": str(len(content))}
        return replace(response, pieces=[content[: len(content) // 2], Drop()], headers=headers)
    return response


def _whole(content: bytes, content_type: str, status: int) -> Response:
    return Response([content], status, {"content-type": content_type})


def _stream(pieces: Iterable[Step]) -> Response:
    return Response(pieces, headers={"content-type": EVENT_STREAM, "cache-control": "no-cache"}, streamed=True)


def _exact(answer: Chunks) -> Iterator[Step]:
    for item in answer.events:
        if isinstance(item, Mapping):
            yield event(item)
        else:
            yield b"data: " + item.encode() + b"\n\n" if isinstance(item, str) else item
    if answer.done:
        yield DONE


def _spaced(pieces: Iterable[Step], seconds: float) -> Iterator[Step]:
    for position, piece in enumerate(pieces):
        if position:
            yield Pause(seconds)
        yield piece
