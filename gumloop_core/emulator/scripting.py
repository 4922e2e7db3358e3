"""What a test can queue: exact answers, exact bytes, failures and faults.

Queued items are served in order, one for each chat request that passes the checks, before the rules are asked.

    server.queue(Answer(text="Hi"))                                # an answer, unary or streamed as asked
    server.queue(Json({"id": "x", "choices": []}))                 # exactly this JSON body
    server.queue(Chunks([{"choices": []}, Pause(0.1), Drop()]))    # exactly these events
    server.queue(RawStream([b"data: {", b"}", Drop()]))            # exactly these bytes
    server.queue(Failure(429, headers={"Retry-After": "1"}))       # a failure in any of the shapes
    server.queue(Drop())                                           # no answer: the connection closes
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gumloop_core.emulator.failures import ErrorShape
from gumloop_core.emulator.shapes import JsonObject, ReasoningDetail

FOREVER = math.inf
"""Seconds for `Pause` and `delay`: until the client goes away or the server stops."""


@dataclass(frozen=True)
class Pause:
    """Silence for some seconds, inside a stream."""

    seconds: float = FOREVER


@dataclass(frozen=True)
class Drop:
    """Close the connection here: inside a stream, or queued by itself to give no answer at all.

    Attributes:
        reset: Send a TCP reset instead of closing in order.
        delay: Seconds of silence before that.
    """

    reset: bool = False
    delay: float = 0.0


@dataclass(frozen=True)
class ToolCall:
    """A tool call of a scripted answer.

    Attributes:
        name: The function's name.
        arguments: Its arguments as a mapping, or as the exact JSON text to send.
        id: The call's id; one is made up when it is None.
    """

    name: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict)
    id: str | None = None


@dataclass(frozen=True)
class Answer:
    """An answer; it is sent unary or streamed, as the request asks.

    Attributes:
        text: The message's text; None sends `content: null`.
        reasoning: The reasoning text.
        reasoning_details: Sent as given; None derives one signed entry from `reasoning`.
        tool_calls: The calls.
        images: Pictures as data URLs or as the bytes of a PNG.
        refusal: A refusal text.
        finish_reason: None means `tool_calls` when there are calls, else `stop`.
        usage: Sent as given; None counts as the rules do; an empty mapping sends no usage.
        extensions: The vendor's `gumloop_extensions`.
        model: The model that the answer names; None names the requested one.
        delay: Seconds of silence before the head of the response.
        chunk_delay: Seconds between the chunks of a stream.
        headers: More headers for the response.
    """

    text: str | None = None
    reasoning: str | None = None
    reasoning_details: Sequence[ReasoningDetail] | None = None
    tool_calls: Sequence[ToolCall] = ()
    images: Sequence[str | bytes] = ()
    refusal: str | None = None
    finish_reason: str | None = None
    usage: Mapping[str, Any] | None = None
    extensions: JsonObject | None = None
    model: str | None = None
    delay: float = 0.0
    chunk_delay: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Json:
    """An exact JSON body, whatever the request asked for."""

    body: object
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0


@dataclass(frozen=True)
class Chunks:
    """An exact list of events: each mapping becomes `data: <json>`, each string `data: <string>`.

    Attributes:
        events: Mappings, strings, pauses and drops, in order.
        done: Whether `data: [DONE]` follows.
        delay: Seconds of silence before the head of the response.
        headers: More headers for the response.
    """

    events: Sequence[Mapping[str, Any] | str | Pause | Drop]
    done: bool = True
    delay: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RawStream:
    """Exact pieces of a body, each written to the connection by itself.

    Attributes:
        pieces: Bytes (or text, sent as UTF-8), pauses and drops, in order.
        content_type: The response's content type.
        status: The response's status.
        delay: Seconds of silence before the head of the response.
        headers: More headers for the response.
    """

    pieces: Sequence[bytes | str | Pause | Drop]
    content_type: str = "text/event-stream; charset=utf-8"
    status: int = 200
    delay: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Failure:
    """A failed answer.

    Attributes:
        status: The HTTP status.
        message: The message; None takes the status's usual one. So for `code` and `type`.
        code: The error's code.
        type: The error's type.
        param: The field that the error names.
        shape: One of the four JSON shapes, or `text`, `html`, `empty`.
        body: An exact body instead: JSON, text or bytes.
        headers: More headers, `Retry-After` for example.
        delay: Seconds of silence before the head of the response.
    """

    status: int = 500
    message: str | None = None
    code: str | None = None
    type: str | None = None
    param: str | None = None
    shape: ErrorShape = "nested"
    body: JsonObject | str | bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0


Scripted = Answer | Json | Chunks | RawStream | Failure | Drop
"""Anything that can be queued."""
