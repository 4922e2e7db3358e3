"""What reading a stream costs, counted: decoding, calls and what is kept, for each chunk."""

from __future__ import annotations

import gc

import pytest

from benchmarks.answers import text_events, tool_events
from gumloop_core.answer import Delta
from gumloop_core.reading import reader as reader_module
from gumloop_core.reading.reader import AnswerReader
from gumloop_core.reading.sse import SSEDecoder
from tests.guards.counting import counter_of
from tests.support.counting import calls_made

MANY = 1000


def payloads_of(events: list[bytes]) -> list[bytes]:
    return SSEDecoder().feed(b"".join(events))


def padded_events(count: int) -> list[bytes]:
    """Text with what OpenAI pads each chunk with, and a field of each token's own (Together)."""
    padded = []
    for place, event in enumerate(text_events(count)):
        more = b'"obfuscation":"' + b"x" * (place % 9) + b'","choices"'
        token = b'"delta":{"token_id":%d,' % place
        padded.append(event.replace(b'"choices"', more).replace(b'"delta":{', token))
    return padded


def read(payloads: list[bytes]) -> list[Delta]:
    reader = AnswerReader()
    return [delta for delta in map(reader.read_event, payloads) if delta is not None]


def test_each_event_is_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counts, watch = counter_of(monkeypatch)
    watch(reader_module, "decode")
    payloads = payloads_of(text_events(MANY))
    read(payloads)
    assert counts["decode"] == len(payloads) - 1  # [DONE] is not JSON


def test_every_piece_is_a_delta_of_its_own_with_nothing_but_what_it_brought() -> None:
    deltas = read(payloads_of(text_events(MANY)))
    assert len(deltas) == MANY
    assert all(set(vars(delta)) == {"raw", "text"} for delta in deltas)


@pytest.mark.parametrize(
    ("events", "most"),
    [
        pytest.param(text_events, 12, id="text"),
        pytest.param(padded_events, 15, id="text with padding"),
        pytest.param(tool_events, 80, id="tool arguments"),
    ],
)
def test_a_chunk_takes_few_calls(events: object, most: int) -> None:
    assert callable(events)
    few, many = payloads_of(events(10)), payloads_of(events(10 + MANY))
    read(few)
    more = calls_made(lambda: read(many)) - calls_made(lambda: read(few))
    assert more <= most * MANY


def test_splitting_takes_few_calls_an_event() -> None:
    few, many = b"".join(text_events(10)), b"".join(text_events(10 + MANY))
    more = calls_made(lambda: SSEDecoder().feed(many)) - calls_made(lambda: SSEDecoder().feed(few))
    assert more <= 8 * MANY


def test_no_chunk_is_kept() -> None:
    reader = AnswerReader()
    payloads = payloads_of(text_events(MANY))[:MANY]
    for payload in payloads[:10]:
        reader.read_event(payload)
    gc.collect()
    before = len(gc.get_objects())
    for payload in payloads[10:]:
        reader.read_event(payload)
    gc.collect()
    assert len(gc.get_objects()) - before < MANY / 10
