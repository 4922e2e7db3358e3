"""Answers that are cut anywhere: what comes is the whole answer or an error, never something between."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import httpx
import pytest

from gumloop_core import Completion, Delta
from gumloop_core.errors import (
    APIConnectionError,
    BadRequestError,
    GumloopError,
    InvalidResponseError,
    RateLimitError,
    StreamError,
)
from gumloop_core.http.exchange import Exchange
from gumloop_core.http.httpx_response import HttpxResponse
from gumloop_emulator.script import Pause
from tests.support.byte_server import CLOSE, ByteServer
from tests.support.core_driver import SyncCore, settings_for
from tests.support.http_bytes import (
    DONE,
    FINISH,
    TEXT,
    USAGE,
    answer_events,
    chunk,
    completion,
    event,
    head,
    http_chunk,
    stream_head,
    text_events,
    whole,
)

PIXEL = "data:image/png;base64,iVBORw0KGgo="
CITATION = {"type": "url_citation", "url_citation": {"url": "https://a.example/", "title": "A", "start_index": 0}}


def call_piece(index: int, text: str, call_id: str | None = None, name: str | None = None) -> dict[str, Any]:
    """A piece of a tool call, as OpenAI sends them: id and name with the first."""
    function = {"arguments": text, **({"name": name} if name else {})}
    return {"index": index, **({"id": call_id, "type": "function"} if call_id else {}), "function": function}


def calls(*pieces: dict[str, Any]) -> dict[str, Any]:
    return {"tool_calls": list(pieces)}


SHAPES: dict[str, tuple[list[dict[str, Any]], str, dict[str, Any]]] = {
    "text": ([{"role": "assistant", "content": ""}, *({"content": piece} for piece in TEXT.split(" "))], "stop", {}),
    "two calls in turns, as OpenAI": (
        [
            calls(call_piece(0, "", "call_1", "add")),
            calls(call_piece(0, '{"a": 1')),
            calls(call_piece(1, "", "call_2", "add")),
            calls(call_piece(1, '{"a"')),
            calls(call_piece(0, "2}"), call_piece(1, ": 3}")),
        ],
        "tool_calls",
        {},
    ),
    "a call whole, as Gemini": (
        [{"role": "assistant", "content": None, **calls(call_piece(0, '{"n": 12}', "c", "look"))}],
        "tool_calls",
        {},
    ),
    "calls without arguments": ([calls(call_piece(0, "{}", "c", "now"), call_piece(1, "", "d", "then"))], "stop", {}),
    "thinking with a signature, as Anthropic": (
        [
            {"reasoning": "so", "reasoning_details": [{"type": "reasoning.text", "text": "so", "index": 0}]},
            {"reasoning_details": [{"type": "reasoning.text", "signature": "EqQB", "index": 0}]},
            {"content": "yes"},
        ],
        "stop",
        {"native_finish_reason": "end_turn"},
    ),
    "citations": ([{"content": "It is so."}, {"content": "", "annotations": [CITATION]}], "stop", {}),
    "a picture": ([{"images": [{"type": "image_url", "image_url": {"url": PIXEL}}]}], "stop", {}),
    "a refusal": ([{"refusal": "I can"}, {"refusal": "not."}], "content_filter", {}),
    "cut off by length": ([{"content": "One, two"}], "length", {}),
    "the old form of a call": (
        [{"function_call": {"name": "f", "arguments": ""}}, {"function_call": {"arguments": '{"x": [1]}'}}],
        "function_call",
        {},
    ),
    "numbers and brackets as text": ([{"content": "[DONE]\n\ndata: "}, {"content": '{"a": 12'}], "stop", {}),
}


def as_stream(name: str) -> bytes:
    deltas, reason, beside = SHAPES[name]
    last = chunk({}, finish_reason=reason)
    last["choices"][0].update(beside)
    short = [{"choices": document["choices"]} for document in (*map(chunk, deltas), last)]  # each byte is a case
    return b": hi\n\n" + b"".join([*map(event, short), event({"usage": USAGE}), DONE])


def as_answer(name: str) -> bytes:
    """The same as a unary answer, from what the stream said."""
    read = streamed_through(as_stream(name))
    message: dict[str, Any] = {
        "reasoning": read.reasoning or None,
        "reasoning_details": read.reasoning_details or None,
        "refusal": read.refusal,
        "tool_calls": [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in read.tool_calls
        ],
        "images": [{"type": "image_url", "image_url": {"url": PIXEL}} for _ in read.images],
        **read.extra,
    }
    return json.dumps(completion(read.text or None, finish_reason=read.finish_reason or "stop", **message)).encode()


class Reading:
    """Reads bodies as the clients do, without a network: thousands a second."""

    def unary(self, *pieces: bytes, breaks: bool = False, encoding: str = "identity") -> Completion:
        exchange, response = _exchanged(encoding)
        try:
            body = exchange.body(response)
            for piece in _unpacked(exchange, response, pieces, breaks):
                body.feed(piece)
            return exchange.completion(response, body.content())
        except Exception as error:
            raise exchange.failure(error) from None

    def stream(self, *pieces: bytes, breaks: bool = False, encoding: str = "identity") -> Completion:
        exchange, response = _exchanged(encoding)
        reader = exchange.reader()
        last: Delta | GumloopError = Delta({})
        try:
            stream = exchange.begin_stream(response, reader)
            for piece in _unpacked(exchange, response, pieces, breaks):
                for last in stream.feed(piece):
                    assert last.completion is None
                if reader.done:
                    break
            *_, last = stream.finish()
        except Exception as error:
            last = exchange.outcome(error, reader)
        if isinstance(last, GumloopError):
            raise last
        assert last.completion is not None
        return last.completion


@lru_cache
def _exchanged(encoding: str) -> tuple[Exchange, HttpxResponse]:
    request = httpx.Request("POST", "http://127.0.0.1/")
    exchange = Exchange(
        request.method,
        request.url,
        content=b"",
        headers=[("accept-encoding", "gzip")],
        secrets=[],
        timeout={},
        idle_timeout=None,
        max_bytes=10**6,
    )
    response = httpx.Response(
        200, headers={"content-encoding": encoding}, request=request, stream=httpx.ByteStream(b"")
    )
    return exchange, HttpxResponse(response)


def _unpacked(exchange: Exchange, response: HttpxResponse, pieces: Sequence[bytes], breaks: bool) -> Iterator[bytes]:
    unpack = exchange.unpacker(response)
    for piece in pieces:
        yield from [piece] if unpack is None else unpack(piece)
    if breaks:
        raise httpx.ReadError("reset")


def streamed_through(content: bytes) -> Completion:
    return Reading().stream(content)


def outcome(ask: Callable[..., Completion], *pieces: bytes, **options: Any) -> Completion | GumloopError:
    try:
        return ask(*pieces, **options)
    except GumloopError as error:
        return error


def said(read: Completion) -> dict[str, Any]:
    """What an answer says, but for what may be lost behind its finish reason: the count of tokens."""
    fields = {name: getattr(read, name) for name in ("text", "reasoning", "reasoning_details", "refusal", "extra")}
    ids = [re.sub("call_[0-9a-f]{32}", "new", call.id or "") for call in read.tool_calls]
    parts = [(call.name, call.arguments) for call in read.tool_calls]
    return {**fields, "calls": list(zip(ids, parts, strict=True)), "end": read.finish_reason, "n": len(read.images)}


# Unpacking knows nothing of what it unpacks: one shape stands for all.
CUT = pytest.mark.parametrize(
    ("name", "packed"), [*((name, False) for name in SHAPES), ("two calls in turns, as OpenAI", True)]
)


@CUT
def test_a_stream_that_is_cut_at_any_byte(name: str, packed: bool) -> None:
    content = as_stream(name)
    finished = content.index(b'"finish_reason": "' + SHAPES[name][1].encode())
    reading = Reading()
    expected = said(reading.stream(content))
    assert expected["end"] == SHAPES[name][1]
    sent = gzip.compress(content) if packed else content
    encoding = "gzip" if packed else "identity"
    outcomes = []
    for place in range(len(sent)):
        for breaks in (False, True) if place % 3 == 0 else (False,):
            read = outcome(reading.stream, sent[:place], breaks=breaks, encoding=encoding)
            outcomes.append(type(read))
            if isinstance(read, Completion):
                assert said(read) == expected, place
                assert packed or place > finished
    assert Completion in outcomes
    assert set(outcomes) <= {Completion, StreamError, APIConnectionError, InvalidResponseError}
    assert said(reading.stream(sent, breaks=True, encoding=encoding)) == expected


@CUT
def test_a_unary_answer_that_is_cut_at_any_byte(name: str, packed: bool) -> None:
    content = as_answer(name)
    reading = Reading()
    expected = said(reading.unary(content))
    assert expected == said(streamed_through(as_stream(name)))
    sent = gzip.compress(content) if packed else content
    encoding = "gzip" if packed else "identity"
    trailer = 8 + 1 if packed else 0  # behind the last byte of the content: its checksum
    for place in range(len(sent)):
        for breaks in (False, True) if place % 3 == 0 else (False,):
            read = outcome(reading.unary, sent[:place], breaks=breaks, encoding=encoding)
            if isinstance(read, Completion):
                assert said(read) == expected
                assert place >= len(sent) - trailer
                assert not breaks
            else:
                assert isinstance(read, (APIConnectionError, InvalidResponseError))
    with pytest.raises(APIConnectionError):
        reading.unary(sent, breaks=True, encoding=encoding)


SPELLINGS = {
    "CRLF": lambda content: content.replace(b"\n", b"\r\n"),
    "CR": lambda content: content.replace(b"\n", b"\r"),
    "a byte order mark": lambda content: b"\xef\xbb\xbf" + content,
    "names and ids": lambda content: content.replace(b"data: {", b"event: message\nid: 1\nretry: 5\ndata: {"),
    "several lines": lambda content: content.replace(b', "', b',\ndata: "'),
    "no blank behind the colon": lambda content: content.replace(b"data: ", b"data:"),
    "comments between": lambda content: content.replace(b"\n\n", b"\n\n: still there\n\n"),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_stream_in_every_spelling_and_every_cut(spelling: str) -> None:
    """Of a short answer, since splitting into events knows nothing of what they say."""
    content = SPELLINGS[spelling](as_stream("a call whole, as Gemini"))
    reading = Reading()
    expected = said(streamed_through(as_stream("a call whole, as Gemini")))
    for place in range(0, len(content)):
        assert said(reading.stream(content[:place], content[place:])) == expected, place
        read = outcome(reading.stream, content[:place])
        assert isinstance(read, GumloopError) or said(read) == expected, place


@pytest.mark.parametrize("reset", [False, True], ids=["ended", "reset"])
def test_done_without_a_finish_reason(reset: bool) -> None:
    """Is an end where the call is whole, and none where it is not."""
    reading = Reading()
    opened = event(chunk(calls(call_piece(0, '{"a": 1', "call_1", "add"))))
    closed = event(chunk(calls(call_piece(0, "}"))))
    read = reading.stream(opened, closed, DONE, breaks=reset)
    assert [(call.name, call.arguments) for call in read.tool_calls] == [("add", '{"a": 1}')]
    with pytest.raises(StreamError, match="within a tool call") as caught:
        reading.stream(opened, DONE, breaks=reset)
    assert caught.value.partial is not None
    with pytest.raises(StreamError):
        reading.stream(opened, closed, breaks=reset)


def test_an_error_as_the_first_event_behind_comments() -> None:
    failure = event({"error": {"code": 429, "message": "busy"}})
    for spelt in (failure, b"event: error\n" + failure):
        for place in range(len(spelt)):
            with pytest.raises(RateLimitError, match="busy"):
                Reading().stream(b": wait\n\n" * 3, spelt[:place], spelt[place:])


FRAMES: dict[str, tuple[list[Any], type[GumloopError] | None]] = {
    "longer than its length says": ([whole(completion())[:-5] + b" " * 5], InvalidResponseError),
    "shorter than its length says": ([whole(completion())[:-1], CLOSE], APIConnectionError),
    "without a length": ([head(content_type="application/json") + json.dumps(completion()).encode(), CLOSE], None),
    "cut without a length": (
        [head(content_type="application/json") + json.dumps(completion()).encode()[:-1], CLOSE],
        InvalidResponseError,
    ),
    "chunks that end within one": (
        [stream_head() + http_chunk(json.dumps(completion()).encode())[:-9], CLOSE],
        APIConnectionError,
    ),
    "chunks without the last": (
        [stream_head() + http_chunk(json.dumps(completion()).encode()), CLOSE],
        APIConnectionError,
    ),
    "more bytes behind it": ([whole(completion()), Pause(0.01), b"HTTP/1.1 junk"], None),
    "a page": ([whole(b"<!doctype html><p>Hello", content_type="text/html")], InvalidResponseError),
    "another kind than it says": ([whole(completion(), content_type="text/html")], None),
    "a stream of another kind than it says": (
        [whole(b"".join(answer_events()), content_type="application/json")],
        None,
    ),
    "half a stream to a unary request": ([whole(b"".join(text_events()))], StreamError),
    "nothing": ([whole(b"")], InvalidResponseError),
    "no content": ([head(204)], InvalidResponseError),
    "reset content": ([head(205, content_length="0")], InvalidResponseError),
    "not modified": ([head(304)], GumloopError),
    "another choice": ([whole({"a": 1}, 300)], GumloopError),
    "a proxy to use": ([head(305, location="http://elsewhere", content_length="0")], GumloopError),
    "a request at fault": ([whole(b"", 400)], BadRequestError),
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_unary_answer_in_any_frame(name: str) -> None:
    script, kind = FRAMES[name]
    with ByteServer(script) as server:
        driver = SyncCore(settings_for(server.base_url, max_retries=0))
        if kind is None:
            assert driver.complete().text == TEXT
        else:
            with pytest.raises(kind):
                driver.complete()
        driver.stop()


@pytest.mark.parametrize("spare", [0, 2, 200])
def test_a_stream_whose_length_is_too_short(spare: int) -> None:
    events = [*text_events(), FINISH]
    content = b"".join(events)
    short = head(content_type="text/event-stream", content_length=str(len(content) - spare)) + content
    with ByteServer([short, CLOSE]) as server:
        driver = SyncCore(settings_for(server.base_url, max_retries=0))
        if spare == 200:
            with pytest.raises(StreamError, match=r"ended early|made no sense"):
                list(driver.stream())
        else:
            assert list(driver.stream())[-1].completion.text == TEXT  # type: ignore[union-attr]
        driver.stop()
