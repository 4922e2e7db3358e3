"""Slots as the clients take them and give them back, over a real socket."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from gumloop_core import AsyncGumloopClient, Credentials, GumloopClient
from gumloop_core.concurrency.limiter import Ticket
from gumloop_core.concurrency.memory_limiter import MemoryLimiter
from gumloop_core.errors import GumloopError, RateLimitError, ServerError, SlotTimeoutError
from gumloop_core.http import exchange
from gumloop_emulator.script import Pause
from tests.core.conftest import Connect
from tests.support.byte_server import LONGEST_WAIT, RESET, SILENCE, ByteServer, Script, WaitFor
from tests.support.core_driver import AsyncCore, body, settings_for
from tests.support.http_bytes import FIRST, completion, head, streamed, whole

ANSWER = whole(completion())
REFUSED = whole({"error": {"message": "Too many at once."}}, 429)


def limiter_of(driver: Any) -> MemoryLimiter:
    limiter = driver.client._settings.limiter()
    assert isinstance(limiter, MemoryLimiter)
    return limiter


def in_flight(driver: Any) -> int:
    limiter = limiter_of(driver)
    limiter._look()  # what was given back while another thread was at it
    return limiter.bound.in_flight


def _outcome(driver: Any, mode: str) -> Any:
    try:
        return driver.complete() if mode == "complete" else list(driver.stream())
    except GumloopError as error:
        return error


@pytest.mark.parametrize("mode", ["complete", "stream"])
@pytest.mark.parametrize(
    "script",
    [
        ANSWER,
        streamed(),
        whole({"error": "x"}, 401),
        whole({"error": "x"}, 500),
        RESET,
        [head(), RESET],
        [FIRST, RESET],
    ],
    ids=["answer", "stream", "401", "500", "no answer", "half an answer", "half a stream"],
)
def test_whatever_came_the_slot_is_given_back(connect: Connect, mode: str, script: Script) -> None:
    with ByteServer(script if isinstance(script, (bytes, list)) else [script]) as server:
        driver = connect(server, max_concurrency=1, slot_timeout=LONGEST_WAIT)
        for _ in range(2):
            assert not isinstance(_outcome(driver, mode), SlotTimeoutError)
        assert in_flight(driver) == 0


def test_a_token_that_cannot_be_had(connect: Connect) -> None:
    def failing() -> str:
        raise LookupError

    with ByteServer(ANSWER) as server:
        driver = connect(server, credentials=Credentials(access_token=failing), max_concurrency=1)
        with pytest.raises(GumloopError):
            driver.complete()
        assert in_flight(driver) == 0


@pytest.mark.parametrize("how", ["closed", "dropped"])
def test_a_stream_that_is_left(connect: Connect, how: str) -> None:
    with ByteServer([FIRST, SILENCE]) as server:
        driver: Any = connect(server, max_concurrency=1)
        stream = driver.stream()
        next(stream)
        assert in_flight(driver) == 1
        if how == "closed":
            stream.close()
        del stream
        gc.collect()
        assert in_flight(driver) == 0


def test_the_last_piece_of_a_stream_comes_without_a_slot(connect: Connect) -> None:
    with ByteServer(streamed()) as server:
        driver: Any = connect(server, max_concurrency=1)
        stream = driver.stream()
        while next(stream).completion is None:
            assert in_flight(driver) == 1
        assert in_flight(driver) == 0
        stream.close()


def test_a_stream_whose_loop_was_closed_by_hand() -> None:
    with ByteServer([FIRST, SILENCE]) as server:
        client = AsyncGumloopClient(settings_for(server.base_url, max_concurrency=1))
        limiter = client._settings.limiter()
        assert isinstance(limiter, MemoryLimiter)
        loop = asyncio.new_event_loop()
        stream = client.stream(body(stream=True))
        loop.run_until_complete(anext(stream))
        assert limiter.bound.in_flight == 1
        loop.close()
        del stream, loop
        gc.collect()
        assert limiter.bound.in_flight == 0
    with ByteServer(ANSWER) as server:
        GumloopClient(settings_for(server.base_url)).complete(body())  # closes the connections of the loop


@pytest.mark.parametrize("where", ["waiting", "sending"])
def test_a_cancelled_call(where: str) -> None:
    async def work(client: AsyncGumloopClient) -> None:
        first = asyncio.create_task(client.complete(body()))
        async with asyncio.timeout(LONGEST_WAIT):
            while not server.requests:
                await asyncio.sleep(0.001)
        task = first
        if where == "waiting":
            task = asyncio.create_task(client.complete(body()))
            await asyncio.sleep(0.01)
            assert limiter.waiting == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert limiter.waiting == 0
        assert limiter.bound.in_flight == int(where == "waiting")
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        assert limiter.bound.in_flight == 0
        await client.aclose()

    with ByteServer([SILENCE]) as server:
        client = AsyncGumloopClient(settings_for(server.base_url, max_concurrency=1))
        limiter = client._settings.limiter()
        assert isinstance(limiter, MemoryLimiter)
        asyncio.run(work(client))
        assert len(server.requests) == 1


def test_close_ends_calls_that_wait_for_their_turn() -> None:
    with ByteServer([SILENCE]) as server, ThreadPoolExecutor(4) as threads:
        client = GumloopClient(settings_for(server.base_url, max_concurrency=1, slot_timeout=LONGEST_WAIT))
        limiter = client._settings.limiter()
        assert isinstance(limiter, MemoryLimiter)
        calls = [threads.submit(client.complete, body()) for _ in range(4)]
        assert server.wait_until(lambda: limiter.waiting == 3 and len(server.requests) == 1)
        client.close()
        for call in calls:
            with pytest.raises(GumloopError, match="closed by close"):
                call.result(LONGEST_WAIT)
        assert (limiter.waiting, limiter.bound.in_flight, len(server.requests)) == (0, 0, 1)


def test_waiting_for_a_slot_too_long_sends_nothing_and_is_not_tried_again(connect: Connect) -> None:
    with ByteServer([FIRST, SILENCE]) as server:
        other = GumloopClient(settings_for(server.base_url))
        with ThreadPoolExecutor(1) as threads:  # in a thread of its own, or the call would be let through
            stream = other.stream(body(stream=True))
            threads.submit(next, stream).result(LONGEST_WAIT)
        with pytest.raises(SlotTimeoutError, match=r"slot_timeout=0\.05"):
            connect(server, max_concurrency=1, slot_timeout=0.05).complete()
        assert len(server.requests) == 1
        stream.close()


def test_no_time_limit_of_a_request_runs_while_it_waits(connect: Connect) -> None:
    with ByteServer([FIRST, SILENCE], ANSWER) as server:
        other = GumloopClient(settings_for(server.base_url))
        with ThreadPoolExecutor(1) as threads:
            stream = other.stream(body(stream=True))
            threads.submit(next, stream).result(LONGEST_WAIT)
        timer = threading.Timer(0.6, stream.close)
        timer.start()
        connect(server, max_concurrency=1, timeout=0.4).complete()
        timer.join(LONGEST_WAIT)


def test_a_refused_call_keeps_its_place_and_uses_up_no_retry(connect: Connect) -> None:
    answered = threading.Event()
    with ByteServer([WaitFor(answered), ANSWER], REFUSED, ANSWER) as server, ThreadPoolExecutor(1) as threads:
        driver = connect(server, max_retries=0)
        limiter = limiter_of(driver)
        first = threads.submit(GumloopClient(settings_for(server.base_url)).complete, body())
        assert server.wait_until(lambda: len(server.requests) == 1)
        timer = threading.Thread(target=lambda: server.wait_until(lambda: limiter.waiting == 1) and answered.set())
        timer.start()
        assert driver.complete().text
        assert first.result(LONGEST_WAIT).text
        timer.join(LONGEST_WAIT)
        assert (len(server.requests), limiter.bound.is_known) == (3, True)


def test_a_call_that_is_refused_alone_uses_up_its_retries(connect: Connect) -> None:
    with ByteServer(REFUSED) as server:
        with pytest.raises(RateLimitError):
            connect(server, max_retries=2).complete()
        assert len(server.requests) == 3


class OthersGetThrough(MemoryLimiter):
    """Of an account whose others always get through."""

    def refused(self, ticket: Ticket, retry_after: float | None) -> None:
        super().refused(ticket, retry_after)
        ticket.is_alone = False


def test_a_number_of_refusals_ends_it_with_the_last_error(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "MOST_REFUSALS", 5)
    last = whole({"error": {"message": "The last word."}}, 429)
    with ByteServer(*[REFUSED] * 5, last) as server:
        driver: Any = connect(server, max_retries=0)
        driver.client._settings.limiter = OthersGetThrough
        with pytest.raises(RateLimitError, match=r"The last word\."):
            driver.complete()
        assert len(server.requests) == 6


@pytest.mark.parametrize("mode", ["complete", "stream"])
@pytest.mark.parametrize("code", ["insufficient_quota", "billing_hard_limit_reached"])
def test_a_quota_that_is_used_up_is_asked_once(connect: Connect, mode: str, code: str) -> None:
    error = {"error": {"message": "Pay first.", "type": "insufficient_quota", "code": code}}
    with ByteServer(whole(error, 429, retry_after="1")) as server:
        driver = connect(server, max_retries=2)
        failure = _outcome(driver, mode)
        assert isinstance(failure, RateLimitError)
        assert failure.code == code
        assert len(server.requests) == 1
        assert not limiter_of(driver).bound.is_known


@pytest.mark.parametrize("status", [429, 503])
def test_what_one_was_asked_to_wait_all_wait(connect: Connect, status: int) -> None:
    """Other calls of the account as well, whoever was told."""
    with ByteServer(whole({"error": "busy"}, status, retry_after="0.3"), ANSWER) as server:
        with pytest.raises(GumloopError):
            GumloopClient(settings_for(server.base_url, max_retries=0)).complete(body())
        began = time.monotonic()
        connect(server).complete()
        assert time.monotonic() - began >= 0.2
        assert len(server.requests) == 2


def test_a_503_without_a_time_is_no_refusal(connect: Connect) -> None:
    with ByteServer(whole({"error": "broken"}, 503)) as server:
        driver = connect(server, max_retries=1)
        with pytest.raises(ServerError):
            driver.complete()
        assert len(server.requests) == 2
        assert not limiter_of(driver).bound.is_known


def test_a_call_within_a_stream_of_the_same_account(connect: Connect) -> None:
    with ByteServer([FIRST, SILENCE], ANSWER) as server:
        driver = connect(server, max_concurrency=1, slot_timeout=LONGEST_WAIT)
        if isinstance(driver, AsyncCore):

            async def both() -> None:
                stream = driver.client.stream(body(stream=True))
                await anext(stream)
                await driver.client.complete(body())
                await stream.aclose()

            driver.run(both())
        else:
            stream: Any = driver.stream()
            next(stream)
            driver.complete()
            stream.close()
        assert len(server.requests) == 2


def test_the_model_list_takes_no_slot(connect: Connect) -> None:
    with ByteServer([FIRST, SILENCE], whole({"model_groups": []})) as server, ThreadPoolExecutor(1) as threads:
        stream = GumloopClient(settings_for(server.base_url)).stream(body(stream=True))
        threads.submit(next, stream).result(LONGEST_WAIT)
        driver = connect(server, max_concurrency=1, slot_timeout=0.001)
        driver.models()
        stream.close()


def test_a_call_and_its_body_go_without_the_collector() -> None:
    with ByteServer([Pause(0.0), ANSWER]) as server:
        settings = settings_for(server.base_url)
        gc.collect()
        gc.disable()
        try:
            call = settings.chat_exchange(body(), stream=False)
            gone = weakref.ref(call)
            call.enter()
            call.leave()
            del call
            assert gone() is None
        finally:
            gc.enable()


async def test_a_stream_that_is_dropped_while_its_task_is_known() -> None:
    """``wait_for`` reads each piece in a task of its own, which has the stream."""
    with ByteServer([FIRST, SILENCE]) as server:
        client = AsyncGumloopClient(settings_for(server.base_url, max_concurrency=1))
        limiter = client._settings.limiter()
        assert isinstance(limiter, MemoryLimiter)
        stream = client.stream(body(stream=True))
        await asyncio.ensure_future(anext(stream))
        assert limiter.bound.in_flight == 1
        del stream
        async with asyncio.timeout(LONGEST_WAIT):
            while limiter.bound.in_flight:
                gc.collect()
                await asyncio.sleep(0.001)
        await client.aclose()
