"""The end of a body whose answer is complete: read for the connection's sake, and not waited for."""

from __future__ import annotations

from itertools import repeat
from typing import Any

import pytest

from gumloop_core.http import rest_of_body
from gumloop_emulator.script import Pause
from tests.core.conftest import Connect
from tests.support.byte_server import CLOSE, SILENCE, ByteServer
from tests.support.core_driver import streamed_text
from tests.support.http_bytes import (
    EVENTS,
    TEXT,
    http_chunk,
    stream_head,
    streamed,
)


@pytest.mark.parametrize(
    "ending",
    [
        pytest.param([SILENCE], id="held back"),
        pytest.param([repeat(http_chunk(b": more\n\n" * 2000))], id="endless"),
        pytest.param([CLOSE], id="cut off"),
    ],
)
def test_an_end_that_does_not_come_is_not_waited_for(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, ending: list[Any]
) -> None:
    monkeypatch.setattr(rest_of_body, "LONGEST_SECONDS", 0.05)
    with ByteServer([stream_head() + EVENTS, *ending]) as server:
        driver = connect(server)
        for _ in range(2):
            assert streamed_text(driver.stream()) == TEXT
        assert server.connections == 2
        assert server.wait_until(lambda: server.open_connections == 0)


def test_a_connection_keeps_its_own_way_of_reading(connect: Connect) -> None:
    """Reading the rest borrows the stream's read; the next answer must again be waited for as long as it takes."""
    with ByteServer(streamed(), [Pause(0.5), streamed()]) as server:
        driver = connect(server)
        assert streamed_text(driver.stream()) == TEXT
        assert streamed_text(driver.stream()) == TEXT
        assert server.connections == 1
