"""The failure matrix: every fault, and what must come of it, for unary and for streamed calls.

The core meets every row on each of its roads. An adapter sees a core's answer or error and cannot tell what was behind
it: it meets, on each of its roads, one row of every outcome that a group has.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import repeat
from typing import Any

from gumloop_core import errors
from gumloop_emulator.script import Pause
from tests.support.byte_server import CLOSE, RESET, SILENCE, ByteServer, drip
from tests.support.http_bytes import (
    DONE,
    FINISH,
    LAST_HTTP_CHUNK,
    TEXT,
    USAGE_EVENT,
    answer_events,
    chunk,
    completion,
    event,
    head,
    http_chunk,
    stream_head,
    streamed,
    text_events,
    whole,
)

RETRIES = 2
"""Further attempts, where a fault may pass: the default of both adapters."""

FIRST = "Grüße"
"""What a stream has handed out when it breaks after its first event."""


@dataclass(frozen=True)
class Answers:
    """The right answer comes.

    Attributes:
        text: It.
        requests: How many requests the server has seen; ``None`` if the fault lies before requests.
    """

    text: str = TEXT
    requests: int | None = 1


@dataclass(frozen=True)
class Raises:
    """One typed error is raised.

    Attributes:
        kind: The class, exactly.
        says: A pattern in its message.
        requests: How many requests the server has seen; ``None`` if the fault lies before requests.
        partial: The text in ``partial``, which is also all that was handed out; ``None`` for no ``partial``.
        status: The ``status_code``.
    """

    kind: type[errors.GumloopError]
    says: str
    requests: int | None = 1
    partial: str | None = None
    status: int | None = None


Outcome = Answers | Raises


@dataclass(frozen=True)
class Fault:
    """A row.

    Attributes:
        name: What goes wrong.
        unary: What must come of it for a unary call.
        stream: What must come of it for a streamed one.
        scripts: What the server plays, by mode; a callable for scripts that are dear or depend on the time.
        options: Arguments of the model.
        address: Where to call, from the server's base URL.
        server: Arguments of the server.
        calls: How many calls are made; the outcome is the last one's.
    """

    name: str
    unary: Outcome
    stream: Outcome
    scripts: Callable[[str], list[Any]]
    options: dict[str, Any] = field(default_factory=dict)
    address: Callable[[str], str] = str
    server: dict[str, Any] = field(default_factory=dict)
    calls: int = 1


ANSWER = {"unary": whole(completion()), "stream": streamed()}
FIRST_EVENT = stream_head() + http_chunk(text_events()[0])
SECOND_EVENT = text_events()[1]
AFTER_RETRIES = RETRIES + 1


def both(*scripts: Any) -> Callable[[str], list[Any]]:
    """The same scripts for both modes."""
    return lambda _mode: list(scripts)


def each(unary: Any, stream: Any) -> Callable[[str], list[Any]]:
    """One script for each mode."""
    return lambda mode: [unary if mode == "unary" else stream]


def then_answer(*scripts: Any) -> Callable[[str], list[Any]]:
    """Scripts, and then the right answer."""
    return lambda mode: [*scripts, ANSWER[mode]]


def half(content: bytes, place: bytes) -> bytes:
    """A unary response that breaks off in the middle of some bytes."""
    return content[: content.index(place) + 1]


def unreachable(name: str, address: Callable[[str], str], says: str, **more: Any) -> Fault:
    """A row for an endpoint that is not there."""
    outcome = Raises(errors.APIConnectionError, says, requests=None)
    return Fault(name, outcome, outcome, both(ANSWER["unary"]), address=address, **more)


def lost(says: str, requests: int | None = AFTER_RETRIES) -> Raises:
    """The connection was lost before anything was handed out."""
    return Raises(errors.APIConnectionError, says, requests)


BROKE = lost("broke")
MID_STREAM = Raises(errors.StreamError, "The stream broke: .*in .partial", 1, FIRST)
UTF8_ANSWER = whole(json.dumps(completion(), ensure_ascii=False).encode())

CONNECTION = [
    unreachable("refused", lambda _url: "http://127.0.0.1:{unused}", r"Could not connect to 127\.0\.0\.1"),
    unreachable("no such host", lambda _url: "https://nowhere.invalid", r"Could not connect to nowhere\.invalid"),
    unreachable("certificate of nobody", str, "certificate", server={"tls": True}),
    unreachable(
        "TLS to a server without",
        lambda url: url.replace("http:", "https:"),
        "connect",
        server={"on_connect": [b"HTTP/1.1 400 x\r\n\r\n"]},
    ),
    unreachable("no TLS to a server with", lambda url: url.replace("https:", "http:"), "broke", server={"tls": True}),
    unreachable("reset on connecting", str, "broke|connect", server={"on_connect": [RESET]}),
    unreachable("closed on connecting", str, "broke|connect", server={"on_connect": [CLOSE]}),
    Fault("reset before the head", BROKE, BROKE, both([RESET])),
    Fault("closed before the head", BROKE, BROKE, both([CLOSE])),
    Fault("closed within the head", BROKE, BROKE, both([b"HTTP/1.1 200 OK\r\nContent-", CLOSE])),
    Fault("not HTTP", BROKE, BROKE, both([b"SSH-2.0-OpenSSH_9.6\r\n\r\n", CLOSE])),
    Fault(
        "a head without end", BROKE, BROKE, both([b"HTTP/1.1 200 OK\r\n", repeat(b"X-A: " + b"a" * 60_000 + b"\r\n")])
    ),
    Fault("reset between head and body", BROKE, BROKE, each([head(content_length="9"), RESET], [stream_head(), RESET])),
    Fault(
        "closed between head and body", BROKE, BROKE, each([head(content_length="9"), CLOSE], [stream_head(), CLOSE])
    ),
    Fault(
        "reset after comments",
        BROKE,
        BROKE,
        each([head(content_length="99") + b"   ", RESET], [stream_head() + http_chunk(b": processing\n\n"), RESET]),
    ),
    *[
        Fault(
            f"{verb} mid-chunk",
            BROKE,
            MID_STREAM,
            each([ANSWER["unary"][:-30], how], [FIRST_EVENT + b"5f\r\n" + SECOND_EVENT[:20], how]),
        )
        for verb, how in (("reset", RESET), ("closed", CLOSE))
    ],
    *[
        Fault(
            f"{verb} mid-UTF-8",
            BROKE,
            MID_STREAM,
            each(
                [half(UTF8_ANSWER, "ü".encode()), how],
                [FIRST_EVENT + b"ff\r\n" + half(text_events(["ü"])[0], "ü".encode()), how],
            ),
        )
        for verb, how in (("reset", RESET), ("closed", CLOSE))
    ],
    Fault(
        "a chunk that is longer than it says",
        BROKE,
        MID_STREAM,
        each(
            [head(content_type="application/json", transfer_encoding="chunked"), b'5\r\n{"too long', CLOSE],
            [FIRST_EVENT, b"5\r\n" + SECOND_EVENT, CLOSE],
        ),
    ),
    Fault("reset, then an answer", Answers(requests=2), Answers(requests=2), then_answer([RESET])),
    Fault(
        "closed twice, then an answer",
        Answers(requests=3),
        Answers(requests=3),
        then_answer([CLOSE], [CLOSE]),
    ),
    Fault(
        "a kept connection that the server has closed",
        Answers(requests=2),
        Answers(requests=2),
        lambda mode: [[ANSWER[mode], CLOSE]],
        calls=2,
    ),
    Fault(
        "a kept connection that breaks with the next request",
        Answers(requests=3),
        Answers(requests=3),
        lambda mode: [ANSWER[mode], [RESET], ANSWER[mode]],
        calls=2,
    ),
    Fault("early hints before the head", Answers(), Answers(), lambda mode: [head(103, link="x") + ANSWER[mode]]),
    Fault("one byte a write", Answers(), Answers(), lambda mode: [drip(ANSWER[mode])]),
]

LIMIT = 0.25
"""Seconds after which a silent server is given up."""

SLOW = {"timeout": LIMIT, "stream_idle_timeout": LIMIT, "max_retries": 1}
LATE = Raises(errors.APITimeoutError, rf"did not answer within {LIMIT} s", 2)
SILENT = Raises(errors.APITimeoutError, rf"silent for {LIMIT} s.*stream_idle_timeout", 2)
NO_CONNECTION = Raises(errors.APITimeoutError, rf"Connecting to 127\.0\.0\.1 took longer than {LIMIT} s", None)

TIMEOUTS = [
    Fault(
        "no connection in time",
        NO_CONNECTION,
        NO_CONNECTION,
        both(b""),
        options={**SLOW, "max_retries": 0},
        address=lambda _url: "http://127.0.0.1:{full}",
    ),
    Fault("no first byte in time", LATE, LATE, both([SILENCE]), options=SLOW),
    Fault("half a head in time", LATE, LATE, both([b"HTTP/1.1 200 OK\r\n", SILENCE]), options=SLOW),
    Fault(
        "silent after the head",
        LATE,
        SILENT,
        each([head(content_length="9"), SILENCE], [stream_head(), SILENCE]),
        options=SLOW,
    ),
    Fault(
        "silent after a comment",
        LATE,
        SILENT,
        each([head(content_length="99") + b" ", SILENCE], [stream_head() + http_chunk(b": hi\n\n"), SILENCE]),
        options=SLOW,
    ),
    Fault(
        "silent in the middle",
        LATE,
        Raises(errors.APITimeoutError, rf"silent for {LIMIT} s", 1, FIRST),
        each([ANSWER["unary"][:-30], SILENCE], [FIRST_EVENT, SILENCE]),
        options=SLOW,
    ),
    Fault("silent, then an answer", Answers(requests=2), Answers(requests=2), then_answer([SILENCE]), options=SLOW),
    Fault(
        "trickling without an end",
        Raises(errors.APITimeoutError, rf"did not finish its answer within {LIMIT} s|did not answer", 1),
        Answers(),
        each(
            [head(content_length="9999"), *drip(b" " * 9999, 1, 0.02)],
            [stream_head(), *[Pause(LIMIT / 5), http_chunk(b": hi\n\n")] * 6, streamed()[len(stream_head()) :]],
        ),
        options={**SLOW, "max_retries": 0},
    ),
    Fault(
        "silent after the finish reason",
        Answers(),
        Answers(),
        each(ANSWER["unary"], [stream_head() + b"".join(map(http_chunk, answer_events()[:-1])), SILENCE]),
        options=SLOW,
    ),
    Fault(
        "silent after [DONE]",
        Answers(),
        Answers(),
        each(ANSWER["unary"], [stream_head() + b"".join(map(http_chunk, answer_events())), SILENCE]),
    ),
]


def cut_stream(*events: bytes, how: Any = None) -> Any:
    """A stream of some events that ends properly as HTTP goes, or breaks."""
    body = b"".join(map(http_chunk, events))
    return stream_head() + body + LAST_HTTP_CHUNK if how is None else [stream_head() + body, how]


EARLY = Raises(errors.StreamError, "ended early, with neither a finish reason nor .DONE.: .*partial", 1, TEXT)
NOT_JSON = Raises(errors.InvalidResponseError, "made no sense: it is not JSON")
HALF = ANSWER["unary"].partition(b"\r\n\r\n")[2][:80]

ENDS = [
    Fault("cut off before the finish reason", NOT_JSON, EARLY, each(whole(HALF), cut_stream(*text_events()))),
    Fault(
        "cut off within an event",
        NOT_JSON,
        Raises(errors.StreamError, "ended early|made no sense", 1, FIRST),
        each(whole(HALF), cut_stream(text_events()[0], SECOND_EVENT[:30])),
    ),
    Fault("no [DONE]", Answers(), Answers(), both(cut_stream(*text_events(), FINISH))),
    Fault("no finish reason", Answers(), Answers(), both(cut_stream(*text_events(), DONE))),
    Fault(
        "[DONE] without the empty line", Answers(), Answers(), both(cut_stream(*text_events(), FINISH, DONE.strip()))
    ),
    *[
        Fault(
            f"{verb} after the finish reason",
            Answers() if how is None else BROKE,
            Answers(),
            both(cut_stream(*text_events(), FINISH, how=how)),
        )
        for verb, how in (("ended", None), ("reset", RESET), ("closed", CLOSE))
    ],
    Fault("cut off within the usage", Answers(), Answers(), both(cut_stream(*text_events(), FINISH, USAGE_EVENT[:40]))),
    Fault(
        "no usage",
        Answers(),
        Answers(),
        each(whole({**completion(), "usage": None}), cut_stream(*text_events(), FINISH, DONE)),
    ),
    Fault(
        "nothing at all",
        Raises(errors.InvalidResponseError, "It is empty"),
        Raises(errors.StreamError, "before any of the answer had arrived"),
        each(whole(b""), cut_stream()),
    ),
    Fault(
        "no content",
        Raises(errors.InvalidResponseError, "It is empty"),
        Raises(errors.StreamError, "before any of the answer had arrived"),
        both(head(204)),
    ),
    Fault(
        "comments alone",
        Raises(errors.StreamError, "holds no event"),
        Raises(errors.StreamError, "holds no event"),
        both(cut_stream(b": processing\n\n")),
    ),
    Fault("two finish reasons", Answers(), Answers(), both(cut_stream(*text_events(), FINISH, FINISH, DONE))),
    Fault("bytes behind [DONE]", Answers(), Answers(), both(cut_stream(*answer_events(), b"junk\n\n", DONE))),
]


def odd_event(data: str) -> bytes:
    """A stream with something odd after its first event."""
    return streamed([text_events()[0], event(data), *answer_events()[1:]])


def no_sense(name: str, unary: bytes, data: str, says: str = "made no sense") -> Fault:
    """A row for content that is no answer."""
    return Fault(
        name,
        Raises(errors.InvalidResponseError, says),
        Raises(errors.StreamError, "made no sense", 1, FIRST),
        each(whole(unary), odd_event(data)),
    )


PAGE = b"<html><head><title>Sign in</title></head><body>Who are you?</body></html>"
SIGN_IN = Raises(errors.InvalidResponseError, "not JSON.*proxy or a sign-in page")

NONSENSE = [
    no_sense("garbage", b"\x00\x01\xfe\xff" * 9, "\x01\x02"),
    no_sense("half a JSON document", HALF, HALF.decode()),
    no_sense("a JSON array", b"[1, 2]", "[1, 2]", "an array"),
    no_sense("null", b"null", "null", "null"),
    no_sense("a number", b"5", "5", "a number"),
    no_sense("a text", b'"hello"', '"hello"', "a string"),
    no_sense("nested too deep", b"[" * 100_000, "[" * 100_000),
    no_sense("an empty object", b"{}", "{", "no message"),
    no_sense("another API's object", b'{"status": "ok", "data": []}', "ok", "no message.*'data', 'status'"),
    Fault("a page under 200", SIGN_IN, SIGN_IN, both(whole(PAGE, content_type="text/html"))),
    Fault(
        "words under 200",
        Raises(errors.InvalidResponseError, "not JSON.*It begins 'Bad gateway'"),
        Raises(errors.InvalidResponseError, "not JSON.*It begins 'Bad gateway'"),
        both(whole(b"Bad gateway", content_type="text/plain")),
    ),
    Fault("a unary answer to a stream", Answers(), Answers(), both(ANSWER["unary"])),
    Fault("a stream to a unary call", Answers(), Answers(), both(ANSWER["stream"])),
    Fault(
        "null choices in a chunk", Answers(), Answers(), both(streamed([event({"choices": None}), *answer_events()]))
    ),
    Fault(
        "white space before the answer",
        Answers(),
        Answers(),
        lambda mode: [
            whole(b"\n  \n" * 99 + json.dumps(completion()).encode())
            if mode == "unary"
            else streamed([b"\n\n", *answer_events()])
        ],
    ),
]

COMPRESSED = [
    *[
        Fault(
            f"{name} body",
            Answers(),
            Answers(),
            each(
                whole(pack(json.dumps(completion()).encode()), content_encoding=name.split()[-1]),
                whole(pack(b"".join(answer_events())), content_encoding=name.split()[-1]),
            ),
        )
        for name, pack in (
            ("gzip", gzip.compress),
            ("deflate", zlib.compress),
            ("raw deflate", lambda content: zlib.compress(content)[2:-4]),
        )
    ],
    Fault(
        "broken gzip",
        Raises(errors.InvalidResponseError, "could not be decompressed"),
        Raises(errors.StreamError, "could not be decompressed"),
        both(whole(b"not gzip at all", content_encoding="gzip")),
    ),
    Fault(
        "gzip that breaks later",
        Raises(errors.InvalidResponseError, "could not be decompressed"),
        Raises(errors.StreamError, "could not be decompressed", 1, FIRST),
        each(
            whole(gzip.compress(HALF)[:-8] + b"\xff" * 8, content_encoding="gzip"),
            lambda _request: [
                stream_head(content_encoding="gzip") + http_chunk(flushed(text_events()[0])),
                Pause(0.02),
                http_chunk(b"\xff" * 20),
                LAST_HTTP_CHUNK,
            ],
        ),
    ),
    Fault(
        "an encoding that was not asked for",
        Raises(errors.InvalidResponseError, "encoded as 'br', which was not asked for"),
        Raises(errors.InvalidResponseError, "encoded as 'br', which was not asked for"),
        both(whole(b"\x1b\x0f\x00\xf8\x8d\xd4", content_encoding="br")),
    ),
    Fault(
        "an error in an encoding that was not asked for",
        Raises(errors.BadRequestError, "^400", 1, None, 400),
        Raises(errors.BadRequestError, "^400", 1, None, 400),
        both(whole(b"\x28\xb5\x2f\xfd" + b"x" * 50, 400, content_encoding="zstd")),
    ),
]


def flushed(content: bytes) -> bytes:
    """The beginning of a gzip stream, up to what is readable."""
    packer = zlib.compressobj(wbits=31)
    return packer.compress(content) + packer.flush(zlib.Z_SYNC_FLUSH)


BUDGET = {"code": 402, "message": "budget exceeded"}


def budget(partial: str | None = None) -> Raises:
    """The vendor's error within an answer."""
    return Raises(errors.InsufficientCreditsError, "402: budget exceeded.*Add credits", 1, partial, 402)


BUSY = {"code": 429, "message": "busy"}
WITHIN_200 = [
    Fault("an error under 200", budget(), budget(), both(whole({"error": BUDGET}))),
    Fault(
        "an error chunk first",
        budget(),
        budget(),
        each(whole({"error": BUDGET, "choices": []}), streamed([event({"error": BUDGET})])),
    ),
    Fault(
        "an error chunk later",
        budget(),
        budget(FIRST),
        each(whole({"error": BUDGET}), streamed([text_events()[0], event({"error": BUDGET}), DONE])),
    ),
    Fault(
        "an error chunk with choices",
        budget(),
        budget(FIRST),
        each(
            whole({"error": BUDGET, "choices": None}),
            streamed([text_events()[0], event({**chunk({}, finish_reason="error"), "error": BUDGET}), DONE]),
        ),
    ),
    Fault(
        "an error chunk with words of its own",
        Raises(errors.ProviderError, "no luck", AFTER_RETRIES, None, 200),
        Raises(errors.ProviderError, "no luck", 1, FIRST, 200),
        each(whole({"error": "no luck"}), streamed([text_events()[0], event({"error": "no luck"})])),
    ),
    Fault(
        "a finish reason of error",
        Raises(errors.ProviderError, "finish reason 'error'", AFTER_RETRIES, FIRST, 200),
        Raises(errors.ProviderError, "finish reason 'error'", 1, FIRST, 200),
        each(
            whole(completion(FIRST, finish_reason="error")),
            streamed([text_events()[0], event(chunk({}, finish_reason="error")), DONE]),
        ),
    ),
    Fault(
        "a finish reason of error, then an answer",
        Answers(requests=2),
        Answers(requests=2),
        lambda mode: [
            whole(completion(FIRST, finish_reason="error"))
            if mode == "unary"
            else streamed([event(chunk({"role": "assistant"})), event(chunk({}, finish_reason="error")), DONE]),
            ANSWER[mode],
        ],
    ),
    Fault(
        "an error without a code, then an answer",
        Answers(requests=2),
        Answers(requests=2),
        lambda mode: [
            whole({"error": {"message": "no luck"}})
            if mode == "unary"
            else streamed([event({"error": {"message": "no luck"}})]),
            ANSWER[mode],
        ],
    ),
    Fault(
        "a status of a delivery network under 200",
        Answers(requests=2),
        Answers(requests=2),
        lambda mode: [
            whole({"error": {"code": 529, "message": "overloaded"}})
            if mode == "unary"
            else streamed([event({"error": {"code": 529, "message": "overloaded"}})]),
            ANSWER[mode],
        ],
    ),
    Fault(
        "an error under 200 that may pass",
        Answers(requests=2),
        Answers(requests=2),
        lambda mode: [whole({"error": BUSY}) if mode == "unary" else streamed([event({"error": BUSY})]), ANSWER[mode]],
    ),
    Fault(
        "an error chunk that may pass, too late",
        Raises(errors.RateLimitError, "busy", AFTER_RETRIES, None, 429),
        Raises(errors.RateLimitError, "busy", 1, FIRST, 429),
        each(whole({"error": BUSY}), streamed([text_events()[0], event({"error": BUSY})])),
    ),
]

BY_STATUS: dict[int, tuple[type[errors.APIStatusError], bool]] = {
    400: (errors.BadRequestError, False),
    401: (errors.AuthenticationError, False),
    402: (errors.InsufficientCreditsError, False),
    403: (errors.PermissionDeniedError, False),
    404: (errors.NotFoundError, False),
    408: (errors.APIStatusError, True),
    409: (errors.APIStatusError, True),
    413: (errors.RequestTooLargeError, False),
    418: (errors.APIStatusError, False),
    422: (errors.BadRequestError, False),
    429: (errors.RateLimitError, True),
    500: (errors.ServerError, True),
    501: (errors.NotSupportedError, False),
    502: (errors.ProviderError, True),
    503: (errors.ServerError, True),
    504: (errors.ServerError, True),
    520: (errors.ServerError, True),
    524: (errors.ServerError, True),
    529: (errors.ServerError, True),
    599: (errors.ServerError, True),
}
SHAPES: dict[str, Any] = {
    "an error object": {"error": {"code": "some_code", "message": "what happened", "type": "t", "param": None}},
    "code and message": {"error": "some_code", "message": "what happened", "metadata": {}},
    "OAuth's form": {"error": "some_code", "error_description": "what happened"},
    "the plan's form": {"error": "tier_required_pro", "minimum_tier": "what happened"},
    "words": b"what happened",
    "a page": b"<html><title>what happened</title></html>",
}


def _status_row(status: int, shape: str) -> Fault:
    kind, may_pass = BY_STATUS[status]
    outcome = Raises(kind, f"^{status}.*what happened", AFTER_RETRIES if may_pass else 1, None, status)
    return Fault(f"{status} in {shape}", outcome, outcome, both(whole(SHAPES[shape], status)))


def limited(name: str, retry_after: Callable[[], str]) -> Fault:
    """A row for a wish to come back later."""
    return Fault(
        f"429 with Retry-After {name}",
        Answers(requests=2),
        Answers(requests=2),
        lambda mode: [whole(SHAPES["code and message"], 429, retry_after=retry_after()), ANSWER[mode]],
    )


def _date(seconds: int) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


STATUSES = [
    # What each shape says of each status is a pure function's answer: tests/core/test_errors.py.
    *[_status_row(status, "an error object") for status in BY_STATUS],
    *[_status_row(400, shape) for shape in SHAPES if shape != "an error object"],
    limited("in seconds", lambda: "1"),
    limited("of none", lambda: "0"),
    limited("as a date", lambda: _date(30)),
    limited("as a date gone by", lambda: _date(-30)),
    limited("negative", lambda: "-5"),
    limited("absurd", lambda: "9" * 40),
    limited("in words", lambda: "tomorrow"),
    Fault(
        "an error body that breaks off",
        Raises(errors.AuthenticationError, "^401: .*who are", 1, None, 401),
        Raises(errors.AuthenticationError, "^401: .*who are", 1, None, 401),
        both([head(401, content_length="99") + b'{"error": "who are', RESET]),
    ),
    Fault(
        "an error body without end",
        Raises(errors.BadRequestError, "^400: no no", 1, None, 400),
        Raises(errors.BadRequestError, "^400: no no", 1, None, 400),
        both([head(400), repeat(b"no " * 9_000)]),
    ),
    Fault(
        "an error with headers that are not ASCII",
        Raises(errors.BadRequestError, "^400.*what happened", 1, None, 400),
        Raises(errors.BadRequestError, "^400.*what happened", 1, None, 400),
        both(whole(SHAPES["code and message"], 400, x_note="na\u00efve")),
    ),
    Fault(
        "a prompt that is too long",
        Raises(errors.ContextOverflowError, "prompt is too long.*Shorten", 1, None, 400),
        Raises(errors.ContextOverflowError, "prompt is too long.*Shorten", 1, None, 400),
        both(whole({"error": {"code": "x", "message": "prompt is too long: 9 tokens > 8 maximum"}}, 400)),
    ),
    *[
        Fault(
            f"{status} to another host",
            Raises(errors.APIStatusError, r"redirects to https://evil\.invalid/.*not followed", 1, None, status),
            Raises(errors.APIStatusError, r"redirects to https://evil\.invalid/.*not followed", 1, None, status),
            both(whole(b"", status, location="https://evil.invalid/chat")),
        )
        for status in (301, 302, 303, 307, 308)
    ],
    Fault(
        "503, then a reset, then an answer",
        Answers(requests=3),
        Answers(requests=3),
        then_answer(whole(SHAPES["words"], 503), [RESET]),
    ),
]

LONG_TEXT = "0123456789" * 1_000_000
SMALL = {"max_response_bytes": 300_000}
TOO_LONG = Raises(errors.InvalidResponseError, "longer than 300,000 bytes.*max_response_bytes")

SIZES = [
    Fault(
        "an answer of 10 MB",
        Answers(LONG_TEXT),
        Answers(LONG_TEXT),
        lambda mode: [
            whole(completion(LONG_TEXT))
            if mode == "unary"
            else streamed([event(chunk({"content": LONG_TEXT})), FINISH, DONE])
        ],
        options={"timeout": 30.0},
    ),
    Fault(
        "an answer without end",
        TOO_LONG,
        Raises(errors.StreamError, "longer than 300,000 bytes", 1, FIRST),
        each([head(), repeat(b" " * 20_000)], [FIRST_EVENT, repeat(http_chunk(b": more\n\n" * 2_000))]),
        options=SMALL,
    ),
    Fault(
        "an event without end",
        TOO_LONG,
        Raises(errors.StreamError, "longer than 300,000 bytes", 1, FIRST),
        each([head(), b'"', repeat(b"x" * 20_000)], [FIRST_EVENT, repeat(http_chunk(b"x" * 20_000))]),
        options=SMALL,
    ),
    Fault(
        "a small body that unpacks to a large one",
        TOO_LONG,
        Raises(errors.StreamError, "longer than 300,000 bytes"),
        both(whole(gzip.compress(b" " * 5_000_000), content_encoding="gzip")),
        options=SMALL,
    ),
]

GROUPS: dict[str, list[Fault]] = {
    "connection": CONNECTION,
    "timeouts": TIMEOUTS,
    "ends": ENDS,
    "nonsense": NONSENSE,
    "compression": COMPRESSED,
    "errors within 200": WITHIN_200,
    "statuses": STATUSES,
    "sizes": SIZES,
}
FAULTS: list[Fault] = [fault for group in GROUPS.values() for fault in group]
"""The rows."""


def one_of_each_outcome(faults: list[Fault]) -> list[Fault]:
    """The first row of each outcome; errors of the same class that say something else are one outcome."""
    first: dict[object, Fault] = {}
    for fault in faults:
        alike = tuple(
            outcome if isinstance(outcome, Answers) else replace(outcome, says="")
            for outcome in (fault.unary, fault.stream)
        )
        first.setdefault(alike, fault)
    return list(first.values())


def one_of_each_kind(faults: list[Fault]) -> list[Fault]:
    """The first row of each pair of errors' classes; whether a stream's error keeps a part of the answer counts too."""
    first: dict[object, Fault] = {}
    for fault in faults:
        alike = tuple(
            "answers" if isinstance(outcome, Answers) else (outcome.kind, outcome.partial is None)
            for outcome in (fault.unary, fault.stream)
        )
        first.setdefault(alike, fault)
    return list(first.values())


ADAPTERS_FAULTS: list[Fault] = [fault for group in GROUPS.values() for fault in one_of_each_outcome(group)]
"""The rows that the adapters meet."""

MODES = ("unary", "stream")


def serve(fault: Fault, mode: str) -> ByteServer:
    """The server of a cell."""
    return ByteServer(*fault.scripts(mode), **fault.server)
