"""Deltas of a stream that was read before, in place of a client: what follows the reading is counted without it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gumloop_core.answer import Delta
from gumloop_core.reading.reader import AnswerReader
from gumloop_core.reading.sse import SSEDecoder


class Player:
    """Stands for a synchronous client."""

    def __init__(self, events: list[bytes]) -> None:
        reader = AnswerReader()
        payloads = SSEDecoder().feed(b"".join(events))
        self._deltas = [delta for delta in map(reader.read_event, payloads) if delta is not None]
        self._deltas.append(reader.last_delta())

    def stream(self, body: Any, **sending: Any) -> Iterator[Delta]:
        """Play the deltas."""
        yield from self._deltas
