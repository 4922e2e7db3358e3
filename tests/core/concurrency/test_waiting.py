"""Calls that wait for a slot are noted for who began them, in tasks and threads alike."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from gumloop_core import AsyncGumloopClient, GumloopClient
from gumloop_core.concurrency.limiter import Ticket
from gumloop_core.concurrency.waiting import noted_in
from gumloop_core.errors import SlotTimeoutError
from tests.support.byte_server import LONGEST_WAIT, ByteServer, WaitFor
from tests.support.core_driver import body, settings_for
from tests.support.http_bytes import completion, whole

ANSWER = whole(completion())


@pytest.mark.parametrize("in_tasks", [True, False], ids=["tasks", "threads"])
def test_calls_that_wait_are_noted_until_they_need_not(in_tasks: bool) -> None:
    answered = threading.Event()
    waiting: set[Ticket] = set()
    with ByteServer([WaitFor(answered), ANSWER], ANSWER, ANSWER) as server:
        settings = settings_for(server.base_url, max_concurrency=1)

        async def ask_all() -> None:
            with noted_in(waiting):
                if in_tasks:
                    client = AsyncGumloopClient(settings)
                    calls = [asyncio.create_task(client.complete(body())) for _ in range(3)]
                else:
                    calls = [
                        asyncio.create_task(asyncio.to_thread(GumloopClient(settings).complete, body()))
                        for _ in range(3)
                    ]
            deadline = time.monotonic() + LONGEST_WAIT
            while len(waiting) != 2:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.001)
            answered.set()
            await asyncio.gather(*calls)

        asyncio.run(ask_all())
    assert not waiting


def test_a_call_that_got_no_slot_waits_no_longer() -> None:
    answered = threading.Event()
    waiting: set[Ticket] = set()
    with ByteServer([WaitFor(answered), ANSWER]) as server:
        client = AsyncGumloopClient(settings_for(server.base_url, max_concurrency=1, slot_timeout=0.01))

        async def ask() -> None:
            first = asyncio.create_task(client.complete(body()))
            assert await asyncio.to_thread(server.wait_until, lambda: bool(server.requests))
            with noted_in(waiting), pytest.raises(SlotTimeoutError):
                await client.complete(body())
            assert not waiting
            answered.set()
            await first

        asyncio.run(ask())
