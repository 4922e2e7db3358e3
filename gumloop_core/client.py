"""The synchronous client: a body in, a completion or deltas out.

This and its twin, :mod:`gumloop_core.async_client`, are the only places that wait for the network. What they share
beyond I/O is in :mod:`gumloop_core.settings` and :mod:`gumloop_core.exchange`. httpx is imported at the first request,
so that importing an adapter stays cheap.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from gumloop_core.answer import Completion, Delta
from gumloop_core.errors import ConfigurationError
from gumloop_core.retry import pause_before_retry
from gumloop_core.settings import UNSET, ClientSettings
from gumloop_core.wire import ChatBody

if TYPE_CHECKING:
    import httpx

    from gumloop_core.catalog import ModelGroup, RouteDecision
    from gumloop_core.exchange import Exchange

Answer = TypeVar("Answer")

BORROWED = "gumloop_borrowed"
"""Among a response's extensions, the client of our pool that it came by."""


class GumloopClient:
    """Talks to the endpoint, synchronously. Safe to use from many threads.

    Args:
        settings: How to reach the endpoint; ``None`` to ask the environment.
        http_client: A client of the caller's to send with; it is never closed here. ``None`` for the process's pool.
    """

    def __init__(self, settings: ClientSettings | None = None, http_client: httpx.Client | None = None) -> None:
        self._settings = settings or ClientSettings()
        self._http_client = http_client

    def complete(
        self,
        body: ChatBody,
        *,
        timeout: Any = UNSET,
        headers: Mapping[str, str] | None = None,
        origins: Sequence[int] | None = None,
    ) -> Completion:
        """Ask for a whole answer.

        Args:
            body: The request's body.
            timeout: Seconds, or an ``httpx.Timeout``, in place of the settings'.
            headers: Headers for this request.
            origins: For each message of the body, which of the caller's it came from; -1 for none of them.

        Raises:
            GumloopError: See :mod:`gumloop_core.errors`.
        """
        exchange = self._settings.chat_exchange(
            self._settings.credentials.bearer(),
            body,
            stream=False,
            timeout=timeout,
            headers=headers,
            origins=origins,
        )
        return self._fetch(exchange, exchange.completion)

    def stream(
        self,
        body: ChatBody,
        *,
        timeout: Any = UNSET,
        headers: Mapping[str, str] | None = None,
        origins: Sequence[int] | None = None,
    ) -> Generator[Delta, None, None]:
        """Ask for a streamed answer. Arguments and errors are those of :meth:`complete`.

        Yields:
            Deltas as they arrive; the last has the whole answer. Closing the generator closes the connection.
        """
        from gumloop_core.drain import drain
        from gumloop_core.exchange import FAILURES

        exchange = self._settings.chat_exchange(
            self._settings.credentials.bearer(),
            body,
            stream=True,
            timeout=timeout,
            headers=headers,
            origins=origins,
        )
        attempt = 0
        while True:
            attempt += 1
            reader = exchange.reader()
            try:
                response = self._send(exchange)
                try:
                    if not response.is_success:
                        exchange.check_status(response, self._read(exchange, response))
                    stream = exchange.begin_stream(response, reader)
                    pieces = response.iter_bytes()
                    for piece in pieces:
                        yield from stream.feed(piece)
                        if reader.done:
                            break
                    yield from stream.finish()
                    drain(response, pieces)
                    return
                finally:
                    self._close(response)
            except FAILURES as error:
                if exchange.is_answered(error, reader):
                    break
                failure = exchange.translated(error, reader)
                pause = None if reader.started else pause_before_retry(failure, attempt, self._settings.max_retries)
                if pause is None:
                    piece = b""  # it may hold an error that echoes the key, and tracebacks show variables
                    raise failure from failure.__cause__
            time.sleep(pause)
        yield reader.last_delta()

    def models(self) -> list[ModelGroup]:
        """List the models that the endpoint serves.

        Raises:
            GumloopError: See :mod:`gumloop_core.errors`.
        """
        from gumloop_core.catalog import read_model_groups

        settings = self._settings
        return read_model_groups(self._call_api("GET", settings.endpoint.models_url))

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
        from gumloop_core.catalog import read_route_decision, route_body

        settings = self._settings
        body = route_body(input, models, options, settings.credentials.team_id)
        return read_route_decision(self._call_api("POST", settings.endpoint.route_url, body))

    def close(self) -> None:
        """Close the connections, unless another client of this process uses them. A later call opens new ones."""
        if self._http_client is None:
            from gumloop_core import pools

            pools.release(self)

    def _call_api(self, method: str, url: str, body: dict[str, Any] | None = None) -> Any:
        exchange = self._settings.api_exchange(self._settings.credentials.bearer(), method, url, body)
        return self._fetch(exchange, exchange.document)

    def _fetch(self, exchange: Exchange, read: Callable[[httpx.Response, bytes], Answer]) -> Answer:
        """Send, read the body and make an answer of it; again where that may help."""
        from gumloop_core.exchange import FAILURES

        attempt = 0
        while True:
            attempt += 1
            try:
                response = self._send(exchange)
                try:
                    # No variable here holds the body: a server may echo the key, and tracebacks show variables.
                    return read(response, self._read(exchange, response))
                finally:
                    self._close(response)
            except FAILURES as error:
                failure = exchange.translated(error)
                pause = pause_before_retry(failure, attempt, self._settings.max_retries)
                if pause is None:
                    raise failure from failure.__cause__
            time.sleep(pause)

    def _send(self, exchange: Exchange) -> httpx.Response:
        from gumloop_core import pools
        from gumloop_core.tracebacks import cut_below

        while True:
            borrowed = pools.borrow(self, exchange.url) if self._http_client is None else None
            client = self._http_client if borrowed is None else borrowed.client
            assert client is not None
            if client.is_closed and borrowed is None:
                raise ConfigurationError("The http_client that was passed is closed. Pass one that is open.")
            request = exchange.request(client, own_pool=borrowed is not None)
            try:
                response = client.send(request, stream=True, auth=None, follow_redirects=False)
            except BaseException as error:
                if borrowed is not None:
                    borrowed.give_back()
                if isinstance(error, RuntimeError) and client.is_closed:
                    # Another thread closed it in between: there is a new pool, or the error to raise above.
                    continue
                if not isinstance(error, Exception):
                    cut_below(error)
                raise
            response.extensions[BORROWED] = borrowed
            return response

    def _close(self, response: httpx.Response) -> None:
        """Close a response; after that its client can serve another request."""
        try:
            response.close()
        finally:
            borrowed = response.extensions[BORROWED]
            if borrowed is not None:
                borrowed.give_back()

    def _read(self, exchange: Exchange, response: httpx.Response) -> bytes:
        from gumloop_core.exchange import FAILURES

        body = exchange.body(response)
        try:
            for piece in response.iter_bytes():
                if not body.take(piece):
                    break
        except FAILURES:
            if not body.may_be_cut:
                raise
        return body.content()
