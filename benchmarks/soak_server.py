"""The server of the soak run: it does wrong what a prompt asks for. A process of its own, plain asyncio.

A prompt is ``[number, fault]``. The port is the first line of the output; the server ends with its standard input.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import sys
from collections import Counter
from typing import Any

PIECES = 10
"""Pieces of an answer."""

OUTCOMES: dict[str, str] = {
    "none": "answer",
    "drip": "answer",
    "no usage": "answer",
    "no [DONE]": "answer",
    "reset after the finish reason": "answer",
    "kept open after [DONE]": "answer",
    "unary answer": "answer",
    "429 once": "answer",
    "503 twice": "answer",
    "reset once": "answer",
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

AFTER = {"402 in the stream", "finish reason of error", "reset", "ended early", "garbage", "silence"}
"""Faults that strike after half of the pieces."""


def pieces_of(number: int) -> list[str]:
    """The answer to a prompt."""
    return [f"{number}:{place} é🍁 " for place in range(PIECES)]


def _event(delta: dict[str, Any], finish_reason: str | None = None, **top: Any) -> bytes:
    choices = [{"index": 0, "delta": delta, "finish_reason": finish_reason}]
    document = {"id": "gen-1", "created": 1, "model": "m", "choices": choices, **top}
    return _chunk(f"data: {json.dumps(document, ensure_ascii=False)}\n\n".encode())


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def _whole(status: int, body: bytes, kind: str = "application/json") -> bytes:
    return f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
FINISH = _event({}, "stop")
USAGE = _event({}, usage={"prompt_tokens": 1, "completion_tokens": PIECES, "total_tokens": 1 + PIECES})
DONE = _chunk(b"data: [DONE]\n\n")
END = b"0\r\n\r\n"


async def _wait_for_leaving(reader: asyncio.StreamReader, seconds: float) -> None:
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(reader.read(1), seconds)


class Server:
    """Plays the faults that prompts ask for.

    Args:
        pause: Seconds between two pieces.
    """

    def __init__(self, pause: float) -> None:
        self._pause = pause
        self._attempts: Counter[int] = Counter()
        self.connections = self.open_connections = self.requests = self.open_streams = self.most_open_streams = 0

    async def run(self) -> None:
        """Serve until the standard input ends, which it does with the process that started this one."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=4096)
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        os._exit(0)  # whoever is still connected is of no interest

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open_connections += 1
        try:
            while await self._answer(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open_connections -= 1
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether another may follow."""
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"GET /stats"):
            writer.write(_whole(200, json.dumps(self._statistics()).encode()))
            return True
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-l"))
        body = json.loads(await reader.readexactly(length))
        self.requests += 1
        self.open_streams += 1
        self.most_open_streams = max(self.most_open_streams, self.open_streams)
        try:
            content = body["messages"][-1]["content"]
            number, fault = json.loads(content if isinstance(content, str) else content[0]["text"])
            return await self._play(reader, writer, number, fault)
        finally:
            self.open_streams -= 1

    def _statistics(self) -> dict[str, int]:
        return {
            "connections": self.connections,
            "open_connections": self.open_connections - 1,  # but for the one that asks
            "requests": self.requests,
            "most_open_streams": self.most_open_streams,
        }

    async def _play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int, fault: str) -> bool:
        self._attempts[number] += 1
        attempt = self._attempts[number]
        pieces = pieces_of(number)
        if fault == "reset once" and attempt == 1:
            writer.transport.abort()
            return False
        if fault in ("429 once", "503 twice") and attempt <= (1 if fault == "429 once" else 2):
            writer.write(_whole(int(fault[:3]), b'{"error": {"code": "busy", "message": "busy"}}'))
            return True
        del self._attempts[number]
        if fault == "401":
            writer.write(_whole(401, b'{"error": "unauthorized", "message": "who are you?"}'))
            return True
        if fault == "page":
            writer.write(_whole(200, b"<html><title>Sign in</title></html>", "text/html"))
            return True
        if fault == "unary answer":
            message = {"role": "assistant", "content": "".join(pieces)}
            document = {"id": "g", "model": "m", "choices": [{"index": 0, "finish_reason": "stop", "message": message}]}
            writer.write(_whole(200, json.dumps(document).encode()))
            return True
        writer.write(HEAD)
        for place, piece in enumerate(pieces):
            await asyncio.sleep(self._pause * random.uniform(0.5, 1.5))
            if fault in AFTER and place == PIECES // 2:
                return await self._strike(reader, writer, fault)
            event = _event({"content": piece})
            if fault == "drip":
                for start in range(0, len(event), 40):
                    writer.write(event[start : start + 40])
                    await asyncio.sleep(0)
            else:
                writer.write(event)
            if writer.transport.is_closing():
                return False
        writer.write(FINISH)
        if fault == "reset after the finish reason":
            await writer.read_rest()
            writer.transport.abort()
            return False
        if fault != "no usage":
            writer.write(USAGE)
        if fault != "no [DONE]":
            writer.write(DONE)
        if fault == "kept open after [DONE]":
            await _wait_for_leaving(reader, 2)
        writer.write(END)
        await writer.read_rest()
        return True

    async def _strike(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: str) -> bool:
        if fault == "reset":
            writer.transport.abort()
            return False
        if fault == "silence":
            await _wait_for_leaving(reader, 90)
            return False
        writer.write(
            {
                "402 in the stream": _event({}, "error", error={"code": 402, "message": "budget exceeded"}),
                "finish reason of error": _event({}, "error") + DONE,
                "garbage": _chunk(b"data: \x00 no JSON\n\n"),
                "ended early": b"",
            }[fault]
            + END
        )
        return True


if __name__ == "__main__":
    asyncio.run(Server(float(sys.argv[1])).run())
