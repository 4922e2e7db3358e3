"""The base of the suite: how a provider's LLM is made, and sync and async calls behind one face."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from llama_index.core.llms import ChatMessage
from llama_index.core.llms.function_calling import FunctionCallingLLM

from gumloop_emulator import Emulator
from tests.support.chat_requests import check_bodies

SECRET_HEADER = "canary-in-a-header-41c7"
"""A header's value that no text about the object may show."""


class SyncCalls:
    """The synchronous calls; streams come as lists."""

    def chat(self, llm: Any, messages: Sequence[ChatMessage], **options: Any) -> Any:
        return llm.chat(messages, **options)

    def stream_chat(self, llm: Any, messages: Sequence[ChatMessage], **options: Any) -> list[Any]:
        return list(llm.stream_chat(messages, **options))

    def complete(self, llm: Any, prompt: str, **options: Any) -> Any:
        return llm.complete(prompt, **options)

    def stream_complete(self, llm: Any, prompt: str, **options: Any) -> list[Any]:
        return list(llm.stream_complete(prompt, **options))

    def chat_with_tools(self, llm: Any, tools: Sequence[Any], **options: Any) -> Any:
        return llm.chat_with_tools(tools, **options)

    def stream_chat_with_tools(self, llm: Any, tools: Sequence[Any], **options: Any) -> list[Any]:
        return list(llm.stream_chat_with_tools(tools, **options))

    def predict_and_call(self, llm: Any, tools: Sequence[Any], **options: Any) -> Any:
        return llm.predict_and_call(tools, **options)

    def structured_predict(self, llm: Any, output_cls: Any, prompt: Any, **options: Any) -> Any:
        return llm.structured_predict(output_cls, prompt, **options)

    def stream_structured_predict(self, llm: Any, output_cls: Any, prompt: Any, **options: Any) -> list[Any]:
        return list(llm.stream_structured_predict(output_cls, prompt, **options))

    def first_of_stream(self, llm: Any, messages: Sequence[ChatMessage]) -> Any:
        """The first response of a stream that is then closed."""
        stream = llm.stream_chat(messages)
        first = next(stream)
        stream.close()
        return first

    def until_error(self, llm: Any, messages: Sequence[ChatMessage], seen: list[Any]) -> None:
        """Read a stream into a list, so that the list has what came before an error."""
        seen.extend(llm.stream_chat(messages))


class AsyncCalls(SyncCalls):
    """The asynchronous calls, on one event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()

    def stop(self) -> None:
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def chat(self, llm: Any, messages: Sequence[ChatMessage], **options: Any) -> Any:
        return self._loop.run_until_complete(llm.achat(messages, **options))

    def stream_chat(self, llm: Any, messages: Sequence[ChatMessage], **options: Any) -> list[Any]:
        return self._gathered(llm.astream_chat(messages, **options))

    def complete(self, llm: Any, prompt: str, **options: Any) -> Any:
        return self._loop.run_until_complete(llm.acomplete(prompt, **options))

    def stream_complete(self, llm: Any, prompt: str, **options: Any) -> list[Any]:
        return self._gathered(llm.astream_complete(prompt, **options))

    def chat_with_tools(self, llm: Any, tools: Sequence[Any], **options: Any) -> Any:
        return self._loop.run_until_complete(llm.achat_with_tools(tools, **options))

    def stream_chat_with_tools(self, llm: Any, tools: Sequence[Any], **options: Any) -> list[Any]:
        return self._gathered(llm.astream_chat_with_tools(tools, **options))

    def predict_and_call(self, llm: Any, tools: Sequence[Any], **options: Any) -> Any:
        return self._loop.run_until_complete(llm.apredict_and_call(tools, **options))

    def structured_predict(self, llm: Any, output_cls: Any, prompt: Any, **options: Any) -> Any:
        return self._loop.run_until_complete(llm.astructured_predict(output_cls, prompt, **options))

    def stream_structured_predict(self, llm: Any, output_cls: Any, prompt: Any, **options: Any) -> list[Any]:
        return self._gathered(llm.astream_structured_predict(output_cls, prompt, **options))

    def first_of_stream(self, llm: Any, messages: Sequence[ChatMessage]) -> Any:
        async def first() -> Any:
            stream = await llm.astream_chat(messages)
            response = await stream.__anext__()
            await stream.aclose()
            for _ in range(10):  # a wrapper may leave closing to the next turns of the loop
                await asyncio.sleep(0)
            return response

        return self._loop.run_until_complete(first())

    def until_error(self, llm: Any, messages: Sequence[ChatMessage], seen: list[Any]) -> None:
        async def read() -> None:
            async for response in await llm.astream_chat(messages):
                seen.append(response)  # noqa: PERF401 - what came before an error is wanted

        self._loop.run_until_complete(read())

    def _gathered(self, call: Any) -> list[Any]:
        async def gather() -> list[Any]:
            return [response async for response in await call]

        return self._loop.run_until_complete(gather())


class ConformanceBase(ABC):
    """What all parts of the suite use.

    Attributes:
        failures: The provider's class for everything that goes wrong between it and its endpoint.
    """

    failures: type[Exception]

    @abstractmethod
    def make_llm(self, server: Emulator, **options: Any) -> FunctionCallingLLM:
        """Make the provider's LLM for a server.

        Args:
            server: Where it is, and with which key.
            **options: Arguments of the LLM: ``model``, ``temperature``, ``max_tokens``, ``system_prompt``,
                ``callback_manager``, ``max_retries`` (none if not given), ``default_headers``.
        """

    @pytest.fixture
    def server(self, gumloop_emulator: Emulator) -> Iterator[Emulator]:
        yield gumloop_emulator
        check_bodies(gumloop_emulator)

    @pytest.fixture
    def llm(self, server: Emulator) -> FunctionCallingLLM:
        return self.make_llm(server)

    @pytest.fixture(params=["sync", "async"])
    def calls(self, request: pytest.FixtureRequest) -> Iterator[SyncCalls]:
        if request.param == "sync":
            yield SyncCalls()
            return
        calls = AsyncCalls()
        yield calls
        calls.stop()


def user(text: str = "Capital of Canada?") -> list[ChatMessage]:
    """A conversation of one message."""
    return [ChatMessage(role="user", content=text)]
