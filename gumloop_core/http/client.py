"""The synchronous client: a body in, a completion or deltas out.

This and :mod:`gumloop_core.http.async_client` wait for the network, by way of a transport
(:mod:`gumloop_core.http.transport`). What they share beyond that is in :mod:`gumloop_core.http.base_client`,
:mod:`gumloop_core.http.settings` and :mod:`gumloop_core.http.exchange`.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from gumloop_core.errors import GumloopError
from gumloop_core.http.base_client import Answer, BaseClient, Read
from gumloop_core.http.settings import UNSET
from gumloop_core.secrets.tracebacks import cut_below
from gumloop_core.wire import ChatBody

if TYPE_CHECKING:
    from gumloop_core.answer import Completion, Delta
    from gumloop_core.http.exchange import Exchange
    from gumloop_core.http.passed import SyncHttpClient  # noqa: F401 - named in the class's bases
    from gumloop_core.http.transport import Response, Transport
    from gumloop_core.observation import CallObserver
    from gumloop_core.reading.model_list import ModelGroup
    from gumloop_core.reading.route_decision import RouteDecision


class GumloopClient(BaseClient["SyncHttpClient", "Transport"]):
    """Talks to the endpoint, synchronously. Safe to use from many threads.

    Args:
        settings: How to reach the endpoint; ``None`` to ask the environment.
        http_client: An ``httpx.Client`` or ``httpx2.Client`` of the caller's to send with; it is never closed here.
            ``None`` for the process's pool.
    """

    _client_argument = "http_client"

    def complete(
        self,
        body: ChatBody,
        *,
        timeout: Any = UNSET,
        headers: Mapping[str, str] | None = None,
        caller_indices: Sequence[int] | None = None,
        observers: Sequence[CallObserver] = (),
    ) -> Completion:
        """Ask for a whole answer.

        Args:
            body: The request's body.
            timeout: Seconds, or a ``Timeout`` of httpx or httpx2, in place of the settings'.
            headers: Headers for this request.
            caller_indices: For each message of the body, which of the caller's it came from; -1 for none of them.
            observers: Who is told of this call, beside those of :func:`~gumloop_core.observation.observed_by`.

        Raises:
            GumloopError: See :mod:`gumloop_core.errors`.
        """
        exchange = self._settings.chat_exchange(
            body, stream=False, timeout=timeout, headers=headers, caller_indices=caller_indices
        )
        call = self._observed_call(exchange, body, observers)
        if call is None:
            return self._fetch(exchange, exchange.completion)
        with call:
            return call.whole(self._fetch(exchange, exchange.completion))

    def stream(
        self,
        body: ChatBody,
        *,
        timeout: Any = UNSET,
        headers: Mapping[str, str] | None = None,
        caller_indices: Sequence[int] | None = None,
        observers: Sequence[CallObserver] = (),
    ) -> Generator[Delta, None, None]:
        """Ask for a streamed answer. Arguments and errors are those of :meth:`complete`.

        Yields:
            Deltas as they arrive; the last has the whole answer. By then the connection has been given back, so that
            who stops there holds nothing. Closing the generator earlier closes the connection.
        """
        exchange = self._settings.chat_exchange(
            body, stream=True, timeout=timeout, headers=headers, caller_indices=caller_indices
        )
        call = self._observed_call(exchange, body, observers)
        return self._stream(exchange) if call is None else call.stream(self._stream(exchange))

    def _stream(self, exchange: Exchange) -> Generator[Delta, None, None]:
        """Send and read deltas as they come; again where that may help and none was handed out."""
        while True:
            reader = exchange.reader()
            outcome: Delta | GumloopError | None = None
            try:
                response = self._send(exchange)
                try:
                    if not response.is_success:
                        exchange.check_status(response, self._read(exchange, response))
                    pieces = _pieces(exchange, response)
                    stream = exchange.begin_stream(response, reader)
                    for piece in pieces:
                        yield from stream.feed(piece)
                        if reader.done:
                            break
                    for delta in stream.finish():
                        if delta.completion is None:
                            yield delta
                        else:
                            outcome = delta
                    response.read_rest(pieces)
                finally:
                    response.close()
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
                piece = b""  # it may hold an error that echoes the key, and tracebacks show variables
                raise outcome from outcome.__cause__
            _pause(exchange, pause)

    def models(self) -> list[ModelGroup]:
        """List the models that the endpoint serves.

        Raises:
            GumloopError: See :mod:`gumloop_core.errors`.
        """
        return self._fetch(*self._models_call())

    def route(
        self,
        input: str | list[dict[str, Any]],
        *,
        models: Sequence[str] | None = None,
        **options: Any,
    ) -> RouteDecision:
        """Ask the router which model it would use. It decides only; it costs credits.

        Args:
            input: The request's text, or text parts.
            models: The candidates; all if ``None``.
            **options: ``history`` and ``agent`` (``name``, ``description``, ``system_prompt``).

        Raises:
            GumloopError: See :mod:`gumloop_core.errors`.
        """
        return self._fetch(*self._route_call(input, models, options))

    def close(self, user: object = None) -> None:
        """Close the connections; a later call opens new ones. Calls that wait in other threads end with an error.

        Connections that clients of other settings use too stay open, but for the calls of this one.

        Args:
            user: The model that is done with this. While others share it, nothing is closed.
        """
        transport = self._unused_transport(user)
        if transport is not None:
            transport.close()
            self._settings.limiter().wake()

    def _make_transport(self) -> Transport:
        if self._http_client is None:
            from gumloop_core.http.sync_pool import PooledTransport

            return PooledTransport(self._settings.transport)
        from gumloop_core.http.callers_transport import CallersTransport

        return CallersTransport(self._http_client)

    def _fetch(self, exchange: Exchange, read: Read[Answer]) -> Answer:
        """Send, read the body and make an answer of it; again where that may help."""
        while True:
            try:
                response = self._send(exchange)
                try:
                    # No variable here holds the body: a server may echo the key, and tracebacks show variables.
                    return read(response, self._read(exchange, response))
                finally:
                    response.close()
            except Exception as error:
                failure = exchange.failure(error)
            finally:
                exchange.leave()
            pause = exchange.pause_after(failure)
            if pause is None:  # outside the handler, so that the error is no context where it is no cause
                raise failure from failure.__cause__
            _pause(exchange, pause)

    def _authorize(self, exchange: Exchange) -> None:
        try:
            exchange.authorize(self._settings.credentials.bearer())
            return
        except GumloopError:
            raise
        except Exception as error:  # of a callable of the caller's
            failure = exchange.token_failure(error)
        raise failure from failure.__cause__

    def _send(self, exchange: Exchange) -> Response:
        transport = self._transport
        if exchange.closed is None:
            exchange.closed = transport.begin()
        exchange.enter()
        self._authorize(exchange)  # a token that was read before the wait may be stale after it
        try:
            return transport.send(exchange.request(), exchange.closed)
        except BaseException as error:
            if not isinstance(error, Exception):
                cut_below(error)
            raise

    def _read(self, exchange: Exchange, response: Response) -> bytes:
        body = exchange.body(response)
        try:
            for piece in _pieces(exchange, response):
                if not body.feed(piece):
                    break
        except Exception:
            if not (body.may_be_cut or response.is_read):
                raise
        return body.content()


def _pause(exchange: Exchange, seconds: float) -> None:
    """Wait before another attempt.

    Raises:
        GumloopError: If the call was ended meanwhile.
    """
    if exchange.closed.wait(seconds):
        raise exchange.closing_failure()


def _pieces(exchange: Exchange, response: Response) -> Iterator[bytes]:
    """The bytes of a response's body, unpacked."""
    unpack = exchange.unpacker(response)
    pieces = response.pieces()
    return pieces if unpack is None else chain.from_iterable(map(unpack, pieces))
