"""Clients that the caller passes, of httpx or httpx2, as transports: they keep their settings, and stay open."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

from gumloop_core.errors import ConfigurationError
from gumloop_core.http import timed
from gumloop_core.http.http_library import library_of
from gumloop_core.http.httpx_response import AsyncHttpxResponse, HttpxResponse
from gumloop_core.http.transport import Request

if TYPE_CHECKING:
    from gumloop_core.http.passed import AsyncHttpClient, SyncHttpClient


class CallersTransport:
    """Sends with a client of the caller's."""

    def __init__(self, client: SyncHttpClient) -> None:
        self._client = client

    def begin(self) -> threading.Event:
        """Begin a call, which only the caller ends."""
        return threading.Event()

    def send(self, request: Request, _closed: threading.Event) -> HttpxResponse:
        """Send a request.

        Raises:
            ConfigurationError: If the client is closed.
        """
        client = self._client
        if client.is_closed:
            raise ConfigurationError("The http_client that was passed is closed. Pass one that is open.")
        built = _built(client, request)
        return HttpxResponse(client.send(built, stream=True, auth=None, follow_redirects=False))

    def close(self) -> None:
        """Nothing is closed that others have opened."""


class AsyncCallersTransport:
    """Sends with an asynchronous client of the caller's; see :class:`CallersTransport`."""

    def __init__(self, client: AsyncHttpClient) -> None:
        self._client = client

    async def begin(self) -> asyncio.Event:
        """Begin a call, which only the caller ends."""
        return asyncio.Event()

    async def send(self, request: Request, _closed: asyncio.Event) -> AsyncHttpxResponse:
        """Send a request.

        Raises:
            ConfigurationError: If the client is closed, or belongs to another event loop.
        """
        client = self._client
        if client.is_closed:
            raise ConfigurationError("The http_async_client that was passed is closed. Pass one that is open.")
        try:
            return AsyncHttpxResponse(await timed.send(client, _built(client, request)))
        except RuntimeError as error:
            if "event loop" not in str(error).lower():
                raise
        raise ConfigurationError(
            "The http_async_client that was passed belongs to another event loop, the one of its first "
            "request. Pass one for each loop, or none: then each loop has its own."
        )

    async def aclose(self) -> None:
        """Nothing is closed that others have opened."""


def _built(client: SyncHttpClient | AsyncHttpClient, request: Request) -> Any:
    """A request of the client's library, to which the client has added its own headers, cookies and parameters."""
    url = request.url if isinstance(request.url, library_of(client).URL) else str(request.url)
    return client.build_request(
        request.method,
        url,
        headers=request.headers,
        content=request.content,
        extensions={"timeout": request.timeouts},
    )
