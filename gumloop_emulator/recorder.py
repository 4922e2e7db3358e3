"""Standing in front of the real endpoint: everything passes through, and each exchange is kept."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx

from gumloop_core import Endpoint
from gumloop_emulator.failures import failure_body
from gumloop_emulator.http11 import Response
from gumloop_emulator.local_server import PREFIX, LocalServer
from gumloop_emulator.recording import exchange
from gumloop_emulator.script import Drop, Failure
from gumloop_emulator.traffic import ReceivedRequest

# What belongs to one connection, not to what passes through it.
_OF_THE_CONNECTION = frozenset({"host", "connection", "keep-alive", "transfer-encoding", "te", "upgrade"})


class Recorder(LocalServer):
    """A proxy that records, for `Emulator.replay` to play back.

        with Recorder("answers.jsonl") as proxy:
            client = ...  # with base_url=proxy.base_url, and the real endpoint's credentials

    Everything passes as it is, at its pace, but for `Accept-Encoding`, which asks for readable answers. What is kept
    is described in `gumloop_emulator.recording`.

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

    async def _ended(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def respond(self, request: ReceivedRequest) -> Response:
        """Ask the real endpoint, and pass on what it says."""
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=self._timeout, limits=httpx.Limits(max_connections=None))
        base = self.endpoint.stream_base_url if request.is_chat else self.endpoint.base_url
        headers = {name: value for name, value in request.headers.items() if name not in _OF_THE_CONNECTION}
        asked = self._client.build_request(
            request.method,
            base + request.path.removeprefix(PREFIX),
            params=request.query,
            headers={**headers, "accept-encoding": "identity"},
            content=request.body,
        )
        begun = time.monotonic()
        try:
            answer = await self._client.send(asked, stream=True)
        except httpx.HTTPError as error:
            body, kind = failure_body(Failure(502, f"The real endpoint could not be reached: {error!r}."))
            return Response([body], 502, {"content-type": kind})
        passed = {name: value for name, value in answer.headers.items() if name not in _OF_THE_CONNECTION}
        pieces = self._pass_on(request, answer, begun)
        return Response(pieces, answer.status_code, passed, streamed="content-length" not in passed)

    async def _pass_on(
        self, request: ReceivedRequest, answer: httpx.Response, before: float
    ) -> AsyncIterator[bytes | Drop]:
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
            line = json.dumps(exchange(request, answer.status_code, answer.headers, pieces, whole), ensure_ascii=False)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
