"""The synchronous client: a body in, a completion or deltas out.

This and :mod:`gumloop_core.http.async_client` are the only places that wait for the network. What they
share beyond I/O is in :mod:`gumloop_core.http.settings` and :mod:`gumloop_core.http.exchange`. httpx is imported at the
first request, so that importing an adapter stays cheap.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakValueDictionary

from gumloop_core.answer import Completion, Delta
from gumloop_core.errors import ConfigurationError, GumloopError
from gumloop_core.http.callers_clients import checked_client
from gumloop_core.http.settings import UNSET, ClientSettings
from gumloop_core.wire import ChatBody

if TYPE_CHECKING:
    import httpx

    from gumloop_core.http.exchange import Exchange
    from gumloop_core.reading.model_list import ModelGroup
    from gumloop_core.reading.route_decision import RouteDecision

Answer = TypeVar("Answer")


class GumloopClient:
    """Talks to the endpoint, synchronously. Safe to use from many threads.

    Args:
        settings: How to reach the endpoint; ``None`` to ask the environment.
        http_client: A client of the caller's to send with; it is never closed here. ``None`` for the process's pool.
    """

    def __init__(self, settings: ClientSettings | None = None, http_client: httpx.Client | None = None) -> None:
        self._settings = settings or ClientSettings()
        self._http_client: httpx.Client | None = checked_client(http_client, "http_client")
        self.users: WeakValueDictionary[int, object] = WeakValueDictionary()
        """The models that share this, by ``id``; see :meth:`close`."""

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._settings, self._http_client)

    def complete(
        self,
        body: ChatBody,
        *,
        timeout: Any = UNSET,
        headers: Mapping[str, str] | None = None,
        caller_indices: Sequence[int] | None = None,
    ) -> Completion:
        """Ask for a whole answer.

        Args:
            body: The request's body.
            timeout: Seconds, or an ``httpx.Timeout``, in place of the settings'.
            headers: Headers for this request.
            caller_indices: For each message of the body, which of the caller's it came from; -1 for none of them.

        Raises:
            GumloopError: See :mod:`gumloop_core.errors`.
        """
        exchange = self._settings.chat_exchange(
            body, stream=False, timeout=timeout, headers=headers, caller_indices=caller_indices
        )
        return self._fetch(exchange, exchange.completion)

    def stream(
        self,
        body: ChatBody,
        *,
        timeout: Any = UNSET,
        headers: Mapping[str, str] | None = None,
        caller_indices: Sequence[int] | None = None,
    ) -> Generator[Delta, None, None]:
        """Ask for a streamed answer. Arguments and errors are those of :meth:`complete`.

        Yields:
            Deltas as they arrive; the last has the whole answer. By then the connection has been given back, so that
            who stops there holds nothing. Closing the generator earlier closes the connection.
        """
        from gumloop_core.http.rest_of_body import read_rest

        exchange = self._settings.chat_exchange(
            body, stream=True, timeout=timeout, headers=headers, caller_indices=caller_indices
        )
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
                    read_rest(response, pieces)
                finally:
                    self._close(exchange, response)
            except Exception as error:
                outcome = exchange.outcome(error, reader)
            if isinstance(outcome, Delta):
                yield outcome
                return
            assert outcome is not None
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
        from gumloop_core.reading.model_list import read_model_groups

        settings = self._settings
        return self._call_api("GET", settings.endpoint.models_url, read_model_groups)

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
        from gumloop_core.reading.route_decision import read_route_decision
        from gumloop_core.writing.route_body import route_body

        settings = self._settings
        body = route_body(input, models, options, settings.credentials.team_id)
        return self._call_api("POST", settings.endpoint.route_url, read_route_decision, body)

    def close(self, user: object = None) -> None:
        """Close the connections; a later call opens new ones. Calls that wait in other threads end with an error.

        Connections that clients of other settings use too stay open, but for the calls of this one.

        Args:
            user: The model that is done with this. While others share it, nothing is closed.
        """
        self.users.pop(id(user), None)
        if self._http_client is None and not self.users:
            from gumloop_core.http import pools

            pools.release(self)

    def _call_api(
        self, method: str, url: str, read: Callable[[Any], Answer], body: dict[str, Any] | None = None
    ) -> Answer:
        exchange = self._settings.api_exchange(method, url, body)
        return self._fetch(exchange, lambda response, content: read(exchange.document(response, content)))

    def _fetch(self, exchange: Exchange, read: Callable[[httpx.Response, bytes], Answer]) -> Answer:
        """Send, read the body and make an answer of it; again where that may help."""
        while True:
            try:
                response = self._send(exchange)
                try:
                    # No variable here holds the body: a server may echo the key, and tracebacks show variables.
                    return read(response, self._read(exchange, response))
                finally:
                    self._close(exchange, response)
            except Exception as error:
                failure = exchange.failure(error)
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

    def _send(self, exchange: Exchange) -> httpx.Response:
        from gumloop_core.http import pools
        from gumloop_core.secrets.tracebacks import cut_below

        if self._http_client is None and exchange.closing is None:
            exchange.closing = pools.join(self)
        self._authorize(exchange)
        borrowed = None
        if self._http_client is None:
            borrowed = pools.borrow(self, exchange.url, exchange.closing)
        exchange.borrowed = borrowed
        client = self._http_client if borrowed is None else borrowed.client
        assert client is not None
        try:
            if client.is_closed:
                raise ConfigurationError("The http_client that was passed is closed. Pass one that is open.")
            request = exchange.request(client)
            if borrowed is not None:
                request.extensions["trace"] = borrowed.trace
            return client.send(request, stream=True, auth=None, follow_redirects=False)
        except BaseException as error:
            if borrowed is not None:
                borrowed.give_back()
            if not isinstance(error, Exception):
                cut_below(error)
            raise

    def _close(self, exchange: Exchange, response: httpx.Response) -> None:
        """Close a response; after that its client can serve another request."""
        if sys.is_finalizing():
            return  # a stream was kept to the interpreter's end: httpx's modules are gone, and Python 3.13.0 crashes
        try:
            with suppress(Exception):  # what was read is read
                response.close()
        finally:
            if exchange.borrowed is not None:
                exchange.borrowed.give_back()

    def _read(self, exchange: Exchange, response: httpx.Response) -> bytes:
        body = exchange.body(response)
        try:
            for piece in _pieces(exchange, response):
                if not body.feed(piece):
                    break
        except Exception:
            if not (body.may_be_cut or response.is_closed):  # httpx closes a response once its body has been read
                raise
        return body.content()


def _pause(exchange: Exchange, seconds: float) -> None:
    """Wait before another attempt.

    Raises:
        GumloopError: If the call was ended meanwhile.
    """
    if exchange.closing is None:
        time.sleep(seconds)
    elif exchange.closing.wait(seconds):
        raise exchange.ended()


def _pieces(exchange: Exchange, response: httpx.Response) -> Iterator[bytes]:
    """The bytes of a response's body, unpacked."""
    unpack = exchange.unpacker(response)
    if response.is_stream_consumed:  # by a hook of the caller's client
        return response.iter_bytes()
    pieces = response.iter_raw()
    return pieces if unpack is None else chain.from_iterable(map(unpack, pieces))
