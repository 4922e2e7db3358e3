"""An emulator that admits a number of calls at a time, and counts what it refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from gumloop_emulator import Answer, Emulator, Limits, ReceivedRequest
from gumloop_emulator.failures import Refused

SECONDS = 0.015
"""Of a call."""


@dataclass
class Counted(Limits):
    """Limits that count.

    Attributes:
        admitted: Calls that were let in.
        refused: Calls that were not.
        most: How many were in flight at once.
        moves: After how many answers the limit moves, and to what.
    """

    admitted: int = 0
    refused: int = 0
    most: int = 0
    moves: dict[int, int] = field(default_factory=dict)

    def enter(self) -> None:
        try:
            super().enter()
        except Refused:
            self.refused += 1
            raise
        self.admitted += 1
        self.concurrent = self.moves.get(self.admitted, self.concurrent)
        self.most = max(self.most, self._in_flight)


async def _answer(_request: ReceivedRequest) -> Answer:
    await asyncio.sleep(SECONDS)
    return Answer("All is well.")


@contextmanager
def limited(concurrent: int | None, *, retry_after: bool = False, **options: Any) -> Iterator[tuple[Emulator, Counted]]:
    """An emulator that admits so many calls at once, and its counts."""
    limits = Counted(concurrent, retry_after=retry_after, **options)
    with Emulator(limits=limits, answer_with=_answer) as server:
        yield server, limits


def connection(server: Emulator) -> dict[str, str]:
    """A model's arguments."""
    return {
        "model": "claude-sonnet-4-5",
        "api_key": server.api_key,
        "user_id": server.user_id,
        "base_url": server.base_url,
    }
