"""The server that all contenders talk to: plain asyncio, bytes rendered beforehand, a process of its own.

The first part of the path says how to answer a request to stream:

- ``/flat-1000``: a text of 1,000 pieces, as fast as the socket takes them;
- ``/paced-200-1000``: 200 pieces, one every 1,000 µs;
- ``/openai-1000``, ``/padded-1000``: the same in the form of OpenAI's recorded streams, without and with its padding;
- ``/tools-1000``: a tool call whose arguments come in 1,000 pieces;
- ``/held-500-20-5000``: 20 pieces, one every 5,000 µs, but none before 500 such streams are open.

Each event is an HTTP chunk of its own, as servers of this kind send them. Any request that does not ask for a stream
gets one short answer. ``/stats`` tells how many connections were accepted and how many streams were open at once.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import defaultdict
from functools import lru_cache
from typing import Any

if __package__:
    from benchmarks import answers
else:  # started as a script
    import answers  # type: ignore[no-redef]

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_STREAM = re.compile(rb'"stream": ?true')
_STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_LAST_CHUNK = b"0\r\n\r\n"


class Statistics:
    """What the server has seen."""

    def __init__(self) -> None:
        self.connections = 0
        self.requests = 0
        self.open_streams = 0
        self.most_open_streams = 0
        self.waiting: defaultdict[str, list[Connection]] = defaultdict(list)


class Connection(asyncio.Protocol):
    """One connection, kept alive."""

    transport: asyncio.Transport

    def __init__(self, statistics: Statistics) -> None:
        self._statistics = statistics
        self._received = bytearray()
        self._events: tuple[bytes, ...] = ()
        self._next = 0
        self._due = 0.0
        self._pause = 0.0
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: Any) -> None:
        """Take the connection."""
        self.transport = transport
        self._statistics.connections += 1

    def data_received(self, data: bytes) -> None:
        """Take bytes; answer once a request is whole."""
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._received[:end])
        length = _LENGTH.search(head)
        whole = end + 4 + (int(length[1]) if length else 0)
        if len(self._received) < whole:
            return
        body = bytes(self._received[end + 4 : whole])
        del self._received[:whole]
        self._answer(head.split(b" ", 2)[1].split(b"/")[1].decode(), bool(_STREAM.search(body)))

    def _answer(self, mode: str, stream: bool) -> None:
        statistics = self._statistics
        if mode == "stats":
            self.transport.write(_whole(json.dumps(statistics.__dict__, default=lambda _: None).encode()))
            return
        statistics.requests += 1
        if not stream:
            self.transport.write(_unary())
            return
        kind, *numbers = mode.split("-")
        match kind:
            case "flat" | "openai" | "padded" | "tools":
                self.transport.write(_flat(mode))
            case "paced":
                self._begin(int(numbers[0]), int(numbers[1]))
            case "held":
                self._hold(mode, *map(int, numbers))

    def _hold(self, mode: str, together: int, count: int, microseconds: int) -> None:
        waiting = self._statistics.waiting[mode]
        waiting.append(self)
        if len(waiting) >= together:
            for connection in waiting:
                connection._begin(count, microseconds)
            waiting.clear()

    def _begin(self, count: int, microseconds: int) -> None:
        statistics = self._statistics
        statistics.open_streams += 1
        statistics.most_open_streams = max(statistics.most_open_streams, statistics.open_streams)
        self._events = _framed_text(count)
        self._next = 0
        self._pause = microseconds / 1e6
        self._due = self._loop.time()
        self.transport.write(_STREAM_HEAD)
        self._send_next()

    def _send_next(self) -> None:
        if self.transport.is_closing():
            self._statistics.open_streams -= 1
            return
        # One event a turn, also when behind: a chunk is to be a packet of its own.
        self.transport.write(self._events[self._next])
        self._next += 1
        if self._next == len(self._events):
            self._statistics.open_streams -= 1
            return
        self._due += self._pause
        self._loop.call_at(self._due, self._send_next)


def _whole(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _frame(event: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(event), event)


@lru_cache(maxsize=1)
def _unary() -> bytes:
    return _whole(answers.unary())


@lru_cache(maxsize=64)
def _flat(mode: str) -> bytes:
    kind, count = mode.split("-")
    if kind == "tools":
        events = answers.tool_events(int(count))
    elif kind == "flat":
        events = answers.text_events(int(count))
    else:
        events = answers.openai_events(int(count), padded=kind == "padded")
    return _STREAM_HEAD + b"".join(map(_frame, events)) + _LAST_CHUNK


@lru_cache(maxsize=64)
def _framed_text(count: int) -> tuple[bytes, ...]:
    framed = list(map(_frame, answers.text_events(count)))
    framed[-1] += _LAST_CHUNK
    return tuple(framed)


async def serve() -> None:
    """Serve until killed; the first line printed is the port."""
    statistics = Statistics()
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(statistics), "127.0.0.1", 0, backlog=4096
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
