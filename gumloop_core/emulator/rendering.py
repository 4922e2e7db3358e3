"""From what was decided (by the rules or by a script) to a delivery."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from gumloop_core.emulator.call import Call
from gumloop_core.emulator.delivery import Connections, Delivery, Piece
from gumloop_core.emulator.failures import ApiError, RenderedFailure, render
from gumloop_core.emulator.recording import Counters
from gumloop_core.emulator.reply import Envelope, Reply, as_usage, call_body, chunks, completion
from gumloop_core.emulator.rules.identity import call_identifier, completion_identifier
from gumloop_core.emulator.rules.reasoning import signed_details
from gumloop_core.emulator.rules.usage import count_usage
from gumloop_core.emulator.scripting import Answer, Chunks, Drop, Failure, Json, Pause, RawStream, Scripted
from gumloop_core.emulator.shapes import ToolCallBody

EVENT_STREAM = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
JSON = {"content-type": "application/json"}
DONE = b"data: [DONE]\n\n"


@dataclass
class Renderer:
    """Makes deliveries; one for a server."""

    counters: Counters
    connections: Connections
    _served: int = field(default=0, init=False)

    def failure(self, failure: ApiError) -> Delivery:
        """Return a failure in the usual shape."""
        return self._rendered_failure(render(failure))

    def json(self, body: object, status: int = 200, headers: Mapping[str, str] = JSON, delay: float = 0.0) -> Delivery:
        """Return a JSON body."""
        return self._delivery([encode(body)], status, {**JSON, **headers}, delay)

    def reply(self, reply: Reply, call: Call) -> Delivery:
        """Return the rules' answer, unary or streamed as asked."""
        envelope = self._envelope(call, call.model)
        if call.stream:
            untidy = call.model == "emulator/untidy-stream"
            drop = call.model == "emulator/stream-drop"
            return self._stream(_events(reply, envelope, untidy=untidy, drop=drop))
        if call.model == "emulator/stream-drop":
            body = encode(completion(reply, envelope))
            headers = {**JSON, "content-length": str(len(body))}
            return self._delivery([body[: len(body) // 2], Drop()], 200, headers)
        if reply.error is not None:
            status, message = reply.error
            return self.failure(ApiError(status, message))
        return self.json(completion(reply, envelope))

    def scripted(self, answer: Scripted, call: Call | None) -> Delivery:
        """Return a queued answer.

        Args:
            answer: The queued answer.
            call: The checked request, None when it was not checked.
        """
        if isinstance(answer, Answer):
            return self._answer(answer, call or Call(model="unchecked", messages=()))
        if isinstance(answer, Json):
            return self.json(answer.body, answer.status, answer.headers, answer.delay)
        if isinstance(answer, Chunks):
            stream = self._stream(_exact_events(answer), answer.headers)
            return replace(stream, delay=answer.delay)
        if isinstance(answer, RawStream):
            pieces = [piece.encode() if isinstance(piece, str) else piece for piece in answer.pieces]
            headers = {"content-type": answer.content_type, **_lower(answer.headers)}
            raw = self._delivery(pieces, answer.status, headers, answer.delay)
            return replace(raw, streamed=True)
        if isinstance(answer, Failure):
            return self._scripted_failure(answer)
        return self._delivery([answer], 200, {})

    def _answer(self, answer: Answer, call: Call) -> Delivery:
        reply = scripted_reply(answer, call)
        envelope = self._envelope(call, answer.model or call.model)
        if not call.stream:
            return self.json(completion(reply, envelope), headers=answer.headers, delay=answer.delay)
        events = _events(reply, envelope)
        if answer.chunk_delay:
            events = _spaced(events, answer.chunk_delay)
        return replace(self._stream(events, answer.headers), delay=answer.delay)

    def _scripted_failure(self, answer: Failure) -> Delivery:
        failure = ApiError(answer.status, answer.message, code=answer.code, kind=answer.type, param=answer.param)
        rendered = render(failure, answer.shape)
        if isinstance(answer.body, dict):
            rendered = replace(rendered, body=encode(answer.body), content_type="application/json")
        elif answer.body is not None:
            raw = answer.body.encode() if isinstance(answer.body, str) else answer.body
            rendered = replace(rendered, body=raw)
        return replace(self._rendered_failure(rendered, answer.headers), delay=answer.delay)

    def rendered(self, failure: RenderedFailure) -> Delivery:
        """Return a failure that has been rendered already."""
        return self._rendered_failure(failure)

    def _rendered_failure(self, failure: RenderedFailure, headers: Mapping[str, str] | None = None) -> Delivery:
        merged = {"content-type": failure.content_type, **_lower(failure.headers), **_lower(headers or {})}
        return self._delivery([failure.body], failure.status, merged)

    def _stream(self, pieces: Iterable[Piece], headers: Mapping[str, str] | None = None) -> Delivery:
        merged = {**EVENT_STREAM, **_lower(headers or {})}
        return replace(self._delivery(pieces, 200, merged), streamed=True)

    def _delivery(
        self, pieces: Iterable[Piece], status: int, headers: Mapping[str, str], delay: float = 0.0
    ) -> Delivery:
        return Delivery(pieces, self.counters, self.connections, status, _lower(headers), delay)

    def _envelope(self, call: Call, model: str) -> Envelope:
        self._served += 1
        identifier = completion_identifier(call.fingerprint, self._served)
        return Envelope(identifier, int(time.time()), model, call.service_tier, call.include_usage)


def encode(body: object) -> bytes:
    """Return a JSON body as the wire writes it: compact, in UTF-8."""
    try:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which a client may send and only an escape can say
        return json.dumps(body, separators=(",", ":")).encode()


def event(body: object) -> bytes:
    """Return one server-sent event."""
    return b"data: " + encode(body) + b"\n\n"


def _events(reply: Reply, envelope: Envelope, *, untidy: bool = False, drop: bool = False) -> Iterator[Piece]:
    for count, chunk in enumerate(chunks(reply, envelope)):
        if drop and count == 3:
            yield Drop()
            return
        yield _untidy(chunk, count) if untidy else event(chunk)
    if not reply.truncated:
        yield DONE


def _untidy(chunk: object, count: int) -> bytes:
    """Return an event with everything around it that the standard allows."""
    text = b"event: message\r\nid: %d\r\nretry: 3000\r\ndata: %s\r\n\r\n" % (count, encode(chunk))
    return b": keep-alive\r\n\r\n" + text if count % 2 else text + b"\r\n"


def _exact_events(answer: Chunks) -> Iterator[Piece]:
    for item in answer.events:
        if isinstance(item, (Pause, Drop)):
            yield item
        elif isinstance(item, str):
            yield b"data: " + item.encode() + b"\n\n"
        else:
            yield event(item)
    if answer.done:
        yield DONE


def _spaced(events: Iterable[Piece], seconds: float) -> Iterator[Piece]:
    for position, piece in enumerate(events):
        if position:
            yield Pause(seconds)
        yield piece


def scripted_reply(answer: Answer, call: Call) -> Reply:
    """Return a scripted answer as a reply, with what it left open filled in."""
    calls: list[ToolCallBody] = []
    for position, tool_call in enumerate(answer.tool_calls):
        arguments = tool_call.arguments
        if not isinstance(arguments, str):
            arguments = json.dumps(arguments, ensure_ascii=False)
        identifier = tool_call.id or call_identifier(call.fingerprint, position, tool_call.name)
        calls.append(call_body(identifier, tool_call.name, arguments))
    details = answer.reasoning_details
    if details is None:
        details = signed_details(answer.reasoning, call.model) if answer.reasoning else ()
    reply = Reply(
        text=answer.text,
        reasoning=answer.reasoning or "",
        reasoning_details=details,
        tool_calls=calls,
        images=[_data_url(image) for image in answer.images],
        refusal=answer.refusal,
        finish_reason=answer.finish_reason or ("tool_calls" if calls else "stop"),
        extensions=answer.extensions,
    )
    usage = count_usage(reply, call) if answer.usage is None else as_usage(answer.usage)
    return replace(reply, usage=usage)


def _data_url(image: str | bytes) -> str:
    if isinstance(image, str):
        return image
    return "data:image/png;base64," + base64.b64encode(image).decode()


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {key.lower(): value for key, value in headers.items()}
