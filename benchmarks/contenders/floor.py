"""What both floors share: the least that asking with httpx and json takes.

It has no retries, no errors, no credentials and no oddities of the wire; only what the work needs.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx

from benchmarks.answers import MODEL

_HEADERS = {"Authorization": "Bearer benchmark", "Content-Type": "application/json"}
_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=100)


class Endpoint:
    """Where a floor asks. It reads fast, and right only from a server that keeps to one way of writing events."""

    def __init__(self, base_url: str) -> None:
        self._url = f"{base_url}/chat/completions"
        self._client = httpx.Client(headers=_HEADERS, timeout=60, limits=_LIMITS)
        self._async_client = httpx.AsyncClient(headers=_HEADERS, timeout=60, limits=_LIMITS)

    def answer(self, messages: list[Any], options: dict[str, Any]) -> Any:
        """A whole answer."""
        return json.loads(self._client.post(self._url, content=_body(messages, options)).content)

    async def aanswer(self, messages: list[Any], options: dict[str, Any]) -> Any:
        """The same, asynchronously."""
        return json.loads((await self._async_client.post(self._url, content=_body(messages, options))).content)

    def chunks(self, messages: list[Any], options: dict[str, Any]) -> Iterator[Any]:
        """The chunks of a streamed answer."""
        body, rest = _body(messages, options, stream=True), b""
        with self._client.stream("POST", self._url, content=body) as response:
            for piece in response.iter_bytes():
                *events, rest = (rest + piece).split(b"\n\n")
                for event in events:
                    if event != b"data: [DONE]":
                        yield json.loads(event[6:])

    async def achunks(self, messages: list[Any], options: dict[str, Any]) -> AsyncIterator[Any]:
        """The same, asynchronously."""
        body, rest = _body(messages, options, stream=True), b""
        async with self._async_client.stream("POST", self._url, content=body) as response:
            async for piece in response.aiter_bytes():
                *events, rest = (rest + piece).split(b"\n\n")
                for event in events:
                    if event != b"data: [DONE]":
                        yield json.loads(event[6:])


def _body(messages: list[Any], options: dict[str, Any], *, stream: bool = False) -> bytes:
    body = {"model": MODEL, "messages": messages, "stream": stream}
    if "tools" in options:
        body["tools"] = options["tools"]
    return json.dumps(body, separators=(",", ":")).encode()
