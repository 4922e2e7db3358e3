"""The asynchronous client, the twin of :mod:`gumloop_core.client`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from gumloop_core.answer import Completion, Delta
from gumloop_core.client import BORROWED
from gumloop_core.errors import ConfigurationError
from gumloop_core.retry import pause_before_retry
from gumloop_core.settings import UNSET, ClientSettings
from gumloop_core.wire import ChatBody

if TYPE_CHECKING:
    import httpx

    from gumloop_core.catalog import ModelGroup, RouteDecision
    from gumloop_core.exchange import Exchange

Answer = TypeVar("Answer")


class AsyncGumloopClient:
    """Talks to the endpoint, asynchronously. Safe to use from several event loops, one after another or at once.

    Args:
        settings: How to reach the endpoint; ``None`` to ask the environment.
        http_client: A client of the caller's to send with; it is never closed here. ``None`` for the running loop's
            pool.
    """

    def __init__(self, settings: ClientSettings | None = None, http_client: httpx.AsyncClient | None = None) -> None:
        self._settings = settings or ClientSettings()
        self._http_client = http_client

    async def complete(
        self,
        body: ChatBody,
        *,
        timeout: Any = UNSET,
        headers: Mapping[str, str] | None = None,
        origins: Sequence[int] | None = None,
    ) -> Completion:
        """Ask for a whole answer; see :meth:`gumloop_core.client.GumloopClient.complete`."""
        bearer = await self._settings.credentials.abearer()
        exchange = self._settings.chat_exchange(
            bearer, body, stream=False, timeout=timeout, headers=headers, origins=origins
        )
        return await self._fetch(exchange, exchange.completion)

    async def stream(
        self,
        body: ChatBody,
        *,
        timeout: Any = UNSET,
        headers: Mapping[str, str] | None = None,
        origins: Sequence[int] | None = None,
    ) -> AsyncGenerator[Delta, None]:
        """Ask for a streamed answer; see :meth:`gumloop_core.client.GumloopClient.stream`."""
        from gumloop_core.drain import adrain
        from gumloop_core.exchange import FAILURES

        bearer = await self._settings.credentials.abearer()
        exchange = self._settings.chat_exchange(
            bearer, body, stream=True, timeout=timeout, headers=headers, origins=origins
        )
        attempt = 0
        while True:
            attempt += 1
            reader = exchange.reader()
            try:
                response = await self._send(exchange)
                try:
                    if not response.is_success:
                        exchange.check_status(response, await self._read(exchange, response))
                    stream = exchange.begin_stream(response, reader)
                    pieces = response.aiter_bytes()
                    async for piece in pieces:
                        for delta in stream.feed(piece):
                            yield delta
                        if reader.done:
                            break
                    for delta in stream.finish():
                        yield delta
                    await adrain(pieces)
                    return
                finally:
                    await self._close(response)
            except FAILURES as error:
                if exchange.is_answered(error, reader):
                    break
                failure = exchange.translated(error, reader)
                pause = None if reader.started else pause_before_retry(failure, attempt, self._settings.max_retries)
                if pause is None:
                    piece = b""  # see the twin
                    raise failure from failure.__cause__
            await asyncio.sleep(pause)
        yield reader.last_delta()

    async def models(self) -> list[ModelGroup]:
        """List the models that the endpoint serves; see :meth:`gumloop_core.client.GumloopClient.models`."""
        from gumloop_core.catalog import read_model_groups

        settings = self._settings
        return read_model_groups(await self._call_api("GET", settings.endpoint.models_url))

    async def route(
        self,
        input: str | list[dict[str, Any]],
        *,
        models: Sequence[str] | None = None,
        **options: Any,
    ) -> RouteDecision:
        """Ask the router which model it would use; see :meth:`gumloop_core.client.GumloopClient.route`."""
        from gumloop_core.catalog import read_route_decision, route_body

        settings = self._settings
        body = route_body(input, models, options, settings.credentials.team_id)
        return read_route_decision(await self._call_api("POST", settings.endpoint.route_url, body))

    async def aclose(self) -> None:
        """Close the running loop's connections, unless another client uses them. A later call opens new ones."""
        if self._http_client is None:
            from gumloop_core import pools

            await pools.arelease(self)

    async def _call_api(self, method: str, url: str, body: dict[str, Any] | None = None) -> Any:
        bearer = await self._settings.credentials.abearer()
        exchange = self._settings.api_exchange(bearer, method, url, body)
        return await self._fetch(exchange, exchange.document)

    async def _fetch(self, exchange: Exchange, read: Callable[[httpx.Response, bytes], Answer]) -> Answer:
        """Send, read the body and make an answer of it; again where that may help."""
        from gumloop_core.exchange import FAILURES

        attempt = 0
        while True:
            attempt += 1
            try:
                response = await self._send(exchange)
                try:
                    # No variable here holds the body: a server may echo the key, and tracebacks show variables.
                    return read(response, await self._read(exchange, response))
                finally:
                    await self._close(response)
            except FAILURES as error:
                failure = exchange.translated(error)
                pause = pause_before_retry(failure, attempt, self._settings.max_retries)
                if pause is None:
                    raise failure from failure.__cause__
            await asyncio.sleep(pause)

    async def _send(self, exchange: Exchange) -> httpx.Response:
        from gumloop_core import pools, time_limits
        from gumloop_core.tracebacks import cut_below

        while True:
            borrowed = None
            if self._http_client is None:
                borrowed = await pools.aborrow(self, exchange.url, self._settings.async_transport)
            client = self._http_client if borrowed is None else borrowed.client
            assert client is not None
            if client.is_closed and borrowed is None:
                raise ConfigurationError("The http_async_client that was passed is closed. Pass one that is open.")
            request = exchange.request(client, own_pool=borrowed is not None)
            try:
                if borrowed is None or not borrowed.keeps_timeouts:
                    response = await time_limits.send(client, request)
                else:
                    response = await client.send(request, stream=True, auth=None, follow_redirects=False)
            except BaseException as error:
                if borrowed is not None:
                    await borrowed.agive_back()
                if isinstance(error, RuntimeError):
                    if borrowed is None and "event loop" in str(error).lower():
                        raise ConfigurationError(
                            "The http_async_client that was passed belongs to another event loop, the one of its first "
                            "request. Pass one for each loop, or none: then each loop has its own."
                        ) from None
                    if client.is_closed:
                        continue  # see the twin
                if not isinstance(error, Exception):
                    cut_below(error)
                raise
            response.extensions[BORROWED] = borrowed
            return response

    async def _close(self, response: httpx.Response) -> None:
        """Close a response; see the twin."""
        try:
            await response.aclose()
        finally:
            borrowed = response.extensions[BORROWED]
            if borrowed is not None:
                await borrowed.agive_back()

    async def _read(self, exchange: Exchange, response: httpx.Response) -> bytes:
        from gumloop_core.exchange import FAILURES

        body = exchange.body(response)
        try:
            async for piece in response.aiter_bytes():
                if not body.take(piece):
                    break
        except FAILURES:
            if not body.may_be_cut:
                raise
        return body.content()
