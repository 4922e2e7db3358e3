"""The bytes of HTTP answers in the wire's shapes, for the byte-level server."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

TEXT = "Grüße aus Ottawa 🍁"
"""What the answers here say: two, three and four bytes of UTF-8 among it."""

PIECES = ("Grüße", " aus ", "Ottawa", " 🍁")
"""The same, as it is streamed."""

USAGE = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}

DONE = b"data: [DONE]\n\n"


def completion(text: str | None = TEXT, *, finish_reason: str = "stop", **message: Any) -> dict[str, Any]:
    """A unary answer's document."""
    return {
        "id": "gen-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m-served",
        "choices": [
            {
                "index": 0,
                "finish_reason": finish_reason,
                "message": {"role": "assistant", "content": text, **message},
            }
        ],
        "usage": USAGE,
    }


def chunk(delta: Mapping[str, Any] | None = None, *, finish_reason: str | None = None, **top: Any) -> dict[str, Any]:
    """A chunk's document; without a delta its choices are empty."""
    choices = [] if delta is None else [{"index": 0, "delta": dict(delta), "finish_reason": finish_reason}]
    return {
        "id": "gen-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m-served",
        "choices": choices,
        **top,
    }


def event(document: Any) -> bytes:
    """An event with a document, or with text as it is."""
    text = document if isinstance(document, str) else json.dumps(document, ensure_ascii=False)
    return f"data: {text}\n\n".encode()


def text_events(pieces: Sequence[str] = PIECES) -> list[bytes]:
    """Events with the pieces of a text."""
    return [event(chunk({"content": piece})) for piece in pieces]


FINISH = event(chunk({}, finish_reason="stop"))
USAGE_EVENT = event(chunk(usage=USAGE))


def answer_events() -> list[bytes]:
    """A whole streamed answer."""
    return [*text_events(), FINISH, USAGE_EVENT, DONE]


def head(status: int = 200, reason: str = "X", **headers: str) -> bytes:
    """A response's head; underscores in header names stand for hyphens."""
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def whole(body: Any, status: int = 200, content_type: str = "application/json", **headers: str) -> bytes:
    """A response with its length; a body that is not bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return head(status, content_type=content_type, content_length=str(len(content)), **headers) + content


def http_chunk(data: bytes) -> bytes:
    """A chunk of a body with chunked transfer encoding."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


LAST_HTTP_CHUNK = b"0\r\n\r\n"


def stream_head(**headers: str) -> bytes:
    """The head of a streamed answer, whose body is chunked."""
    return head(200, "OK", content_type="text/event-stream", transfer_encoding="chunked", **headers)


def streamed(events: Sequence[bytes] | None = None) -> bytes:
    """A whole streamed answer as one piece, its connection kept open."""
    events = answer_events() if events is None else events
    return stream_head() + b"".join(map(http_chunk, events)) + LAST_HTTP_CHUNK


EVENTS = b"".join(map(http_chunk, answer_events()))
"""The body of a whole streamed answer, but for its end."""

FIRST = stream_head() + http_chunk(text_events()[0])
"""The beginning of a streamed answer, up to its first piece of text."""
