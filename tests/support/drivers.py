"""The core and both adapters, sync and async, behind one face: ask for a text, whole or in pieces."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, ClassVar, TypeVar

import httpx
import httpx2

from gumloop_core import AsyncGumloopClient, GumloopClient
from tests.support.core_driver import KEY, body, settings_for

Result = TypeVar("Result")

TIMEOUTS = {"timeout": 10.0, "stream_idle_timeout": 10.0}


class Driver:
    """Asks one model.

    Args:
        base_url: Where the server is.
        **options: The model's arguments.
    """

    is_async: ClassVar[bool] = False

    def __init__(self, base_url: str, **options: Any) -> None:
        self.loop = asyncio.new_event_loop() if self.is_async else None
        self.model = self.make(base_url, {**TIMEOUTS, **options})

    def make(self, base_url: str, options: dict[str, Any]) -> Any:
        """Make the model."""
        raise NotImplementedError

    def ask(self, mode: str, prompt: str = "Hi", pieces: list[str] | None = None) -> str:
        """Ask for a text; what a stream hands out is added to ``pieces`` as it comes."""
        pieces = [] if pieces is None else pieces
        if self.loop is not None:
            self.run(self.aunary(prompt, pieces) if mode == "unary" else self.astream(prompt, pieces))
        elif mode == "unary":
            self.unary(prompt, pieces)
        else:
            self.stream(prompt, pieces)
        return "".join(pieces)

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run some work on the driver's event loop."""
        assert self.loop is not None
        return self.loop.run_until_complete(work)

    def stop(self) -> None:
        """Close the connections."""
        if self.loop is None:
            self.close()
        else:
            self.run(self.aclose())
            self.run(self.loop.shutdown_asyncgens())
            self.loop.close()

    def close(self) -> None:
        self.model.close()

    async def aclose(self) -> None:
        await self.model.aclose()

    def unary(self, prompt: str, pieces: list[str]) -> None:
        raise NotImplementedError

    def stream(self, prompt: str, pieces: list[str]) -> None:
        raise NotImplementedError

    async def aunary(self, prompt: str, pieces: list[str]) -> None:
        raise NotImplementedError

    async def astream(self, prompt: str, pieces: list[str]) -> None:
        raise NotImplementedError


class Core(Driver):
    """``GumloopClient``."""

    def make(self, base_url: str, options: dict[str, Any]) -> Any:
        http_client = options.pop("http_client", None)
        return GumloopClient(settings_for(base_url, **options), http_client)

    def unary(self, prompt: str, pieces: list[str]) -> None:
        pieces.append(self.model.complete(body(prompt)).text)

    def stream(self, prompt: str, pieces: list[str]) -> None:
        pieces.extend(delta.text for delta in self.model.stream(body(prompt, stream=True)))


class AsyncCore(Core):
    """``AsyncGumloopClient``."""

    is_async = True

    def make(self, base_url: str, options: dict[str, Any]) -> Any:
        http_client = options.pop("http_async_client", None)
        return AsyncGumloopClient(settings_for(base_url, **options), http_client)

    async def aunary(self, prompt: str, pieces: list[str]) -> None:
        pieces.append((await self.model.complete(body(prompt))).text)

    async def astream(self, prompt: str, pieces: list[str]) -> None:
        async for delta in self.model.stream(body(prompt, stream=True)):
            pieces.append(delta.text)  # noqa: PERF401 - what came before an error counts


class LangChain(Driver):
    """``ChatGumloop``."""

    def make(self, base_url: str, options: dict[str, Any]) -> Any:
        from langchain_gumloop import ChatGumloop

        return ChatGumloop(model="m", base_url=base_url, **{"api_key": KEY, "user_id": "user-1", **options})

    def unary(self, prompt: str, pieces: list[str]) -> None:
        pieces.append(self.model.invoke(prompt).content)

    def stream(self, prompt: str, pieces: list[str]) -> None:
        pieces.extend(chunk.content for chunk in self.model.stream(prompt))

    async def aunary(self, prompt: str, pieces: list[str]) -> None:
        pieces.append((await self.model.ainvoke(prompt)).content)

    async def astream(self, prompt: str, pieces: list[str]) -> None:
        async for chunk in self.model.astream(prompt):
            pieces.append(chunk.content)  # noqa: PERF401


class AsyncLangChain(LangChain):
    """``ChatGumloop``'s asynchronous calls."""

    is_async = True


class LlamaIndex(Driver):
    """``Gumloop``."""

    def make(self, base_url: str, options: dict[str, Any]) -> Any:
        from llama_index_gumloop import Gumloop

        return Gumloop(model="m", base_url=base_url, **{"api_key": KEY, "user_id": "user-1", **options})

    @staticmethod
    def messages(prompt: str) -> Any:
        from llama_index.core.llms import ChatMessage

        return [ChatMessage(role="user", content=prompt)]

    def unary(self, prompt: str, pieces: list[str]) -> None:
        pieces.append(self.model.chat(self.messages(prompt)).message.content or "")

    def stream(self, prompt: str, pieces: list[str]) -> None:
        for response in self.model.stream_chat(self.messages(prompt)):
            pieces.append(response.delta or "")
            assert (response.message.content or "") == "".join(pieces)

    async def aunary(self, prompt: str, pieces: list[str]) -> None:
        pieces.append((await self.model.achat(self.messages(prompt))).message.content or "")

    async def astream(self, prompt: str, pieces: list[str]) -> None:
        async for response in await self.model.astream_chat(self.messages(prompt)):
            pieces.append(response.delta or "")
            assert (response.message.content or "") == "".join(pieces)


class AsyncLlamaIndex(LlamaIndex):
    """``Gumloop``'s asynchronous calls."""

    is_async = True


DRIVERS: dict[str, type[Driver]] = {
    "core-sync": Core,
    "core-async": AsyncCore,
    "langchain-sync": LangChain,
    "langchain-async": AsyncLangChain,
    "llamaindex-sync": LlamaIndex,
    "llamaindex-async": AsyncLlamaIndex,
}


def over_httpx(driver: type[Driver]) -> type[Driver]:
    """A driver whose model sends with httpx's connections, whatever else is installed."""

    class OverHttpx(driver):  # type: ignore[misc, valid-type]
        def make(self, base_url: str, options: dict[str, Any]) -> Any:
            return super().make(base_url, {"transport": "httpx", **options})

    return OverHttpx


OVER_HTTPX: dict[str, type[Driver]] = {f"{name}-over-httpx": over_httpx(driver) for name, driver in DRIVERS.items()}
"""The same on the slower road; the others take the quicker one."""


def with_client(driver: type[Driver], library: Any) -> type[Driver]:
    """A driver whose model sends with a client of a library's, which the driver closes."""

    class WithClient(driver):  # type: ignore[misc, valid-type]
        def make(self, base_url: str, options: dict[str, Any]) -> Any:
            kind = library.AsyncClient if self.is_async else library.Client
            self.http_client = kind(timeout=None)
            argument = "http_async_client" if self.is_async else "http_client"
            return super().make(base_url, {argument: self.http_client, **options})

        def close(self) -> None:
            super().close()
            self.http_client.close()

        async def aclose(self) -> None:
            await super().aclose()
            await self.http_client.aclose()

    return WithClient


PASSED_DRIVERS: dict[str, type[Driver]] = {
    f"{name}-{library.__name__}": with_client(driver, library)
    for library in (httpx, httpx2)
    for name, driver in DRIVERS.items()
}
"""The same, over clients of both HTTP libraries that are passed."""

HTTPX2_DRIVERS = {name: kind for name, kind in PASSED_DRIVERS.items() if name.endswith("httpx2")}
"""Those of httpx2."""


class LangChainEvents(LangChain):
    """``ChatGumloop``'s v3 events, which are streamed only."""

    def stream(self, prompt: str, pieces: list[str]) -> None:
        for event in self.model.stream_events(prompt, version="v3"):
            self.keep_text(event, pieces)

    async def astream(self, prompt: str, pieces: list[str]) -> None:
        async for event in await self.model.astream_events(prompt, version="v3"):
            self.keep_text(event, pieces)

    @staticmethod
    def keep_text(event: Any, pieces: list[str]) -> None:
        if event["event"] == "content-block-delta" and event["delta"]["type"] == "text-delta":
            pieces.append(event["delta"]["text"])


class AsyncLangChainEvents(LangChainEvents):
    """``ChatGumloop``'s asynchronous v3 events."""

    is_async = True


EVENT_DRIVERS: dict[str, type[Driver]] = {
    "langchain-v3-sync": LangChainEvents,
    "langchain-v3-async": AsyncLangChainEvents,
}
