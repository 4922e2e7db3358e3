"""Standing in front of the real endpoint: everything passes through, and each exchange is kept."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx

from gumloop_core import Endpoint
from gumloop_emulator.failures import render_failure
from gumloop_emulator.http11 import Response
from gumloop_emulator.local_server import PREFIX, LocalServer
from gumloop_emulator.recording import exchange_of
from gumloop_emulator.script import Drop, Failure, Step
from gumloop_emulator.traffic import ReceivedRequest

# What belongs to one connection, not to what passes through it.
_OF_THE_CONNECTION = frozenset(
    {"host", "connection", "keep-alive", "transfer-encoding", "content-length", "te", "upgrade"}
)


class Recorder(LocalServer):
    """A proxy that records, for `Emulator.replay` to play back.

        with Recorder("answers.jsonl") as proxy:
            client = ...  # with base_url=proxy.base_url, and credentials of the real endpoint

    Requests go out as they came, but for `Accept-Encoding`, which asks for readable answers. Credentials, the ids of
    user and team and cookies are passed on, and not recorded.

    Args:
        path: The file that exchanges are appended to.
        base_url: The real API host; `GUMLOOP_BASE_URL` if None, else the vendor's.
        stream_base_url: The real chat host; it follows from `base_url` if None.
        timeout: Seconds that the real endpoint may be silent.
        listening: `host`, `port`, `keep_requests`.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        base_url: str | None = None,
        stream_base_url: str | None = None,
        timeout: float = 3600.0,
        **listening: Any,
    ) -> None:
        super().__init__(**listening)
        self.path = Path(path)
        self.endpoint = Endpoint.resolve(base_url, stream_base_url)
        self._timeout = timeout
        self._client: httpx.AsyncClient | None = None
        self._writing = threading.Lock()

    async def _begun(self) -> None:
        limits = httpx.Limits(max_connections=None)
        self._client = httpx.AsyncClient(timeout=self._timeout, limits=limits, trust_env=True)

    async def _ended(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def respond(self, request: ReceivedRequest) -> Response:
        """Ask the real endpoint, and pass on what it says."""
        assert self._client is not None
        base = self.endpoint.stream_base_url if request.is_chat else self.endpoint.base_url
        headers = {name: value for name, value in request.headers.items() if name not in _OF_THE_CONNECTION}
        headers["accept-encoding"] = "identity"
        url = base + request.path.removeprefix(PREFIX)
        asked = self._client.build_request(
            request.method, url, params=request.query, headers=headers, content=request.body
        )
        begun = time.monotonic()
        try:
            answer = await self._client.send(asked, stream=True)
        except httpx.HTTPError as error:
            body, kind = render_failure(Failure(502, f"The real endpoint cannot be reached: {type(error).__name__}."))
            return Response([body], 502, {"content-type": kind})
        passed = {name: value for name, value in answer.headers.items() if name not in _OF_THE_CONNECTION}
        if "content-length" in answer.headers:
            passed["content-length"] = answer.headers["content-length"]
        is_stream = "content-length" not in answer.headers
        pieces = self._pieces(request, answer, begun)
        return Response(pieces, answer.status_code, passed, streamed=is_stream)

    async def _pieces(self, request: ReceivedRequest, answer: httpx.Response, before: float) -> AsyncIterator[Step]:
        pieces: list[tuple[float, bytes]] = []
        whole = False
        try:
            async for piece in answer.aiter_raw():
                now = time.monotonic()
                pieces.append((now - before, piece))
                before = now
                yield piece
            whole = True
        except httpx.HTTPError:
            yield Drop()
        finally:
            await answer.aclose()
            exchange = exchange_of(request, answer.status_code, answer.headers, pieces, whole=whole)
            with self._writing, self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(exchange, ensure_ascii=False) + "\n")
