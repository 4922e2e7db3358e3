"""What can be scripted: answers, exact documents, exact bytes, failures and faults."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from gumloop_core.wire import JSONObject

if TYPE_CHECKING:
    from gumloop_emulator.traffic import ReceivedRequest

FOREVER = math.inf  # seconds for `Pause` and `delay`: until the client goes away or the server stops

# The four JSON shapes of the wire's errors, and what proxies put in between.
ErrorShape = Literal["nested", "flat", "oauth", "tier", "text", "html", "empty"]


@dataclass(frozen=True)
class Pause:
    """Silence for some seconds, inside a body."""

    seconds: float = FOREVER


@dataclass(frozen=True)
class Drop:
    """Close the connection here: inside a body, or queued by itself to give no answer at all."""

    reset: bool = False  # whether to send a TCP reset instead of closing in order
    delay: float = 0.0  # seconds of silence before that


Piece: TypeAlias = bytes | str | Pause | Drop
Pieces: TypeAlias = Iterable[Piece] | AsyncGenerator[Piece, None]
"""A body, each piece written by itself; endless generators do as well, and asynchronous ones that wait."""


@dataclass(frozen=True)
class ToolCall:
    """A tool call; its arguments as a mapping or as the exact JSON text, and an id if it shall not be made up."""

    name: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict)
    id: str | None = None


@dataclass(frozen=True, kw_only=True)
class _Response:
    """What all responses have: seconds of silence before the head, and more headers."""

    delay: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer(_Response):
    """An answer; it is sent unary or streamed, as the request asks.

    Attributes:
        text: The message's text; None sends `content: null`.
        reasoning: The reasoning text.
        reasoning_details: Sent as given; None derives signed entries from `reasoning`.
        tool_calls: The calls.
        images: Pictures as data URLs or as the bytes of a PNG.
        partial_images: Frames to stream before the first picture.
        refusal: A refusal text.
        finish_reason: None means `tool_calls` when there are calls, else `stop`.
        usage: Sent as given; None counts; an empty mapping sends no usage.
        extensions: The vendor's `gumloop_extensions`.
        model: The model that the answer names; None names the requested one.
        chunk_delay: Seconds between the chunks of a stream; None means the server's.
        interleaved: Whether the pieces of parallel calls are streamed in turns.
        untidy: Whether a stream has comments, blank events, CRLF and other fields between its events.
        breaks: What befalls it before its end: `error` (an error chunk; unary, the failure itself), `end` (a stream
            without finish reason and `[DONE]`) or `drop` (the connection closes in the middle).
    """

    text: str | None = None
    reasoning: str | None = None
    reasoning_details: Sequence[Mapping[str, Any]] | None = None
    tool_calls: Sequence[ToolCall] = ()
    images: Sequence[str | bytes] = ()
    partial_images: Sequence[str | bytes] = ()
    refusal: str | None = None
    finish_reason: str | None = None
    usage: Mapping[str, Any] | None = None
    extensions: JSONObject | None = None
    model: str | None = None
    chunk_delay: float | None = None
    interleaved: bool = False
    untidy: bool = False
    breaks: Literal["error", "end", "drop"] | None = None


@dataclass(frozen=True)
class Json(_Response):
    """An exact JSON body, whatever the request asked for."""

    body: object
    status: int = 200


@dataclass(frozen=True)
class Chunks(_Response):
    """Exact events: mappings become `data: <json>`, strings `data: <string>`; `done` says whether `[DONE]` follows."""

    events: Iterable[Mapping[str, Any] | str | Pause | Drop]
    done: bool = True


@dataclass(frozen=True)
class RawStream(_Response):
    """An exact body."""

    pieces: Pieces
    content_type: str = "text/event-stream; charset=utf-8"
    status: int = 200


@dataclass(frozen=True)
class RawResponse(_Response):
    """Exact bytes below HTTP: the pieces are all that is sent, head included, so `headers` play no part.

    The connection stays open for the next request unless the last piece is a `Drop`.
    """

    pieces: Pieces


@dataclass(frozen=True)
class Failure(_Response):
    """A failed answer: code, type and message are the status's usual ones if None, `body` is an exact body instead."""

    status: int = 500
    message: str | None = None
    code: str | None = None
    type: str | None = None
    param: str | None = None
    shape: ErrorShape = "nested"
    body: JSONObject | str | bytes | None = None


Scripted = Answer | Json | Chunks | RawStream | RawResponse | Failure | Drop
"""Everything that can be answered."""

Answering: TypeAlias = "Callable[[ReceivedRequest], Awaitable[Scripted | str | None] | Scripted | str | None]"
"""A function that answers, `async` or not; None leaves the request to the next source of answers."""

Script: TypeAlias = "Scripted | str | Answering"
"""What `queue`, `reply` and `answer_with` accept; a string is an `Answer` with that text."""
