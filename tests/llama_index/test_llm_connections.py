"""A stream's connection: given back before the last response is handed out, closed where a stream is left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

import pytest
from llama_index.core.llms import ChatMessage, ChatResponse, CompletionResponse
from llama_index.core.prompts import PromptTemplate
from pydantic import BaseModel

from gumloop_emulator import Answer, Chunks, Emulator, Pause
from llama_index_gumloop import Gumloop
from tests.support.http_bytes import chunk

USER = [ChatMessage("Hi")]
CALLS = 5
FOREVER = 60.0


class Total(BaseModel):
    """A total."""

    value: int


SYNC: dict[str, Callable[[Gumloop], Generator[Any, None, None]]] = {
    "stream_chat": lambda llm: llm.stream_chat(USER),
    "stream_complete": lambda llm: llm.stream_complete("Hi"),
    "stream_chat_with_tools": lambda llm: llm.stream_chat_with_tools([], chat_history=USER),
    "stream_structured_predict": lambda llm: llm.stream_structured_predict(Total, PromptTemplate("Hi")),
    "structured stream_chat": lambda llm: llm.as_structured_llm(Total).stream_chat(USER),
}
ASYNC: dict[str, Callable[[Gumloop], Any]] = {
    "astream_chat": lambda llm: llm.astream_chat(USER),
    "astream_complete": lambda llm: llm.astream_complete("Hi"),
    "astream_chat_with_tools": lambda llm: llm.astream_chat_with_tools([], chat_history=USER),
    "astream_structured_predict": lambda llm: llm.astream_structured_predict(Total, PromptTemplate("Hi")),
    "structured astream_chat": lambda llm: llm.as_structured_llm(Total).astream_chat(USER),
}


def is_last(response: Any) -> bool:
    """Whether nothing follows a response; the object here is whole when its value is."""
    if isinstance(response, (ChatResponse, CompletionResponse)):
        return "finish_reason" in response.additional_kwargs
    return bool(response == Total(value=12) and type(response) is Total)


@pytest.mark.parametrize("road", SYNC)
def test_the_last_response_comes_after_the_connection_is_back(server: Emulator, llm: Gumloop, road: str):
    server.queue(*[Answer(text='{"value": 12}')] * CALLS)
    before = server.connections
    kept = []
    for _ in range(CALLS):
        responses = SYNC[road](llm)
        while not is_last(next(responses)):
            pass
        kept.append(responses)  # suspended at its last response, as where a loop is left there
    assert server.connections - before <= 1
    for responses in kept:
        responses.close()


@pytest.mark.parametrize("road", ASYNC)
def test_the_last_response_comes_after_the_connection_is_back_async(server: Emulator, llm: Gumloop, road: str):
    server.queue(*[Answer(text='{"value": 12}')] * CALLS)
    before = server.connections

    async def work() -> None:
        kept: list[AsyncGenerator[Any, None]] = []
        for _ in range(CALLS):
            responses = await ASYNC[road](llm)
            while not is_last(await anext(responses)):
                pass
            kept.append(responses)
        assert server.connections - before <= 1
        for responses in kept:
            await responses.aclose()

    asyncio.run(work())


LEFT = Chunks([chunk({"content": '{"value": 1'}), chunk({"content": "2"}), Pause(FOREVER)])


@pytest.mark.parametrize("road", SYNC)
def test_leaving_a_stream_closes_its_connection(server: Emulator, llm: Gumloop, road: str):
    server.queue(LEFT)
    responses = SYNC[road](llm)
    next(responses)
    opened = server.open_connections
    responses.close()
    assert server.wait_for(lambda server: server.open_connections == opened - 1)


@pytest.mark.parametrize("road", ASYNC)
def test_leaving_a_stream_closes_its_connection_async(server: Emulator, llm: Gumloop, road: str):
    server.queue(LEFT)

    async def work() -> None:
        responses = await ASYNC[road](llm)
        await anext(responses)
        opened = server.open_connections
        await responses.aclose()
        assert await asyncio.to_thread(server.wait_for, lambda server: server.open_connections == opened - 1)

    asyncio.run(work())
