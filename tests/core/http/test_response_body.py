"""How long a body may be."""

from __future__ import annotations

from itertools import repeat

import pytest

from gumloop_core.errors import InvalidResponseError, StreamError
from tests.core.conftest import Connect
from tests.support.byte_server import ByteServer
from tests.support.http_bytes import (
    FIRST,
    head,
    http_chunk,
    text_events,
)


def test_an_answer_that_does_not_end_is_given_up(connect: Connect) -> None:
    with ByteServer([head(), repeat(b" " * 50_000)]) as server:
        with pytest.raises(InvalidResponseError, match=r"longer than 1,000,000 bytes.*max_response_bytes"):
            connect(server, max_response_bytes=1_000_000).complete()
        assert len(server.requests) == 1
        assert server.wait_until_gone()


@pytest.mark.parametrize(
    "piece", [b": x\n\n" * 5000, b"x" * 50_000, text_events()[0] * 500], ids=["comments", "line", "text"]
)
def test_a_stream_that_does_not_end_is_given_up(connect: Connect, piece: bytes) -> None:
    with ByteServer([FIRST, repeat(http_chunk(piece))]) as server:
        with pytest.raises(StreamError, match="longer than 1,000,000 bytes") as caught:
            list(connect(server, max_response_bytes=1_000_000).stream())
        assert caught.value.partial is not None
        assert caught.value.partial.text.startswith("Grüße")
        assert server.wait_until_gone()
