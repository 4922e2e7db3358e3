"""The server of the soak run: the emulator, which does wrong what a prompt, ``[number, fault]``, asks for."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

from gumloop_emulator import Drop, Emulator, Failure, Json, Pause, RawStream, ReceivedRequest, Scripted
from gumloop_emulator.http11 import Response
from gumloop_emulator.script import Piece

PIECES = 10
"""Pieces of an answer."""

OUTCOMES: dict[str, str] = {
    **dict.fromkeys(["none", "drip", "no usage", "no [DONE]", "reset after the finish reason"], "answer"),
    **dict.fromkeys(["kept open after [DONE]", "unary answer", "429 once", "503 twice", "reset once"], "answer"),
    "401": "AuthenticationError",
    "402 in the stream": "InsufficientCreditsError",
    "finish reason of error": "ProviderError",
    "reset": "StreamError",
    "ended early": "StreamError",
    "garbage": "StreamError",
    "silence": "APITimeoutError",
    "page": "InvalidResponseError",
}
"""Faults, and what must come of each."""


def pieces_of(number: int) -> list[str]:
    """The answer to a prompt."""
    return [f"{number}:{place} é🍁 " for place in range(PIECES)]


def _event(delta: dict[str, Any], finish_reason: str | None = None, **more: Any) -> bytes:
    choices = [{"index": 0, "delta": delta, "finish_reason": finish_reason}]
    chunk = {"id": "gen-1", "created": 1, "model": "m", "choices": choices, **more}
    return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n".encode()


FINISH = _event({}, "stop")
USAGE = _event({}, usage={"prompt_tokens": 1, "completion_tokens": PIECES, "total_tokens": 1 + PIECES})
DONE = b"data: [DONE]\n\n"

STRIKES: dict[str, list[Piece]] = {
    "402 in the stream": [_event({}, "error", error={"code": 402, "message": "budget exceeded"})],
    "finish reason of error": [_event({}, "error"), DONE],
    "reset": [Drop(reset=True)],
    "ended early": [],
    "garbage": [b"data: \x00 no JSON\n\n"],
    "silence": [Pause()],
}
"""How a stream ends that is struck by a fault after half of its pieces."""

ENDS: dict[str, list[Piece]] = {
    **STRIKES,
    "no usage": [FINISH, DONE],
    "no [DONE]": [FINISH, USAGE],
    "reset after the finish reason": [FINISH, Drop(reset=True, delay=0.05)],
    "kept open after [DONE]": [FINISH, USAGE, DONE, Pause(2)],
}
"""How all streams end that do not end as they should."""


class SoakServer(Emulator):
    """Plays the faults that prompts ask for.

    Args:
        pause: Seconds between two pieces.
    """

    def __init__(self, pause: float) -> None:
        super().__init__(strict=False, keep_requests=0, answer_with=self._play)
        self._pause = pause
        self._attempts: Counter[int] = Counter()
        self._asked = self._most_open_streams = 0

    async def respond(self, request: ReceivedRequest) -> Response:
        """Answer one request."""
        if request.path != "/stats":
            self._asked += 1
            self._most_open_streams = max(self._most_open_streams, self.active_streams + 1)
            return await super().respond(request)
        counted = {"connections": self.connections, "requests": self._asked}
        counted["open_connections"] = self.open_connections - 1  # but for the one that asks
        return Response([json.dumps({**counted, "most_open_streams": self._most_open_streams}).encode()])

    def _play(self, request: ReceivedRequest) -> Scripted:
        number, fault = json.loads(request.user_text)
        self._attempts[number] += 1
        attempt = self._attempts[number]
        if fault == "reset once" and attempt == 1:
            return Drop(reset=True)
        if attempt <= {"429 once": 1, "503 twice": 2}.get(fault, 0):
            return Failure(int(fault[:3]))
        del self._attempts[number]
        if fault == "401":
            return Failure(401)
        if fault == "page":
            return RawStream([b"<html><title>Sign in</title></html>"], content_type="text/html")
        if fault == "unary answer":
            message = {"role": "assistant", "content": "".join(pieces_of(number))}
            choices = [{"index": 0, "finish_reason": "stop", "message": message}]
            return Json({"id": "gen-1", "model": "m", "choices": choices})
        return RawStream(self._stream(number, fault))

    def _stream(self, number: int, fault: str) -> list[Piece]:
        stream: list[Piece] = []
        for piece in pieces_of(number)[: PIECES // 2 if fault in STRIKES else PIECES]:
            event = _event({"content": piece})
            size = 40 if fault == "drip" else len(event)
            stream.append(Pause(self._pause * random.uniform(0.5, 1.5)))
            stream += [event[start : start + size] for start in range(0, len(event), size)]
        return [*stream, *ENDS.get(fault, [FINISH, USAGE, DONE])]
