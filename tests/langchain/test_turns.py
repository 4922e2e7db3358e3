"""Calls that come together begin one in each turn of the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.prompts import ChatPromptTemplate

from gumloop_emulator import Answer, Emulator
from langchain_gumloop import ChatGumloop
from tests.langchain.conftest import MakeModel
from tests.support.turns import Turns, counted_turns, one_begins_in_each_turn

ROWS = 12


class Beginnings(AsyncCallbackHandler):
    """In which turns calls began."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.seen: list[int] = []

    async def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
        self.seen.append(self.turns.number)


async def abatch(llm: ChatGumloop, config: Any) -> list[str]:
    return [answer.text for answer in await llm.abatch(["Hi"] * ROWS, config)]


async def chain(llm: ChatGumloop, config: Any) -> list[str]:
    prompt = ChatPromptTemplate.from_template("{text}")
    return [answer.text for answer in await (prompt | llm).abatch([{"text": "Hi"}] * ROWS, config)]


async def ainvoke(llm: ChatGumloop, config: Any) -> list[str]:
    return [answer.text for answer in await asyncio.gather(*(llm.ainvoke("Hi", config) for _ in range(ROWS)))]


async def astream(llm: ChatGumloop, config: Any) -> list[str]:
    async def one() -> str:
        return "".join([chunk.text async for chunk in llm.astream("Hi", config)])

    return await asyncio.gather(*(one() for _ in range(ROWS)))


@pytest.mark.parametrize("road", [abatch, chain, ainvoke, astream])
def test_one_call_begins_in_each_turn(chat: MakeModel, road: Callable[..., Any]) -> None:
    llm = chat()

    async def job() -> list[int]:
        with one_begins_in_each_turn(), counted_turns() as turns:
            beginnings = Beginnings(turns)
            texts = await road(llm, {"callbacks": [beginnings]})
        assert len(set(texts)) == 1
        assert texts[0]
        return beginnings.seen

    seen = asyncio.run(job())
    assert len(seen) == len(set(seen)) == ROWS


def test_a_stream_that_is_left_closes_its_connection(server: Emulator, chat: MakeModel) -> None:
    async def leave() -> None:
        chunks = chat().astream("Hi")
        async for _ in chunks:
            break
        await chunks.aclose()  # type: ignore[attr-defined]
        assert await asyncio.to_thread(server.wait_for, lambda emulator: emulator.active_streams == 0)

    server.queue(Answer(text="word " * 500, chunk_delay=0.01))
    asyncio.run(leave())
    assert len(server.requests) == 1
