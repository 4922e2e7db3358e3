"""What both floors share: the least that reading a stream with httpx and json takes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx

HEADERS = {"Authorization": "Bearer benchmark", "Content-Type": "application/json"}
LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=100)


def chunks(response: httpx.Response) -> Iterator[dict[str, Any]]:
    """The chunks of a streamed answer. Fast, and right only for a server that keeps to one way of writing events."""
    rest = b""
    for piece in response.iter_bytes():
        *events, rest = (rest + piece).split(b"\n\n")
        for event in events:
            if event != b"data: [DONE]":
                yield json.loads(event[6:])


async def achunks(response: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    """The same, asynchronously."""
    rest = b""
    async for piece in response.aiter_bytes():
        *events, rest = (rest + piece).split(b"\n\n")
        for event in events:
            if event != b"data: [DONE]":
                yield json.loads(event[6:])
