"""The SSE splitter, on bytes."""

from __future__ import annotations

import pytest

from gumloop_core.reading.sse import ErrorData, SSEDecoder


def payloads(*pieces: bytes) -> list[bytes]:
    decoder = SSEDecoder()
    read: list[bytes] = []
    for piece in pieces:
        read += decoder.feed(piece)
    return read + decoder.finish()


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: one\n\ndata: two\n\n", [b"one", b"two"]),
        (b"data:one\n\n", [b"one"]),
        (b"data:  one\n\n", [b" one"]),
        (b"data: one\r\n\r\ndata: two\r\n\r\n", [b"one", b"two"]),
        (b"data: one\r\rdata: two\r\r", [b"one", b"two"]),
        (b"data: one\ndata: two\n\n", [b"one\ntwo"]),
        (b"data\n\ndata: x\n\n", [b"", b"x"]),
        (b": keep-alive\n\ndata: one\n\n", [b"one"]),
        (b"event: message\nid: 7\nretry: 100\ndata: one\n\n", [b"one"]),
        (b"\n\n\n\ndata: one\n\n\n\n", [b"one"]),
        (b"database: no\n\ndata : no\n\n", []),
        (b"\xef\xbb\xbfdata: one\n\n", [b"one"]),
        (b"data: \xef\xbb\xbf\n\n", [b"\xef\xbb\xbf"]),
        (b"data: half a line", [b"half a line"]),
        (b"data: no empty line\n", [b"no empty line"]),
        (b"", []),
        (b"data: a\0b\n\n", [b"a\0b"]),
        ("data: é 🍁\u2028x\n\n".encode(), ["é 🍁\u2028x".encode()]),
    ],
)
def test_follows_the_standard_in_every_cut(stream: bytes, expected: list[bytes]) -> None:
    assert payloads(stream) == expected
    assert payloads(*(stream[place : place + 1] for place in range(len(stream)))) == expected
    for place in range(len(stream) + 1):
        assert payloads(stream[:place], stream[place:]) == expected, place


@pytest.mark.parametrize("name", ["error", " error", "ERROR", "error "])
@pytest.mark.parametrize("place", range(30))
def test_the_data_of_an_event_named_error_says_so(name: str, place: int) -> None:
    stream = f"event:{name}\ndata: one\n\n".encode()
    read = [*payloads(stream[:place], stream[place:], b"data: two\n\nevent: x\ndata: three\n\n")]
    assert [(payload, type(payload)) for payload in read] == [(b"one", ErrorData), (b"two", bytes), (b"three", bytes)]


def test_an_error_without_data_is_an_event() -> None:
    assert [type(payload) for payload in payloads(b"event: error\n\n", b"event: ping\n\n")] == [ErrorData]


def test_hands_an_event_out_as_soon_as_its_empty_line_is_there() -> None:
    decoder = SSEDecoder()
    assert decoder.feed(b"data: one\n") == []
    assert decoder.feed(b"\n") == [b"one"]
    assert decoder.feed(b"data: two\r\n\r") == [b"two"]
    assert decoder.feed(b"\ndata: three\n\n") == [b"three"]


class CountedBytes(bytes):
    """Bytes that count how many of them are searched or copied by the splitter's own calls."""

    searched = 0

    def __contains__(self, item: object) -> bool:
        CountedBytes.searched += len(self)
        return super().__contains__(item)  # type: ignore[operator]


def test_work_is_linear_in_the_bytes_of_a_long_line() -> None:
    counts = []
    for size in (1_000, 2_000):
        CountedBytes.searched = 0
        decoder = SSEDecoder()
        for _ in range(size):
            decoder.feed(CountedBytes(b"x" * 50))
        counts.append(CountedBytes.searched)
        assert decoder.feed(b"\n\n") == []
    assert 0 < counts[1] <= 2.1 * counts[0]
