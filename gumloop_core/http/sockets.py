"""Reach the sockets below an httpx client, to end what waits for them from outside.

Neither httpx nor asyncio has a public way to do this. Where their insides are not as expected, nothing is done: a call
then ends when its time is over, and a socket when it is collected.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx


def shut_down(client: httpx.Client) -> None:
    """End what other threads read from or write to a client's connections, at once.

    The sockets stay open, since their numbers must not be given to others while a thread waits for them.
    """
    for stream in _network_streams(client):
        with suppress(Exception):
            shut_down_socket(stream.get_extra_info("socket"))


def shut_down_socket(waited_for: socket.socket | None) -> None:
    """End what other threads read from or write to a socket, at once."""
    if waited_for is not None:
        with suppress(Exception):
            # Not the method of a TLS socket, which would take from the waiting thread what it reads with.
            socket.socket.shutdown(waited_for, socket.SHUT_RDWR)


def is_readable(waiting: socket.socket) -> bool:
    """Whether there is something to read from a socket, or its end."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(waiting, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([waiting], [], [], 0)[0])  # Windows, where any number of a socket will do


def duplicate(stream: Any) -> socket.socket | None:
    """Another number for the socket of a connection of httpx's: TLS takes the first away."""
    with suppress(Exception):
        duplicated: socket.socket = stream.get_extra_info("socket").dup()
        return duplicated
    return None


def drop(client: httpx.AsyncClient) -> None:
    """Close the sockets of a client whose event loop is closed, so that nothing can be awaited there."""
    for stream in _network_streams(client):
        inner: Any = getattr(stream, "_stream", None)
        while hasattr(inner, "transport_stream"):  # TLS
            inner = inner.transport_stream
        lose(getattr(inner, "_transport", None))
    transport: Any = getattr(client, "_transport", None)
    if hasattr(transport, "drop"):
        transport.drop()


def lose(transport: Any) -> None:
    """Close the socket of an asyncio transport whose event loop is closed."""
    below = getattr(getattr(transport, "_ssl_protocol", None), "_transport", None)
    transport = below if below is not None else transport
    with suppress(Exception):
        transport._call_connection_lost(None)
    with suppress(Exception):
        transport.get_extra_info("socket")._sock.close()


def _network_streams(client: Any) -> Iterator[Any]:
    for transport in (getattr(client, "_transport", None), *getattr(client, "_mounts", {}).values()):
        for connection in list(getattr(getattr(transport, "_pool", None), "connections", ())):
            current = connection
            while current is not None:
                stream = getattr(current, "_network_stream", None)
                if stream is not None:
                    yield stream
                    break
                current = getattr(current, "_connection", None)  # of a connection through a proxy, for example
