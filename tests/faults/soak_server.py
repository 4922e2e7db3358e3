"""The server of the soak run: the emulator, which does wrong what a prompt, ``[number, fault]``, asks for."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

from gumloop_emulator import Drop, Emulator, Failure, Json, Pause, RawStream, ReceivedRequest, Scripted
from gumloop_emulator.http11 import Response
from gumloop_emulator.script import Piece

PIECES = 10  # of an answer


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

# What comes before an answer that comes in the end.
FIRST: dict[str, list[Scripted]] = {
    "429 once": [Failure(429)],
    "503 twice": [Failure(503), Failure(503)],
    "reset once": [Drop(reset=True)],
}

# How streams end that have all pieces and do not end as they should.
ENDS: dict[str, list[Piece]] = {
    "no usage": [FINISH, DONE],
    "no [DONE]": [FINISH, USAGE],
    "reset after the finish reason": [FINISH, Drop(reset=True, delay=0.05)],
    "kept open after [DONE]": [FINISH, USAGE, DONE, Pause(2)],
}

# How streams end that are struck after half of their pieces.
STRIKES: dict[str, list[Piece]] = {
    "402 in the stream": [_event({}, "error", error={"code": 402, "message": "budget exceeded"})],
    "finish reason of error": [_event({}, "error"), DONE],
    "reset": [Drop(reset=True)],
    "ended early": [],
    "garbage": [b"data: \x00 no JSON\n\n"],
    "silence": [Pause()],
}

# Faults, and what must come of each.
OUTCOMES: dict[str, str] = {
    **dict.fromkeys(["none", "drip", "unary answer", *FIRST, *ENDS], "answer"),
    **dict.fromkeys(STRIKES, "StreamError"),
    "402 in the stream": "InsufficientCreditsError",
    "finish reason of error": "ProviderError",
    "silence": "APITimeoutError",
    "401": "AuthenticationError",
    "page": "InvalidResponseError",
}


class SoakServer(Emulator):
    """Plays the faults that prompts ask for, with so many seconds between two pieces."""

    def __init__(self, pause: float) -> None:
        super().__init__(strict=False, keep_requests=0, answer_with=self._answer)
        self._pause = pause
        self._attempts: Counter[int] = Counter()
        self._most_open_streams = 0

    async def respond(self, request: ReceivedRequest) -> Response:
        """Answer one request."""
        if request.path != "/stats":
            self._most_open_streams = max(self._most_open_streams, self.active_streams + 1)
            return await super().respond(request)
        counted = {"requests": sum(self._attempts.values()), "most_open_streams": self._most_open_streams}
        counted |= {"connections": self.connections, "open_connections": self.open_connections - 1}  # not the asker's
        return Response([json.dumps(counted).encode()])

    def _answer(self, request: ReceivedRequest) -> Scripted:
        number, fault = json.loads(request.user_text)
        pieces = pieces_of(number)
        message = {"role": "assistant", "content": "".join(pieces)}
        whole: dict[str, Scripted] = {
            "401": Failure(401),
            "page": RawStream([b"<html><title>Sign in</title></html>"], content_type="text/html"),
            "unary answer": Json({"model": "m", "choices": [{"finish_reason": "stop", "message": message}]}),
        }
        self._attempts[number] += 1
        first = FIRST.get(fault, [])[self._attempts[number] - 1 :]
        return first[0] if first else whole.get(fault) or RawStream(self._stream(pieces, fault))

    def _stream(self, pieces: list[str], fault: str) -> list[Piece]:
        stream: list[Piece] = []
        for piece in pieces[: PIECES // 2 if fault in STRIKES else PIECES]:
            event = _event({"content": piece})
            size = 40 if fault == "drip" else len(event)
            stream.append(Pause(self._pause * random.uniform(0.5, 1.5)))
            stream += [event[start : start + size] for start in range(0, len(event), size)]
        return [*stream, *{**STRIKES, **ENDS}.get(fault, [FINISH, USAGE, DONE])]
