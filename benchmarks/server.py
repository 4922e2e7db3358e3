"""The server that all contenders talk to: the emulator's, with whole responses rendered beforehand.

The first part of the path says how to answer a request to stream: ``/flat-1000`` is a text of 1,000 pieces, as fast as
the socket takes them; ``/openai-1000`` and ``/padded-1000`` are the same in the form of OpenAI's recorded streams,
without and with its padding; ``/tools-1000`` is a tool call whose arguments come in 1,000 pieces; ``/calls-1000`` are
1,000 calls; ``/paced-200-1000`` is 200 pieces, one every 1,000 µs; ``/held-20-5000`` is one piece and silence until
``/release`` is asked for; then the others come, one every 5,000 µs, each stream's at moments of its own.

Each event is an HTTP chunk of its own, as servers of this kind send them. Any request that does not ask for a stream
gets one short answer. ``/stats`` tells how many connections were accepted.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import ssl
from collections.abc import AsyncGenerator
from functools import lru_cache, partial

from benchmarks import answers
from gumloop_emulator.http11 import LocalServer, Response
from gumloop_emulator.traffic import ReceivedRequest

_EVENTS = {
    "flat": answers.text_events,
    "openai": answers.openai_events,
    "padded": partial(answers.openai_events, padded=True),
    "tools": answers.tool_events,
    "calls": answers.calls_events,
}
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_UNARY_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
UNARY = [_UNARY_HEAD % len(answers.unary()) + answers.unary()]
"""A whole response: its head and an answer."""


class BenchmarkServer(LocalServer):
    """Answers as the path says; over TLS if there is a file with a certificate and its key."""

    def __init__(self, certificate: str = "") -> None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH) if certificate else None
        if tls is not None:
            tls.load_cert_chain(certificate)
        super().__init__(keep_requests=0, tls=tls)
        self._released, self._turns = asyncio.Event(), itertools.count()

    async def respond(self, request: ReceivedRequest) -> Response:
        """Answer one request."""
        mode = request.path.split("/")[1]
        if mode == "stats":
            return Response([b'{"connections": %d}' % self.connections])
        if mode == "release":
            self._released.set()
            self._released = asyncio.Event()
            return Response([b"{}"])
        if not re.search(rb'"stream": ?true', request.body):
            return Response(UNARY, raw=True)
        kind, *numbers = mode.split("-")
        if kind in _EVENTS:
            return Response(_flat(kind, int(numbers[0])), raw=True)
        count, microseconds = map(int, numbers)
        return Response(self._paced(_chunks("flat", count), microseconds / 1e6, is_held=kind == "held"), raw=True)

    async def _paced(self, chunks: list[bytes], pause: float, *, is_held: bool) -> AsyncGenerator[bytes, None]:
        clock = asyncio.get_running_loop().time
        first, *others = chunks
        yield _HEAD
        yield first
        if is_held:
            await self._released.wait()
        due = clock() + pause * (next(self._turns) * 0.618 % 1 if is_held else 1)
        await asyncio.sleep(due - clock())
        for chunk in others:
            yield chunk
            due += pause
            # One event a turn, also when behind: a chunk is to be a packet of its own.
            await asyncio.sleep(due - clock())


@lru_cache(maxsize=64)
def _chunks(kind: str, count: int) -> list[bytes]:
    *first, last = [b"%x\r\n%b\r\n" % (len(event), event) for event in _EVENTS[kind](count)]
    return [*first, last + b"0\r\n\r\n"]


def streamed(kind: str, count: int) -> list[bytes]:
    """A response that comes in so many pieces, each of them written for itself."""
    return [_HEAD, *_chunks(kind, count)]


@lru_cache(maxsize=64)
def _flat(kind: str, count: int) -> list[bytes]:
    return [b"".join(streamed(kind, count))]
