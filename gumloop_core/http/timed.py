"""Time limits that hold whatever the transport: for asynchronous clients that the caller passed.

httpx hands a request's timeouts to the client's transport, and it is the transport that keeps them. httpx's own looks
them up again at each read. Others settle them when the request is sent, or know none. The pools' connections keep them,
so that their reads need not be timed twice. With a client of httpx2, all of this is httpx2's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import anyio
import httpx

from gumloop_core.http.http_library import StreamWrapper, library_of, of_library

if TYPE_CHECKING:
    from gumloop_core.http.passed import AsyncHttpClient


async def send(client: AsyncHttpClient, request: httpx.Request) -> httpx.Response:
    """Send a request; its answer begins within the sum of the request's timeouts, and each read keeps its own.

    Raises:
        ReadTimeout: If the answer has not begun by then.
    """
    phases = request.extensions["timeout"].values()
    seconds = None if None in phases else sum(phases)
    library = library_of(client)
    with anyio.move_on_after(seconds):
        response: httpx.Response = await client.send(request, stream=True, auth=None, follow_redirects=False)
        if isinstance(response.stream, library.AsyncByteStream):
            response.stream = of_library(_TimedStream, library.AsyncByteStream)(response.stream, request, library)
        return response
    raise library.ReadTimeout("", request=request)


class _TimedStream(StreamWrapper):
    """The bytes of a response as they arrive, each read within what its request's timeout says at that moment."""

    def __init__(self, stream: Any, request: httpx.Request, library: Any) -> None:
        super().__init__(stream)
        self._request = request
        self._library = library

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _TimedReads(aiter(self._stream), self._request, self._library)

    async def aclose(self) -> None:
        await self._stream.aclose()


class _TimedReads(AsyncIterator[bytes]):
    """No generator: its reader could leave it, or go on in another task, while a cancel scope is open."""

    def __init__(self, reads: AsyncIterator[bytes], request: httpx.Request, library: Any) -> None:
        self._reads = reads
        self._request = request
        self._library = library

    async def __anext__(self) -> bytes:
        with anyio.move_on_after(self._request.extensions["timeout"]["read"]):
            return await anext(self._reads)
        raise self._library.ReadTimeout("", request=self._request)
