"""Jobs of many calls at an endpoint that admits a few at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from llama_index.core.llms import ChatMessage

from gumloop_core.errors import RateLimitError, SlotTimeoutError
from gumloop_emulator import FOREVER, Answer, Failure
from llama_index_gumloop import Gumloop
from tests.support.limits import connection, limited

ROWS = 40
LIMIT = 4
TEXT = "All is well."
MESSAGES = [ChatMessage("Hi")]


def achat(llm: Gumloop, rows: int) -> list[str | None]:
    async def all_() -> list[Any]:
        return await asyncio.gather(*(llm.achat(MESSAGES) for _ in range(rows)))

    return [response.message.content for response in asyncio.run(all_())]


def astream_chat(llm: Gumloop, rows: int) -> list[str | None]:
    async def one() -> str:
        return "".join([response.delta or "" async for response in await llm.astream_chat(MESSAGES)])

    async def all_() -> list[Any]:
        return await asyncio.gather(*(one() for _ in range(rows)))

    return asyncio.run(all_())


def chat(llm: Gumloop, rows: int) -> list[str | None]:
    with ThreadPoolExecutor(16) as threads:
        return list(threads.map(lambda _: llm.chat(MESSAGES).message.content, range(rows)))


ROADS = [achat, astream_chat, chat]
Road = Callable[[Gumloop, int], "list[str | None]"]


@pytest.mark.parametrize("road", ROADS)
def test_no_row_is_lost(road: Road) -> None:
    with limited(LIMIT) as (server, limits):
        assert road(Gumloop(**connection(server), max_retries=0), ROWS) == [TEXT] * ROWS
        assert (limits.admitted, limits.most) == (ROWS, LIMIT)
        learned = limits.refused
        # Another model of the account, on another road: what the first one learned holds.
        assert chat(Gumloop(**connection(server), max_retries=0), ROWS) == [TEXT] * ROWS
        assert limits.refused - learned <= ROWS / 2


@pytest.mark.parametrize("road", ROADS)
def test_max_concurrency_is_never_passed(road: Road) -> None:
    with limited(None) as (server, limits):
        assert road(Gumloop(**connection(server), max_concurrency=3), ROWS) == [TEXT] * ROWS
        assert (limits.most, limits.refused) == (3, 0)


def test_no_row_is_lost_where_all_are_told_to_wait() -> None:
    with limited(LIMIT, retry_after=True) as (server, limits):
        assert achat(Gumloop(**connection(server), max_retries=0), 12) == [TEXT] * 12
        assert limits.refused >= 1


@pytest.mark.parametrize("is_async", [False, True])
def test_waiting_too_long_for_a_slot(is_async: bool) -> None:
    with limited(None) as (server, _limits):
        server.queue(Answer("Never.", delay=FOREVER))
        llm = Gumloop(**connection(server), max_concurrency=1, slot_timeout=0.05)

        async def work() -> None:
            first = asyncio.create_task(llm.achat(MESSAGES))
            async with asyncio.timeout(20):
                while not server.requests:
                    await asyncio.sleep(0.001)
            with pytest.raises(SlotTimeoutError):
                await (llm.achat(MESSAGES) if is_async else asyncio.to_thread(llm.chat, MESSAGES))
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            await llm.aclose()

        asyncio.run(work())
        assert len(server.requests) == 1


ASKED: list[Callable[[Gumloop], Any]] = [
    lambda llm: llm.chat(MESSAGES),
    lambda llm: list(llm.stream_complete("Hi")),
    lambda llm: achat(llm, 1),
    lambda llm: astream_chat(llm, 1),
]


@pytest.mark.parametrize("ask", ASKED, ids=["chat", "stream_complete", "achat", "astream_chat"])
def test_a_quota_that_is_used_up_is_asked_once(ask: Callable[[Gumloop], Any]) -> None:
    with limited(None) as (server, _):
        server.reply(Failure(429, "Pay first.", code="insufficient_quota"))
        with pytest.raises(RateLimitError):
            ask(Gumloop(**connection(server)))
        assert len(server.requests) == 1
