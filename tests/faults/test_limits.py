"""Both adapters in one process, another process on the same account, a limit that moves: no row is lost."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from llama_index.core.llms import ChatMessage

from gumloop_emulator import Emulator
from langchain_gumloop import ChatGumloop
from llama_index_gumloop import Gumloop
from tests.support.limits import connection, limited

ROWS = 15
"""Of each of four roads."""


def on_all_roads(server: Emulator, rows: int = ROWS) -> list[Any]:
    """Ask on four roads at once, each in a thread."""
    given: dict[str, Any] = {**connection(server), "max_retries": 0}
    messages = [ChatMessage("Hi")]

    async def one() -> None:
        async for _ in await Gumloop(**given).astream_chat(messages):
            pass

    async def gathered() -> list[Any]:
        return await asyncio.gather(*(one() for _ in range(rows)), return_exceptions=True)

    def chat(_: int) -> Any:
        return Gumloop(**given).chat(messages)

    with ThreadPoolExecutor(8) as inner, ThreadPoolExecutor(4) as threads:
        roads = [
            threads.submit(ChatGumloop(**given).batch, ["Hi"] * rows, return_exceptions=True),
            threads.submit(asyncio.run, ChatGumloop(**given).abatch(["Hi"] * rows, return_exceptions=True)),
            threads.submit(asyncio.run, gathered()),
            threads.submit(lambda: list(inner.map(chat, range(rows)))),
        ]
        outcomes = [outcome for road in roads for outcome in road.result(50)]
    return [outcome for outcome in outcomes if isinstance(outcome, Exception)]


def test_both_adapters_share_what_they_learn() -> None:
    with limited(5) as (server, limits):
        assert on_all_roads(server) == []
        assert (limits.admitted, limits.most) == (4 * ROWS, 5)
        learned = limits.refused
        assert on_all_roads(server) == []
        assert limits.refused - learned <= 2 * ROWS


def test_another_process_takes_two_of_five_places() -> None:
    with limited(5) as (server, limits):
        limits._in_flight = 2
        assert on_all_roads(server) == []
        assert limits.admitted == 4 * ROWS


@pytest.mark.parametrize("retry_after", [False, True])
def test_others_come_and_go(retry_after: bool) -> None:
    with limited(3, retry_after=retry_after) as (server, limits):
        ended = threading.Event()

        def come_and_go() -> None:
            while not ended.wait(0.03):
                limits._in_flight += 1
                ended.wait(0.03)
                limits._in_flight -= 1

        others = threading.Thread(target=come_and_go)
        others.start()
        try:
            assert on_all_roads(server, 3 if retry_after else ROWS) == []
        finally:
            ended.set()
            others.join(10)


def test_a_limit_that_moves() -> None:
    with limited(5, moves={20: 3, 40: 25}) as (server, limits):
        assert on_all_roads(server, 30) == []
        assert limits.admitted == 120
