"""The asynchronous client: a body in, a completion or deltas out.

Why things are so is said in the synchronous one, :mod:`gumloop_core.http.client`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakValueDictionary

from gumloop_core.answer import Completion, Delta
from gumloop_core.errors import ConfigurationError, GumloopError
from gumloop_core.http.callers_clients import checked_client
from gumloop_core.http.settings import UNSET, ClientSettings
from gumloop_core.wire import ChatBody

if TYPE_CHECKING:
    import httpx

    from gumloop_core.http.decoding import Unpack
    from gumloop_core.http.exchange import Exchange
    from gumloop_core.reading.model_list import ModelGroup
    from gumloop_core.reading.route_decision import RouteDecision

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
        self._http_client: httpx.AsyncClient | None = checked_client(http_client, "http_async_client")
        self.users: WeakValueDictionary[int, object] = WeakValueDictionary()
        """The models that share this, by ``id``; see :meth:`aclose`."""

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._settings, self._http_client)

    async def complete(
        self,
        body: ChatBody,
        *,
        timeout: Any = UNSET,
        headers: Mapping[str, str] | None = None,
        caller_indices: Sequence[int] | None = None,
    ) -> Completion:
        """Ask for a whole answer; see :meth:`gumloop_core.http.client.GumloopClient.complete`."""
        exchange = self._settings.chat_exchange(
            body, stream=False, timeout=timeout, headers=headers, caller_indices=caller_indices
        )
        return await self._fetch(exchange, exchange.completion)

    async def stream(
        self,
        body: ChatBody,
        *,
        timeout: Any = UNSET,
        headers: Mapping[str, str] | None = None,
        caller_indices: Sequence[int] | None = None,
    ) -> AsyncGenerator[Delta, None]:
        """Ask for a streamed answer; see :meth:`gumloop_core.http.client.GumloopClient.stream`."""
        from gumloop_core.http.rest_of_body import aread_rest

        exchange = self._settings.chat_exchange(
            body, stream=True, timeout=timeout, headers=headers, caller_indices=caller_indices
        )
        while True:
            reader = exchange.reader()
            outcome: Delta | GumloopError | None = None
            try:
                response = await self._send(exchange)
                try:
                    if not response.is_success:
                        exchange.check_status(response, await self._read(exchange, response))
                    pieces = _pieces(exchange, response)
                    stream = exchange.begin_stream(response, reader)
                    async for piece in pieces:
                        for delta in stream.feed(piece):
                            yield delta
                        if reader.done:
                            break
                    for delta in stream.finish():
                        if delta.completion is None:
                            yield delta
                        else:
                            outcome = delta
                    await aread_rest(pieces)
                finally:
                    await self._close(exchange, response)
            except Exception as error:
                outcome = exchange.outcome(error, reader)
            if isinstance(outcome, Delta):
                yield outcome
                return
            assert outcome is not None
            pause = exchange.pause_after(outcome, reader)
            if pause is None:
                piece = b""  # an error in it may echo the key
                raise outcome from outcome.__cause__
            await _pause(exchange, pause)

    async def models(self) -> list[ModelGroup]:
        """List the models that the endpoint serves; see :meth:`gumloop_core.http.client.GumloopClient.models`."""
        from gumloop_core.reading.model_list import read_model_groups

        settings = self._settings
        return await self._call_api("GET", settings.endpoint.models_url, read_model_groups)

    async def route(
        self,
        input: str | list[dict[str, Any]],
        *,
        models: Sequence[str] | None = None,
        **options: Any,
    ) -> RouteDecision:
        """Ask the router which model it would use; see :meth:`gumloop_core.http.client.GumloopClient.route`."""
        from gumloop_core.reading.route_decision import read_route_decision
        from gumloop_core.writing.route_body import route_body

        settings = self._settings
        body = route_body(input, models, options, settings.credentials.team_id)
        return await self._call_api("POST", settings.endpoint.route_url, read_route_decision, body)

    async def aclose(self, user: object = None) -> None:
        """Close the running loop's connections; see :meth:`gumloop_core.http.client.GumloopClient.close`."""
        self.users.pop(id(user), None)
        if self._http_client is None and not self.users:
            from gumloop_core.http import pools

            await pools.arelease(self)

    async def _call_api(
        self, method: str, url: str, read: Callable[[Any], Answer], body: dict[str, Any] | None = None
    ) -> Answer:
        exchange = self._settings.api_exchange(method, url, body)
        return await self._fetch(exchange, lambda response, content: read(exchange.document(response, content)))

    async def _fetch(self, exchange: Exchange, read: Callable[[httpx.Response, bytes], Answer]) -> Answer:
        """Send, read the body and make an answer of it; again where that may help."""
        while True:
            try:
                response = await self._send(exchange)
                try:
                    # No variable here holds the body: a server may echo the key, and tracebacks show variables.
                    return read(response, await self._read(exchange, response))
                finally:
                    await self._close(exchange, response)
            except Exception as error:
                failure = exchange.failure(error)
            pause = exchange.pause_after(failure)
            if pause is None:  # outside the handler, so that the error is no context where it is no cause
                raise failure from failure.__cause__
            await _pause(exchange, pause)

    async def _authorize(self, exchange: Exchange) -> None:
        try:
            exchange.authorize(await self._settings.credentials.abearer())
            return
        except GumloopError:
            raise
        except Exception as error:  # of a callable of the caller's
            failure = exchange.token_failure(error)
        raise failure from failure.__cause__

    async def _send(self, exchange: Exchange) -> httpx.Response:
        from gumloop_core.http import pools, timed
        from gumloop_core.secrets.tracebacks import cut_below

        if self._http_client is None and exchange.closing is None:
            exchange.closing = await pools.ajoin(self)
        await self._authorize(exchange)
        borrowed = None
        if self._http_client is None:
            borrowed = await pools.aborrow(self, exchange.url, self._settings.async_transport, exchange.closing)
        exchange.borrowed = borrowed
        client = self._http_client if borrowed is None else borrowed.client
        assert client is not None
        try:
            if client.is_closed:
                raise ConfigurationError("The http_async_client that was passed is closed. Pass one that is open.")
            request = exchange.request(client)
            if borrowed is not None:
                request.extensions["trace"] = borrowed.trace
            if borrowed is None:
                return await timed.send(client, request)
            with borrowed.sending:
                if not borrowed.keeps_timeouts:
                    return await timed.send(client, request)
                return await client.send(request, stream=True, auth=None, follow_redirects=False)
            raise ConnectionAbortedError
        except BaseException as error:
            if borrowed is not None:
                await borrowed.agive_back()
            if borrowed is None and isinstance(error, RuntimeError) and "event loop" in str(error).lower():
                raise ConfigurationError(
                    "The http_async_client that was passed belongs to another event loop, the one of its first "
                    "request. Pass one for each loop, or none: then each loop has its own."
                ) from None
            if not isinstance(error, Exception):
                cut_below(error)
            raise

    async def _close(self, exchange: Exchange, response: httpx.Response) -> None:
        """Close a response; after that its client can serve another request."""
        try:
            with suppress(Exception):
                await response.aclose()
        finally:
            if exchange.borrowed is not None:
                await exchange.borrowed.agive_back()

    async def _read(self, exchange: Exchange, response: httpx.Response) -> bytes:
        body = exchange.body(response)
        try:
            async for piece in _pieces(exchange, response):
                if not body.feed(piece):
                    break
        except Exception:
            if not (body.may_be_cut or response.is_closed):  # httpx closes a response once its body has been read
                raise
        return body.content()


async def _pause(exchange: Exchange, seconds: float) -> None:
    """Wait before another attempt.

    Raises:
        GumloopError: If the call was ended meanwhile.
    """
    if exchange.closing is None:
        await asyncio.sleep(seconds)
        return
    import anyio

    with anyio.move_on_after(seconds):
        await exchange.closing.wait()
        raise exchange.ended()


def _pieces(exchange: Exchange, response: httpx.Response) -> AsyncIterator[bytes]:
    """The bytes of a response's body, unpacked."""
    unpack = exchange.unpacker(response)
    if response.is_stream_consumed:
        return response.aiter_bytes()
    pieces = response.aiter_raw()
    return pieces if unpack is None else _unpacked(pieces, unpack)


async def _unpacked(pieces: AsyncIterator[bytes], unpack: Unpack) -> AsyncIterator[bytes]:
    async for packed in pieces:
        for piece in unpack(packed):
            yield piece
