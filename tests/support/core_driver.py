"""The core's two clients behind one synchronous face, so that a test is written once for both."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Iterator
from typing import Any, Protocol, TypeVar

import httpx
import httpx2

from gumloop_core import AsyncGumloopClient, ClientSettings, Completion, Credentials, Delta, Endpoint, GumloopClient
from gumloop_core.http import environment
from gumloop_core.writing.body import build_body

KEY = "gl-canary-5f0e8c1d7b"
"""The key that the tests call with."""

ALL_CLIENTS = bool(os.environ.get("ALL_CLIENTS"))
"""Whether the failure matrix and the tests of the core's clients run over every kind of client: ``make clients``."""

Result = TypeVar("Result")


def settings_for(base_url: str, **options: Any) -> ClientSettings:
    """Settings that point at a test's server; time is short in tests."""
    options.setdefault("timeout", 10.0)
    options.setdefault("stream_idle_timeout", 10.0)
    credentials = options.pop("credentials", None) or Credentials(api_key=KEY, user_id="user-1")
    return ClientSettings(credentials=credentials, endpoint=Endpoint.resolve(base_url), **options)


def body(prompt: str = "Hi", *, stream: bool = False, **options: Any) -> dict[str, Any]:
    """A request's body."""
    return build_body("m", [{"role": "user", "content": prompt}], options, stream=stream)


class CoreDriver(Protocol):
    """What a test needs of a client."""

    def complete(self, request: dict[str, Any] | None = None, **options: Any) -> Completion:
        """Ask for a whole answer."""

    def stream(self, request: dict[str, Any] | None = None, **options: Any) -> Iterator[Delta]:
        """Ask for a streamed answer."""

    def models(self) -> Any:
        """List the models."""

    def route(self, input: Any, **options: Any) -> Any:
        """Ask the router."""

    def close(self) -> None:
        """Close the client's connections."""

    def stop(self) -> None:
        """Clean up after the test."""


class SyncCore:
    """Drives :class:`GumloopClient`."""

    def __init__(self, settings: ClientSettings, http_client: Any = None) -> None:
        self.client = GumloopClient(settings, http_client)

    def complete(self, request: dict[str, Any] | None = None, **options: Any) -> Completion:
        return self.client.complete(request or body(), **options)

    def stream(self, request: dict[str, Any] | None = None, **options: Any) -> Iterator[Delta]:
        return self.client.stream(request or body(stream=True), **options)

    def models(self) -> Any:
        return self.client.models()

    def route(self, input: Any, **options: Any) -> Any:
        return self.client.route(input, **options)

    def close(self) -> None:
        self.client.close()

    def stop(self) -> None:
        self.client.close()


class AsyncCore:
    """Drives :class:`AsyncGumloopClient` on an event loop of its own."""

    def __init__(self, settings: ClientSettings, http_client: Any = None) -> None:
        self.client = AsyncGumloopClient(settings, http_client)
        self.loop = asyncio.new_event_loop()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self.loop.run_until_complete(work)

    def complete(self, request: dict[str, Any] | None = None, **options: Any) -> Completion:
        return self.run(self.client.complete(request or body(), **options))

    def stream(self, request: dict[str, Any] | None = None, **options: Any) -> Iterator[Delta]:
        stream = self.client.stream(request or body(stream=True), **options)
        try:
            while True:
                try:
                    delta = self.run(anext(stream))
                except StopAsyncIteration:
                    return
                yield delta
        finally:
            self.run(stream.aclose())

    def models(self) -> Any:
        return self.run(self.client.models())

    def route(self, input: Any, **options: Any) -> Any:
        return self.run(self.client.route(input, **options))

    def close(self) -> None:
        self.run(self.client.aclose())

    def stop(self) -> None:
        self.close()
        self.run(self.loop.shutdown_asyncgens())
        self.loop.close()


def over_httpx(driver: type[CoreDriver]) -> type[CoreDriver]:
    """A driver whose client sends over httpx's connections, whatever else is installed."""

    class OverHttpx(driver):  # type: ignore[misc, valid-type]
        def __init__(self, settings: ClientSettings, http_client: Any = None) -> None:
            settings.transport = "httpx"
            super().__init__(settings, http_client)

    return OverHttpx


def passing(driver: type[CoreDriver], library: Any) -> type[CoreDriver]:
    """A driver whose client sends with one of a library's that is passed, and that the driver closes."""

    class Passing(driver):  # type: ignore[misc, valid-type]
        def __init__(self, settings: ClientSettings, http_client: Any = None) -> None:
            self.passed: Any = None
            if http_client is None:
                kind = library.AsyncClient if driver is AsyncCore else library.Client
                # What the pools trust: some tests change it.
                http_client = self.passed = kind(timeout=None, verify=environment.tls_context())
            super().__init__(settings, http_client)

        def stop(self) -> None:
            if isinstance(self.passed, library.AsyncClient):
                self.run(self.passed.aclose())
            elif self.passed is not None:
                self.passed.close()
            super().stop()

    return Passing


PASSING: dict[str, type[CoreDriver]] = {
    "sync-httpx": passing(SyncCore, httpx),
    "async-httpx": passing(AsyncCore, httpx),
    "sync-httpx2": passing(SyncCore, httpx2),
    "async-httpx2": passing(AsyncCore, httpx2),
}
"""Drivers over the four kinds of client that can be passed."""


def streamed_text(deltas: Iterator[Delta]) -> str:
    """The text of a stream's deltas, checked against the last delta's completion."""
    read = list(deltas)
    completion = read[-1].completion
    assert completion is not None
    assert [delta for delta in read[:-1] if delta.completion is not None] == []
    text = "".join(delta.text for delta in read)
    assert completion.text == text
    return text
