"""Compressed bodies: unpacked in bounded steps, and in no encoding that was not asked for."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

import httpx
import pytest
import zstandard

from gumloop_core.errors import (
    APITimeoutError,
    BadRequestError,
    GumloopError,
    InvalidResponseError,
    RateLimitError,
    StreamError,
)
from gumloop_core.http import decoding
from gumloop_core.http.decoding import PIECE_BYTES, layers_of, unpacker, was_asked_for
from tests.core.conftest import Connect
from tests.support.byte_server import ByteServer
from tests.support.core_driver import streamed_text
from tests.support.http_bytes import TEXT, answer_events, completion, whole

BOMB = gzip.compress(b" " * 20_000_000)
SMALL = {"max_response_bytes": 1_000_000}


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How much is unpacked, step by step."""
    steps: list[int] = []
    unpack = decoding._Layer.unpack

    def watched(self: Any, data: bytes) -> Any:
        for piece in unpack(self, data):
            steps.append(len(piece))
            yield piece

    monkeypatch.setattr(decoding._Layer, "unpack", watched)
    return steps


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize(
    ("encoding", "content"), [("gzip", BOMB), ("x-gzip", BOMB), ("gzip, gzip", gzip.compress(BOMB))]
)
def test_a_bomb_is_given_up_at_the_bound(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, encoding: str, content: bytes, stream: bool
) -> None:
    steps = counted(monkeypatch)
    with ByteServer(whole(content, content_encoding=encoding)) as server:
        driver = connect(server, **SMALL)
        with pytest.raises((InvalidResponseError, StreamError), match="longer than 1,000,000 bytes"):
            list(driver.stream()) if stream else driver.complete()
    assert max(steps) <= PIECE_BYTES
    assert sum(steps) < 4_000_000


def test_a_bomb_in_an_error_is_cut(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = counted(monkeypatch)
    with ByteServer(whole(gzip.compress(b"no " * 6_000_000), 400, content_encoding="gzip")) as server:
        driver = connect(server)
        for call in (driver.complete, lambda: list(driver.stream())):
            with pytest.raises(BadRequestError, match=r"^400: no no") as caught:
                call()
            assert len(caught.value.body) == 64 * 1024
    assert sum(steps) <= 2 * PIECE_BYTES


def test_the_total_time_holds_while_unpacking(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    from gumloop_core.http import response_body as bodies

    now = [0.0]

    class Clock:
        @staticmethod
        def monotonic() -> float:
            now[0] += 1.0
            return now[0]

    monkeypatch.setattr(bodies, "time", Clock)
    packed = whole(BOMB, content_encoding="gzip")
    with ByteServer(packed) as server, pytest.raises(APITimeoutError, match="did not finish its answer within 20 s"):
        connect(server, timeout=20, max_retries=0).complete()
    assert now[0] < 40


@pytest.mark.parametrize("status", [200, 400, 429])
@pytest.mark.parametrize("encoding", ["zstd", "br", "compress", "gzip, zstd", "gzip, gzip, gzip", "aws-chunked"])
def test_what_was_not_asked_for_is_refused(connect: Connect, encoding: str, status: int) -> None:
    content = zstandard.compress(b" " * 5_000_000)
    with ByteServer(whole(content, status, content_encoding=encoding)) as server:
        driver = connect(server, max_retries=0)
        kind: type[GumloopError] = {200: InvalidResponseError, 400: BadRequestError, 429: RateLimitError}[status]
        for call in (driver.complete, lambda: list(driver.stream())):
            with pytest.raises(kind) as caught:
                call()
            if status == 200:
                assert f"encoded as {encoding!r}, which was not asked for" in str(caught.value)


def test_an_encoding_that_only_a_header_of_the_callers_asks_for(connect: Connect) -> None:
    """It is not unpacked here, whatever was asked for."""
    packed = whole(zstandard.compress(b"{}"), content_encoding="zstd")
    with ByteServer(packed) as server, pytest.raises(InvalidResponseError, match="encoded as 'zstd'"):
        connect(server, default_headers={"Accept-Encoding": "zstd"}).complete()


@pytest.mark.parametrize("encoding", ["identity", "", "IDENTITY", "GZIP", "gzip , identity"])
def test_names_of_encodings(connect: Connect, encoding: str) -> None:
    packed = "gzip" in encoding.lower()
    unary, events = json.dumps(completion()).encode(), b"".join(answer_events())
    with ByteServer(
        *(whole(gzip.compress(body) if packed else body, content_encoding=encoding) for body in (unary, events))
    ) as server:
        driver = connect(server)
        assert driver.complete().text == TEXT
        assert streamed_text(driver.stream()) == TEXT


@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda content: zlib.compress(content)[2:-4]),
        ("deflate, gzip", lambda content: gzip.compress(zlib.compress(content))),
    ],
)
def test_unpacking_in_any_cut(encoding: str, pack: Any, size: int) -> None:
    content = bytes(range(256)) * 4_000
    packed = pack(content)
    layers = layers_of(encoding)
    assert was_asked_for(layers, "gzip, deflate")
    unpack = unpacker(layers)
    pieces = [piece for start in range(0, len(packed), size) for piece in unpack(packed[start : start + size])]
    assert b"".join(pieces) == content
    assert max(map(len, pieces)) <= PIECE_BYTES


def test_damage_is_an_error_of_httpx() -> None:
    for encoding in ("gzip", "deflate"):
        with pytest.raises(httpx.DecodingError):
            list(unpacker([encoding])(b"\xff" * 50))
