"""Hostile and broken input: any bytes in any cut, any JSON. Nothing but our errors, the same for every cut."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gumloop_core import Completion, Delta
from gumloop_core.errors import GumloopError, InvalidResponseError
from gumloop_core.http.exchange import Exchange
from gumloop_core.http.httpx_response import HttpxResponse
from gumloop_core.http.response_body import StreamBody, looks_like_sse
from gumloop_core.json_text import decode
from gumloop_core.reading.reader import AnswerReader
from gumloop_core.reading.sse import SSEDecoder
from gumloop_core.reading.status_errors import status_error
from tests.support import strategies

MORE = settings(
    deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
MADE_UP = re.compile(r"call_[0-9a-f]{32}")
REQUEST = httpx.Request("POST", "http://127.0.0.1/")
RESPONSE = HttpxResponse(httpx.Response(200, request=REQUEST))


def exchange(**options: Any) -> Exchange:
    return Exchange(
        "POST",
        httpx.URL("http://127.0.0.1/"),
        content=b"",
        headers=[],
        secrets=["gl-canary"],
        timeout={},
        idle_timeout=None,
        max_bytes=options.pop("max_bytes", 10**9),
        **options,
    )


def outcome(work: Any) -> tuple[list[Any], Any]:
    """What some reading came to: its steps, and its error."""
    steps: list[Any] = []
    try:
        for step in work:
            steps.append(MADE_UP.sub("call_new", step) if isinstance(step, str) else step)  # noqa: PERF401 - kept if it ends in an error
    except GumloopError as error:
        partial = MADE_UP.sub("call_new", repr(error.partial))
        return steps, (type(error), error.message, partial, getattr(error, "status_code", None))
    return steps, None


def streamed(pieces: list[bytes], **options: Any) -> tuple[list[str], Any]:
    """The deltas and the error of a stream in pieces, as text that can be compared (NaN is not equal to itself)."""

    def work() -> Any:
        source = exchange(**options)
        reader = source.reader()
        body: StreamBody = source.begin_stream(RESPONSE, reader)
        for piece in pieces:
            for delta in body.feed(piece):
                assert isinstance(delta, Delta)
                yield repr(delta)
            if reader.done:
                break
        for delta in body.finish():
            yield repr(delta)

    return outcome(work())


@MORE
@given(content=st.binary(max_size=60), data=st.data())
def test_the_splitter_takes_any_bytes_in_any_cut(content: bytes, data: st.DataObject) -> None:
    content = content.replace(b"\x01", b"data:").replace(b"\x02", b"\r\n").replace(b"\x03", b"\n")

    def split(pieces: list[bytes]) -> list[bytes]:
        decoder = SSEDecoder()
        return [payload for piece in pieces for payload in decoder.feed(piece)] + decoder.finish()

    whole = split([content])
    assert split(data.draw(strategies.cut(content))) == whole
    assert all(
        payload in content.replace(b"\r\n", b"\n").replace(b"\r", b"\n") or b"\n" in payload for payload in whole
    )


@MORE
@given(content=st.one_of(st.binary(max_size=40), strategies.stream_bytes()), data=st.data(), frames=st.booleans())
def test_a_stream_reads_the_same_in_every_cut(content: bytes, data: st.DataObject, frames: bool) -> None:
    whole = streamed([content], partial_images=frames)
    assert streamed(data.draw(strategies.cut(content)), partial_images=frames) == whole


@MORE
@given(documents=st.lists(strategies.EVENT_DATA, max_size=8))
def test_the_branch_for_plain_text_sees_what_the_long_way_sees(documents: list[Any]) -> None:
    class LongWay(AnswerReader):
        def read_event(self, payload: bytes) -> Delta | None:
            try:
                chunk = decode(payload)
            except ValueError:
                return super().read_event(payload)
            return self._read_chunk(chunk)

    def read(reader: AnswerReader) -> Any:
        for document in documents:
            text = document if isinstance(document, str) else json.dumps(document)
            yield repr(reader.read_event(text.encode()))
        yield repr(reader.last_delta())

    assert outcome(read(AnswerReader())) == outcome(read(LongWay()))


@MORE
@given(document=st.one_of(strategies.COMPLETION, strategies.ANYTHING), frames=st.booleans())
def test_a_unary_answer_of_any_json(document: Any, frames: bool) -> None:
    content = json.dumps(document).encode()
    steps, error = outcome(iter([exchange(partial_images=frames)]))
    assert error is None

    def work() -> Any:
        yield steps[0].completion(RESPONSE, content)

    unary, error = outcome(work())
    assert error is not None or isinstance(unary[0], Completion)
    as_stream, stream_error = streamed([content], partial_images=frames)
    if error is None and not looks_like_sse(content):
        # Asked for as a stream, the same answer says the same.
        assert stream_error is None
        assert len(as_stream) == 2


@MORE
@given(content=st.binary(max_size=200))
def test_a_unary_answer_of_any_bytes(content: bytes) -> None:
    def work() -> Any:
        yield exchange().completion(RESPONSE, content)

    outcome(work())


@MORE
@given(
    status=st.integers(100, 999), body=st.one_of(strategies.ERROR_CHUNK, strategies.ANYTHING), messages=st.booleans()
)
def test_an_error_body_of_any_json(status: int, body: Any, messages: bool) -> None:
    sent = [{"role": "user", "content": "x"}] if messages else []
    error = status_error(status, body, messages=sent)
    assert isinstance(str(error), str)


@MORE
@given(status=st.integers(300, 999), content=st.binary(max_size=300), header=st.text(max_size=20))
def test_an_error_response_of_any_bytes(status: int, content: bytes, header: str) -> None:
    response = httpx.Response(
        status,
        headers=[(b"retry-after", header.encode("utf-8", "replace")), (b"location", content[:10].replace(b"\n", b""))],
        request=REQUEST,
    )

    def work() -> Any:
        yield exchange().check_status(HttpxResponse(response), content)

    assert outcome(work())[1] is not None


# -- answers that try to be more than data ---------------------------------------------------------------------------

NASTY = [
    "%s%n{0}{0.__class__}{{}}",
    "\x1b[2J\x1b]0;title\x07\x1b[31m",
    "${jndi:ldap://x.example/a}",
    "__import__('os').system('true')",
    "\udc00\ud83d lone \udfff",
    "\u202e\u2066\x00\x7f\x85\u2028\ufeff",
    "data: [DONE]\n\ndata: x",
    "[DONE]",
    "</script><!--",
    "x" * 1_000_000,
]


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
@pytest.mark.parametrize("ascii", [True, False], ids=["escaped", "raw"])
def test_hostile_text_is_text(text: str, ascii: bool) -> None:
    delta = {
        "content": text,
        "reasoning": text,
        "refusal": text,
        "annotations": [text],
        "gumloop_extensions": {"a": text},
    }
    delta["tool_calls"] = [{"index": 0, "id": text[:50], "function": {"name": text[:50], "arguments": text}}]  # type: ignore[assignment]
    chunk = json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": "stop"}]}, ensure_ascii=ascii)
    content = b"data: " + chunk.encode("utf-8", "surrogatepass") + b"\n\ndata: [DONE]\n\n"
    source = exchange()
    reader = source.reader()
    body = source.begin_stream(RESPONSE, reader)
    size = 65_536
    deltas = [d for place in range(0, len(content), size) for d in body.feed(content[place : place + size])]
    deltas += body.finish()
    completion = deltas[-1].completion
    assert completion is not None
    assert completion.text == completion.reasoning == completion.refusal == text
    assert completion.tool_calls[0].arguments == text
    assert completion.extra == {"annotations": [text]}
    assert completion.extensions == {"a": text}


@pytest.mark.parametrize("depth", [150, 250, 5_000, 100_000])
@pytest.mark.parametrize("field", ["content", "tool_calls", "reasoning_details", "gumloop_extensions", "new"])
@pytest.mark.parametrize("brackets", [("[", "]"), ('{"a":', "}")], ids=["lists", "objects"])
def test_deep_nesting_is_data_or_an_error(depth: int, field: str, brackets: tuple[str, str]) -> None:
    deep = brackets[0] * depth + "1" + brackets[1] * depth
    text = f'{{"choices":[{{"delta":{{"content":"a","{field}":{deep}}},"finish_reason":"stop"}}]}}'
    content = f"data: {text}\n\ndata: [DONE]\n\n".encode()
    error = streamed([content])[1]
    assert (error is None) is (depth == 150)
    unary = text.replace('"delta"', '"message"').encode()
    _, error = outcome(exchange().completion(RESPONSE, unary) for _ in range(1))
    assert (error is None) is (depth == 150)
    assert error is None or error[0] is InvalidResponseError


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "1" * 4000, "1" * 100_000, "-0", "1e-400"])
def test_odd_numbers_are_data_or_an_error(number: str) -> None:
    text = (
        f'{{"choices":[{{"index":{number},"delta":{{"content":"a","x":{number}}}}},{{"delta":{{"content":"b"}}}}],'
        f'"usage":{{"prompt_tokens":{number},"cost":{number}}},"created":{number}}}'
    )
    _, error = streamed([f"data: {text}\n\ndata: [DONE]\n\n".encode()])
    assert (error is None) is (len(number) < 4300)
