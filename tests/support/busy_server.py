"""An endpoint that takes its time, counts how many calls are in flight, and may refuse what is too much."""

from __future__ import annotations

import asyncio
import json

from gumloop_emulator.http11 import LocalServer, Response
from gumloop_emulator.traffic import ReceivedRequest
from tests.support.http_bytes import completion


class BusyServer(LocalServer):
    """Answers every call after some seconds.

    Args:
        seconds: How long an answer takes.
        admitted: How many calls may be in flight; the others are refused with a 429.
    """

    def __init__(self, seconds: float, admitted: int = 1000) -> None:
        super().__init__()
        self.seconds, self.admitted = seconds, admitted
        self.in_flight = self.most = self.answered = self.refused = 0

    async def respond(self, request: ReceivedRequest) -> Response:
        if self.in_flight >= self.admitted:
            self.refused += 1
            return Response([b'{"error": {"message": "Too many requests at once."}}'], 429)
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.in_flight -= 1
        self.answered += 1
        return Response([json.dumps(completion()).encode()])
