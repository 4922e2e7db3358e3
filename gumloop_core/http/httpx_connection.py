"""Connections that are httpx's, one client each: through proxies, and where nothing quicker is installed."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import anyio
import httpx

from gumloop_core.http import environment, sockets
from gumloop_core.http.httpx_response import AsyncHttpxResponse, HttpxResponse
from gumloop_core.http.pool import IDLE_SECONDS
from gumloop_core.http.transport import Request

_ONE_CONNECTION = httpx.Limits(max_connections=None, max_keepalive_connections=1, keepalive_expiry=IDLE_SECONDS)


class _NoCookies(httpx.Cookies):
    def extract_cookies(self, response: httpx.Response) -> None:
        """Keep none of a response's."""


_NO_COOKIES = _NoCookies()


class Cookieless(httpx.Client):
    """A client that keeps no cookies: a pool's are for all users, and looking for them costs 3 % of a call."""

    cookies = property(lambda self: _NO_COOKIES)  # httpx looks a client's up by this


class AsyncCookieless(httpx.AsyncClient):
    """The same, asynchronous."""

    cookies = property(lambda self: _NO_COOKIES)


class HttpxConnection:
    """Sends one synchronous request at a time, with a client that has the proxies of the environment.

    Args:
        scheme: That of all its requests.
    """

    def __init__(self, scheme: str) -> None:
        context = environment.tls_context_for(scheme)
        self._client = environment.with_proxies(
            lambda: Cookieless(verify=context, limits=_ONE_CONNECTION, timeout=None)
        )
        self._opening: socket.socket | None = None  # that of a connection which is not yet the client's
        self._is_ended = False

    @property
    def is_open(self) -> bool:
        """Whether another request can be sent: a client connects again by itself."""
        return not self._is_ended

    def send(self, request: Request, release: Callable[[], None]) -> HttpxResponse:
        """Send a request and wait for the head of its response.

        Args:
            request: The request.
            release: Called when the response is closed.
        """
        try:
            sent = _httpx_request(request, self._trace)
            response = self._client.send(sent, stream=True, auth=None, follow_redirects=False)
        finally:
            self._has_opened()
        return HttpxResponse(response, release)

    def end(self) -> None:
        """End the request, whose thread may be waiting."""
        self._is_ended = True
        sockets.shut_down_socket(self._opening)
        sockets.shut_down(self._client)

    def close(self) -> None:
        """Close the connection."""
        with suppress(Exception):  # it is not used again
            self._client.close()

    def _trace(self, event: str, info: dict[str, Any]) -> None:
        """Follow the request; httpx calls this."""
        if event.endswith("connect_tcp.complete"):
            # While TLS shakes hands, the socket is in nobody's hands but its own.
            self._opening = sockets.duplicate(info["return_value"])
            if self._is_ended:
                sockets.shut_down_socket(self._opening)
        elif event.endswith("send_request_headers.started") and info["request"].method != b"CONNECT":
            info["request"].extensions.pop("trace", None)  # what follows is not worth being told of
            self._has_opened()

    def _has_opened(self) -> None:
        if self._opening is not None:
            self._opening.close()
            self._opening = None


class AsyncHttpxConnection:
    """Sends one asynchronous request at a time; see :class:`HttpxConnection`."""

    def __init__(self, scheme: str) -> None:
        context = environment.tls_context_for(scheme)
        self._client = environment.with_proxies(
            lambda: AsyncCookieless(verify=context, limits=_ONE_CONNECTION, timeout=None)
        )
        self._opening: Any = None
        # What a request is sent in, until its answer begins; None from then on, for some versions of anyio keep the
        # task in it, and the task may have the stream.
        self._sending: anyio.CancelScope | None = None
        self._is_ended = False

    @property
    def is_open(self) -> bool:
        """Whether another request can be sent: a client connects again by itself."""
        return not self._is_ended

    async def send(self, request: Request, release: Callable[[], Awaitable[None]]) -> AsyncHttpxResponse:
        """Send a request and wait for the head of its response.

        Raises:
            ConnectionAbortedError: If the request was ended.
        """
        self._sending = anyio.CancelScope()
        try:
            sent = _httpx_request(request, self._trace)
            with self._sending:
                response = await self._client.send(sent, stream=True, auth=None, follow_redirects=False)
                self._sending = None
                return AsyncHttpxResponse(response, release)
            raise ConnectionAbortedError
        except BaseException:
            if self._opening is not None:
                # A cancellation came while TLS shook hands; httpx leaves the connection open then.
                with suppress(Exception):
                    await self._opening.aclose()
            raise

    async def end(self) -> None:
        """End the request, whose task may be waiting."""
        self._is_ended = True
        if self._sending is not None:
            self._sending.cancel()
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connection."""
        with suppress(Exception):
            await self._client.aclose()

    def drop(self) -> None:
        """Close the socket of a loop that is closed."""
        sockets.drop(self._client)

    async def _trace(self, event: str, info: dict[str, Any]) -> None:
        if event.endswith("connect_tcp.complete"):
            self._opening = info["return_value"]
        elif event.endswith("send_request_headers.started") and info["request"].method != b"CONNECT":
            info["request"].extensions.pop("trace", None)
            self._opening = None


def _httpx_request(request: Request, trace: Callable[..., Any]) -> httpx.Request:
    """A request for a client that has no headers, cookies or parameters to add."""
    return httpx.Request(
        request.method,
        request.url,
        headers=request.headers,
        content=request.content,
        extensions={"timeout": request.timeouts, "trace": trace},
    )
