"""The asynchronous client: a body in, a completion or deltas out.

Why things are so is said in the synchronous one, :mod:`gumloop_core.http.client`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gumloop_core.errors import GumloopError
from gumloop_core.http.base_client import Answer, BaseClient, Read
from gumloop_core.http.settings import UNSET
from gumloop_core.secrets.tracebacks import cut_below
from gumloop_core.wire import ChatBody

if TYPE_CHECKING:
    from gumloop_core.answer import Completion, Delta
    from gumloop_core.http.decoding import Unpack
    from gumloop_core.http.exchange import Exchange
    from gumloop_core.http.passed import AsyncHttpClient  # noqa: F401 - named in the class's bases
    from gumloop_core.http.transport import AsyncResponse, AsyncTransport
    from gumloop_core.observation import CallObserver
    from gumloop_core.reading.model_list import ModelGroup
    from gumloop_core.reading.route_decision import RouteDecision


class AsyncGumloopClient(BaseClient["AsyncHttpClient", "AsyncTransport"]):
    """Talks to the endpoint, asynchronously. Safe to use from several event loops, one after another or at once.

    Args:
        settings: How to reach the endpoint; ``None`` to ask the environment.
        http_client: A client of the caller's to send with; it is never closed here. ``None`` for the running loop's
            pool.
    """

    _client_argument = "http_async_client"

    async def complete(
        self,
        body: ChatBody,
        *,
        timeout: Any = UNSET,
        headers: Mapping[str, str] | None = None,
        caller_indices: Sequence[int] | None = None,
        observers: Sequence[CallObserver] = (),
    ) -> Completion:
        """Ask for a whole answer; see :meth:`gumloop_core.http.client.GumloopClient.complete`."""
        exchange = self._settings.chat_exchange(
            body, stream=False, timeout=timeout, headers=headers, caller_indices=caller_indices
        )
        call = self._observed_call(exchange, body, observers)
        if call is None:
            return await self._fetch(exchange, exchange.completion)
        with call:
            return call.whole(await self._fetch(exchange, exchange.completion))

    def stream(
        self,
        body: ChatBody,
        *,
        timeout: Any = UNSET,
        headers: Mapping[str, str] | None = None,
        caller_indices: Sequence[int] | None = None,
        observers: Sequence[CallObserver] = (),
    ) -> AsyncGenerator[Delta, None]:
        """Ask for a streamed answer; see :meth:`gumloop_core.http.client.GumloopClient.stream`."""
        exchange = self._settings.chat_exchange(
            body, stream=True, timeout=timeout, headers=headers, caller_indices=caller_indices
        )
        call = self._observed_call(exchange, body, observers)
        return self._stream(exchange) if call is None else call.astream(self._stream(exchange))

    async def _stream(self, exchange: Exchange) -> AsyncGenerator[Delta, None]:
        """Send and read deltas as they come; again where that may help and none was handed out."""
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
                    await response.read_rest(pieces)
                finally:
                    await response.aclose()
            except Exception as error:
                outcome = exchange.outcome(error, reader)
            finally:
                exchange.leave()
            assert outcome is not None
            if not isinstance(outcome, GumloopError):
                yield outcome
                return
            pause = exchange.pause_after(outcome, reader)
            if pause is None:
                piece = b""  # an error in it may echo the key
                raise outcome from outcome.__cause__
            await _pause(exchange, pause)

    async def models(self) -> list[ModelGroup]:
        """List the models that the endpoint serves; see :meth:`gumloop_core.http.client.GumloopClient.models`."""
        return await self._fetch(*self._models_call())

    async def route(
        self,
        input: str | list[dict[str, Any]],
        *,
        models: Sequence[str] | None = None,
        **options: Any,
    ) -> RouteDecision:
        """Ask the router which model it would use; see :meth:`gumloop_core.http.client.GumloopClient.route`."""
        return await self._fetch(*self._route_call(input, models, options))

    async def aclose(self, user: object = None) -> None:
        """Close the running loop's connections; see :meth:`gumloop_core.http.client.GumloopClient.close`."""
        transport = self._unused_transport(user)
        if transport is not None:
            await transport.aclose()
            self._settings.limiter().wake()

    def _make_transport(self) -> AsyncTransport:
        if self._http_client is None:
            from gumloop_core.http.async_pool import AsyncPooledTransport

            return AsyncPooledTransport(self._settings.transport)
        from gumloop_core.http.callers_transport import AsyncCallersTransport

        return AsyncCallersTransport(self._http_client)

    async def _fetch(self, exchange: Exchange, read: Read[Answer]) -> Answer:
        """Send, read the body and make an answer of it; again where that may help."""
        while True:
            try:
                response = await self._send(exchange)
                try:
                    # No variable here holds the body: a server may echo the key, and tracebacks show variables.
                    return read(response, await self._read(exchange, response))
                finally:
                    await response.aclose()
            except Exception as error:
                failure = exchange.failure(error)
            finally:
                exchange.leave()
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

    async def _send(self, exchange: Exchange) -> AsyncResponse:
        transport = self._transport
        if exchange.closed is None:
            exchange.closed = await transport.begin()
        await exchange.aenter()
        await self._authorize(exchange)  # a token that was read before the wait may be stale after it
        try:
            return await transport.send(exchange.request(), exchange.closed)
        except BaseException as error:
            if not isinstance(error, Exception):
                cut_below(error)
            raise

    async def _read(self, exchange: Exchange, response: AsyncResponse) -> bytes:
        body = exchange.body(response)
        try:
            async for piece in _pieces(exchange, response):
                if not body.feed(piece):
                    break
        except Exception:
            if not (body.may_be_cut or response.is_read):
                raise
        return body.content()


async def _pause(exchange: Exchange, seconds: float) -> None:
    """Wait before another attempt.

    Raises:
        GumloopError: If the call was ended meanwhile.
    """
    try:
        async with asyncio.timeout(seconds):  # the first of anyio's loads its backend, 20 ms in the middle of a job
            await exchange.closed.wait()
    except TimeoutError:
        return
    raise exchange.closing_failure()


def _pieces(exchange: Exchange, response: AsyncResponse) -> AsyncIterator[bytes]:
    """The bytes of a response's body, unpacked."""
    unpack = exchange.unpacker(response)
    pieces = response.pieces()
    return pieces if unpack is None else _unpacked(pieces, unpack)


async def _unpacked(pieces: AsyncIterator[bytes], unpack: Unpack) -> AsyncIterator[bytes]:
    async for packed in pieces:
        for piece in unpack(packed):
            yield piece
