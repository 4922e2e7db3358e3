"""Jobs of many calls at an endpoint that admits a few at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.exceptions import ModelRateLimitError, ModelTimeoutError

from gumloop_core import errors as core
from gumloop_emulator import FOREVER, Answer, Failure
from langchain_gumloop import ChatGumloop
from langchain_gumloop.errors import SlotTimeoutError
from tests.support.limits import connection, limited

ROWS = 40
LIMIT = 4
TEXT = "All is well."


def batch(llm: ChatGumloop, rows: int) -> list[str]:
    return [answer.text for answer in llm.batch(["Hi"] * rows, config={"max_concurrency": 16})]


def abatch(llm: ChatGumloop, rows: int) -> list[str]:
    return [answer.text for answer in asyncio.run(llm.abatch(["Hi"] * rows))]


def astream(llm: ChatGumloop, rows: int) -> list[str]:
    async def one() -> str:
        return "".join([chunk.text async for chunk in llm.astream("Hi")])

    async def all_() -> list[str]:
        return await asyncio.gather(*(one() for _ in range(rows)))

    return asyncio.run(all_())


ROADS = [batch, abatch, astream]
Road = Callable[[ChatGumloop, int], list[str]]


@pytest.mark.parametrize("road", ROADS)
def test_no_row_is_lost(road: Road) -> None:
    with limited(LIMIT) as (server, limits):
        assert road(ChatGumloop(**connection(server), max_retries=0), ROWS) == [TEXT] * ROWS
        assert (limits.admitted, limits.most) == (ROWS, LIMIT)
        learned = limits.refused
        # Another model of the account, on another road: what the first one learned holds.
        assert batch(ChatGumloop(**connection(server), max_retries=0), ROWS) == [TEXT] * ROWS
        assert limits.refused - learned <= ROWS / 2


@pytest.mark.parametrize("road", ROADS)
def test_max_concurrency_is_never_passed(road: Road) -> None:
    with limited(None) as (server, limits):
        assert road(ChatGumloop(**connection(server), max_concurrency=3), ROWS) == [TEXT] * ROWS
        assert (limits.most, limits.refused) == (3, 0)


def test_no_row_is_lost_where_all_are_told_to_wait() -> None:
    with limited(LIMIT, retry_after=True) as (server, limits):
        assert abatch(ChatGumloop(**connection(server), max_retries=0), 12) == [TEXT] * 12
        assert limits.refused >= 1


@pytest.mark.parametrize("is_async", [False, True])
def test_waiting_too_long_for_a_slot(is_async: bool) -> None:
    with limited(None) as (server, _limits):
        server.queue(Answer("Never.", delay=FOREVER))
        llm = ChatGumloop(**connection(server), max_concurrency=1, slot_timeout=0.05)

        async def work() -> None:
            first = asyncio.create_task(llm.ainvoke("Hi"))
            async with asyncio.timeout(20):
                while not server.requests:
                    await asyncio.sleep(0.001)
            with pytest.raises(SlotTimeoutError) as raised:
                await (llm.ainvoke("Hi") if is_async else asyncio.to_thread(llm.invoke, "Hi"))
            assert isinstance(raised.value, (ModelTimeoutError, core.SlotTimeoutError))
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            await llm.aclose()

        asyncio.run(work())
        assert len(server.requests) == 1


ASKED: list[Callable[[ChatGumloop], Any]] = [
    lambda llm: llm.invoke("Hi"),
    lambda llm: list(llm.stream("Hi")),
    lambda llm: asyncio.run(llm.ainvoke("Hi")),
    lambda llm: llm.batch(["Hi"]),
]


@pytest.mark.parametrize("ask", ASKED, ids=["invoke", "stream", "ainvoke", "batch"])
def test_a_quota_that_is_used_up_is_asked_once(ask: Callable[[ChatGumloop], Any]) -> None:
    with limited(None) as (server, _):
        server.reply(Failure(429, "Pay first.", code="insufficient_quota"))
        with pytest.raises(ModelRateLimitError) as raised:
            ask(ChatGumloop(**connection(server)))
        assert raised.value.is_retryable is False
        assert len(server.requests) == 1
