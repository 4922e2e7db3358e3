"""The server that all contenders talk to: the emulator's, with whole responses rendered beforehand.

The first part of the path says how to answer a request to stream:

- ``/flat-1000``: a text of 1,000 pieces, as fast as the socket takes them;
- ``/openai-1000``, ``/padded-1000``: the same in the form of OpenAI's recorded streams, without and with its padding;
- ``/tools-1000``: a tool call whose arguments come in 1,000 pieces;
- ``/paced-200-1000``: 200 pieces, one every 1,000 µs;
- ``/held-500-20-5000``: 20 pieces, one every 5,000 µs, but none before 500 such streams are open.

Each event is an HTTP chunk of its own, as servers of this kind send them. Any request that does not ask for a stream
gets one short answer. ``/stats`` tells how many connections were accepted.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import AsyncGenerator
from functools import lru_cache, partial

from benchmarks import answers
from gumloop_emulator.http11 import LocalServer, Response
from gumloop_emulator.script import Pieces
from gumloop_emulator.traffic import ReceivedRequest

_STREAM = re.compile(rb'"stream": ?true')
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_END = b"0\r\n\r\n"
_EVENTS = {
    "flat": answers.text_events,
    "openai": answers.openai_events,
    "padded": partial(answers.openai_events, padded=True),
    "tools": answers.tool_events,
}


class BenchmarkServer(LocalServer):
    """Answers as the path says."""

    def __init__(self) -> None:
        super().__init__(keep_requests=0)
        self._held: defaultdict[str, list[asyncio.Event]] = defaultdict(list)

    async def respond(self, request: ReceivedRequest) -> Response:
        """Answer one request."""
        mode = request.path.split("/")[1]
        if mode == "stats":
            return Response([b'{"connections": %d}' % self.connections])
        pieces = self._stream(mode) if _STREAM.search(request.body) else _unary()
        return Response(pieces, raw=True)

    def _stream(self, mode: str) -> Pieces:
        kind, *numbers = mode.split("-")
        if kind in _EVENTS:
            return _flat(kind, int(numbers[0]))
        *together, count, microseconds = map(int, numbers)
        return self._paced(mode, sum(together), _chunks("flat", count), microseconds / 1e6)

    async def _paced(self, mode: str, together: int, chunks: list[bytes], pause: float) -> AsyncGenerator[bytes, None]:
        await self._hold(mode, together)
        yield _HEAD
        clock = asyncio.get_running_loop().time
        due = clock()
        for chunk in chunks:
            yield chunk
            due += pause
            # One event a turn, also when behind: a chunk is to be a packet of its own.
            await asyncio.sleep(due - clock())
        yield _END

    async def _hold(self, mode: str, together: int) -> None:
        """Wait until so many streams are open."""
        mine = asyncio.Event()
        self._held[mode].append(mine)
        if len(self._held[mode]) >= together:
            for held in self._held.pop(mode):
                held.set()
        await mine.wait()


@lru_cache(maxsize=1)
def _unary() -> list[bytes]:
    body = answers.unary()
    return [b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)]


@lru_cache(maxsize=64)
def _chunks(kind: str, count: int) -> list[bytes]:
    return [b"%x\r\n%b\r\n" % (len(event), event) for event in _EVENTS[kind](count)]


@lru_cache(maxsize=64)
def _flat(kind: str, count: int) -> list[bytes]:
    return [b"".join([_HEAD, *_chunks(kind, count), _END])]
