"""Observers are told of each call, on all four roads, of its end exactly once, whatever that end is."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import pytest

from gumloop_core import AsyncGumloopClient, GumloopClient
from gumloop_core.errors import (
    APIConnectionError,
    AuthenticationError,
    ConfigurationError,
    GumloopError,
    ProviderError,
    StreamError,
    UnexpectedError,
)
from gumloop_core.observation import CallRecord, observed_by
from tests.core.conftest import Connect
from tests.support.byte_server import CLOSE, SILENCE, ByteServer, unused_port
from tests.support.core_driver import CoreDriver, SyncCore, body, settings_for
from tests.support.http_bytes import TEXT, chunk, completion, event, http_chunk, stream_head, streamed, whole

ANSWER = whole(completion())
FAILED = whole({**completion("", finish_reason="error"), "usage": {"prompt_tokens": 7, "cost": 0.5}})
BEGUN = stream_head() + http_chunk(
    event(chunk({"content": "Once"}, usage={"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}))
)

Ask = Callable[[CoreDriver], Any]


def unary(driver: CoreDriver) -> Any:
    return driver.complete()


def stream(driver: CoreDriver) -> Any:
    return list(driver.stream())


roads = pytest.mark.parametrize("ask", [unary, stream])


class Observer:
    """Keeps what it is told."""

    def __init__(self, name: str = "", order: list[str] | None = None) -> None:
        self.name = name
        self.order = [] if order is None else order
        self.began: list[str] = []
        self.records: list[CallRecord] = []

    def before_call(self, model: str) -> None:
        self.order.append(f"{self.name} before")
        self.began.append(model)

    def after_call(self, record: CallRecord) -> None:
        self.order.append(f"{self.name} after")
        self.records.append(record)

    @property
    def record(self) -> CallRecord:
        [record] = self.records
        assert self.began == [record.model]
        return record


class Refuser(Observer):
    """Refuses each call."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def before_call(self, model: str) -> None:
        raise self.error


@roads
def test_a_whole_answer(connect: Connect, ask: Ask) -> None:
    observer = Observer()
    with ByteServer(*([ANSWER] if ask is unary else [streamed()])) as server:
        driver = connect(server)
        with observed_by(observer):
            ask(driver)
    record = observer.record
    assert (record.model, record.answered_by, record.answer_id) == ("m", "m-served", "gen-1")
    assert record.usage is not None
    assert record.usage.total_tokens == 12
    assert (record.attempts, record.error, record.is_whole, record.usage_of_retried) == (1, None, True, ())
    assert record.seconds > 0
    assert record.finish_reason == "stop"
    if ask is unary:
        assert (record.seconds_to_first_piece, record.options) == (None, {"model": "m"})
    else:
        assert record.seconds_to_first_piece is not None
        assert 0 < record.seconds_to_first_piece <= record.seconds
        assert record.options["stream"] is True
        assert "messages" not in record.options


@roads
def test_an_observer_may_make_one_of_each_call(connect: Connect, ask: Ask) -> None:
    made: list[Observer] = []

    class Maker(Observer):
        def of_call(self) -> Observer:
            made.append(Observer())
            return made[-1]

    maker = Maker()
    with ByteServer(*([ANSWER, ANSWER] if ask is unary else [streamed(), streamed()])) as server:
        driver = connect(server)
        with observed_by(maker):
            ask(driver)
            ask(driver)
    assert [observer.record.answer_id for observer in made] == ["gen-1", "gen-1"]
    assert maker.began == maker.records == []


@roads
def test_nobody_is_told_outside(connect: Connect, ask: Ask) -> None:
    observer = Observer()
    with ByteServer(ANSWER, ANSWER) as server:
        driver = connect(server)
        ask(driver)
        with observed_by(observer):
            pass
        ask(driver)
    assert observer.began == observer.records == []


@roads
def test_retries_are_counted_with_what_they_cost(connect: Connect, ask: Ask) -> None:
    observer = Observer()
    with ByteServer(FAILED, whole(b"{}", status=500), ANSWER) as server:
        driver = connect(server)
        with observed_by(observer):
            ask(driver)
    record = observer.record
    assert (record.attempts, record.error, record.is_whole) == (3, None, True)
    assert record.usage is not None
    assert record.usage.total_tokens == 12
    assert [(usage.prompt_tokens, usage.cost) for usage in record.usage_of_retried] == [(7, 0.5)]


@roads
def test_an_error_is_reported_with_the_usage_that_came(connect: Connect, ask: Ask) -> None:
    observer = Observer()
    with ByteServer(FAILED) as server:
        driver = connect(server, max_retries=0)
        with observed_by(observer), pytest.raises(ProviderError) as raised:
            ask(driver)
    record = observer.record
    assert record.error is raised.value
    assert record.is_whole is False
    assert record.usage is not None
    assert record.usage.cost == 0.5


@roads
def test_an_error_of_a_status_has_no_usage(connect: Connect, ask: Ask) -> None:
    observer = Observer()
    with ByteServer(FAILED, whole(b"{}", status=401)) as server:
        driver = connect(server)
        with observed_by(observer), pytest.raises(AuthenticationError) as raised:
            ask(driver)
    record = observer.record
    assert (record.error, record.usage, record.attempts) == (raised.value, None, 2)
    assert [usage.prompt_tokens for usage in record.usage_of_retried] == [7]


@roads
def test_a_server_out_of_reach(connect: Connect, ask: Ask) -> None:
    observer = Observer()
    driver = connect(f"http://127.0.0.1:{unused_port()}", max_retries=1)
    with observed_by(observer), pytest.raises(APIConnectionError) as raised:
        ask(driver)
    assert observer.record.error is raised.value
    assert observer.record.attempts == 2


@roads
def test_a_request_that_cannot_be_sent_is_no_call(connect: Connect, ask: Ask) -> None:
    observer = Observer()
    driver = connect("http://127.0.0.1:9")
    broken: Any = {**body(), "seed": object()}
    with observed_by(observer), pytest.raises(GumloopError):
        driver.complete(broken) if ask is unary else list(driver.stream(broken))
    assert observer.began == observer.records == []


def test_a_broken_stream(connect: Connect) -> None:
    observer = Observer()
    with ByteServer([BEGUN, CLOSE]) as server:
        driver = connect(server)
        with observed_by(observer), pytest.raises(StreamError) as raised:
            list(driver.stream())
    record = observer.record
    assert (record.error, record.is_whole, record.answered_by) == (raised.value, False, "m-served")
    assert record.usage is not None
    assert record.usage.total_tokens == 10


@pytest.mark.parametrize("how", ["closed", "abandoned"])
def test_a_stream_that_ends_early(connect: Connect, how: str) -> None:
    observer = Observer()
    with ByteServer(streamed()) as server:
        driver = connect(server)
        with observed_by(observer):
            deltas = driver.stream()
            next(deltas)
        assert observer.records == []
        if how == "closed":
            deltas.close()  # type: ignore[attr-defined]
        del deltas
        gc.collect()
    record = observer.record
    assert (record.error, record.is_whole, record.answer_id, record.attempts) == (None, False, "gen-1", 1)


def test_a_stream_is_reported_before_its_last_delta_is_handed_out(connect: Connect) -> None:
    observer = Observer()
    with ByteServer(streamed()) as server:
        driver = connect(server)
        with observed_by(observer):
            for delta in driver.stream():
                if delta.completion is not None:
                    assert observer.record.is_whole
                    break
    assert observer.record.is_whole


def test_a_stream_belongs_to_who_observed_where_it_was_asked_for() -> None:
    observer = Observer()
    with ByteServer(streamed()) as server:
        driver = SyncCore(settings_for(server.base_url))
        with observed_by(observer):
            deltas = driver.stream()
            never = driver.stream()
        del never
        list(deltas)
        driver.stop()
    assert observer.record.is_whole


def test_a_cancelled_call_is_reported() -> None:
    observer = Observer()

    async def cancelled(base_url: str) -> None:
        client = AsyncGumloopClient(settings_for(base_url))
        with observed_by(observer):
            task = asyncio.create_task(client.complete(body()))
        while not server.requests:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await client.aclose()

    with ByteServer([SILENCE]) as server:
        asyncio.run(asyncio.wait_for(cancelled(server.base_url), 20))
    assert (observer.record.error, observer.record.is_whole, observer.record.attempts) == (None, False, 1)


def test_the_model_list_is_no_call(connect: Connect) -> None:
    observer = Observer()
    with ByteServer(whole({"model_groups": []})) as server:
        driver = connect(server)
        with observed_by(observer):
            driver.models()
    assert observer.began == []


# -- several ---------------------------------------------------------------------------------------------------------


@roads
def test_observers_within_each_other_are_all_told(connect: Connect, ask: Ask) -> None:
    order: list[str] = []
    outer, inner = Observer("outer", order), Observer("inner", order)
    with ByteServer(ANSWER, ANSWER) as server:
        driver = connect(server)
        with observed_by(outer):
            with observed_by(inner):
                ask(driver)
            ask(driver)
    assert order == ["outer before", "inner before", "outer after", "inner after", "outer before", "outer after"]


def test_one_that_is_set_twice_is_told_once(connect: Connect) -> None:
    observer = Observer()
    with ByteServer(ANSWER, ANSWER) as server:
        driver = connect(server)
        with observed_by(observer):
            with observed_by(observer):
                driver.complete()
            assert observer.record
            driver.complete()
    assert len(observer.records) == 2


@roads
def test_one_that_refuses(connect: Connect, ask: Ask) -> None:
    outer, inner, error = Observer(), Observer(), ConfigurationError("no more")
    refuser = Refuser(error)
    with ByteServer(ANSWER) as server:
        driver = connect(server)
        with observed_by(outer), observed_by(refuser), observed_by(inner), pytest.raises(ConfigurationError) as raised:
            ask(driver)
        assert server.requests == []
    assert raised.value is error
    assert (outer.record.error, outer.record.attempts, outer.record.is_whole) == (error, 0, False)
    assert refuser.records == inner.began == inner.records == []


@roads
def test_nothing_but_our_errors_leaves(connect: Connect, ask: Ask) -> None:
    driver = connect("http://127.0.0.1:9")
    with observed_by(Refuser(KeyError("x"))), pytest.raises(UnexpectedError) as raised:
        ask(driver)
    assert isinstance(raised.value.__cause__, KeyError)


def test_what_interrupts_passes(connect: Connect) -> None:
    outer = Observer()
    driver = connect("http://127.0.0.1:9")
    with observed_by(outer), observed_by(Refuser(GeneratorExit())), pytest.raises(GeneratorExit):
        driver.complete()
    assert outer.record.is_whole is False


@roads
def test_one_that_fails_afterwards_is_logged_and_loses_nothing(
    connect: Connect, ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(Observer):
        def after_call(self, record: CallRecord) -> None:
            raise OSError("the disk is full")

    inner = Observer()
    with ByteServer(ANSWER) as server:
        driver = connect(server)
        with observed_by(Failing()), observed_by(inner), caplog.at_level(logging.ERROR):
            ask(driver)
    assert inner.record.is_whole
    [entry] = caplog.records
    assert "Failing failed to take note of a call" in entry.getMessage()
    assert "the disk is full" in caplog.text


# -- threads and tasks -------------------------------------------------------------------------------------------------


def test_threads_that_copy_the_context_inherit() -> None:
    observer = Observer()
    with ByteServer(*[ANSWER] * 4) as server, ThreadPoolExecutor(2) as threads:
        client = GumloopClient(settings_for(server.base_url))
        with observed_by(observer):
            inherited = [threads.submit(copy_context().run, client.complete, body()) for _ in range(3)]
            bare = threads.submit(client.complete, body())
        texts = [future.result(20).text for future in [*inherited, bare]]
        client.close()
    assert texts == [TEXT] * 4
    assert len(observer.records) == 3


def test_tasks_inherit_and_each_has_its_own() -> None:
    observers = [Observer() for _ in range(3)]

    async def ask(client: AsyncGumloopClient, observer: Observer) -> None:
        with observed_by(observer):
            await client.complete(body())
            async for _ in client.stream(body(stream=True)):
                pass

    async def work(base_url: str) -> None:
        client = AsyncGumloopClient(settings_for(base_url))
        with observed_by(everyone):
            await asyncio.gather(*[ask(client, observer) for observer in observers])
        await client.aclose()

    everyone = Observer()
    with ByteServer(*[ANSWER] * 6) as server:
        asyncio.run(asyncio.wait_for(work(server.base_url), 20))
    assert [len(observer.records) for observer in [*observers, everyone]] == [2, 2, 2, 6]


def test_leaving_in_another_context_undoes_nothing_of_others() -> None:
    outer, inner = Observer(), Observer()
    with ByteServer(ANSWER) as server:
        client = GumloopClient(settings_for(server.base_url))
        with observed_by(outer):
            setting = observed_by(inner)
            copy_context().run(setting.__enter__)
            setting.__exit__(None, None, None)
            client.complete(body())
        client.close()
    assert len(outer.records) == 1
    assert inner.records == []
