"""Trackers and budgets around Gumloop: by ``with`` and as event handlers, on each road, in threads and tasks."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.instrumentation import get_dispatcher

from gumloop_core.answer import Usage
from gumloop_core.costs.prices import estimated_cost
from gumloop_core.errors import BudgetExceededError, GumloopError
from gumloop_core.http import retry
from gumloop_emulator import Answer, Emulator, Failure
from llama_index_gumloop import Budget, CostEventHandler, CostTracker, Gumloop
from llama_index_gumloop.events import has_listeners
from tests.llama_index.conftest import MakeLLM

COST = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "cost": 0.25}
NO_COST = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
HI = [ChatMessage("Hi")]


async def _astream_chat(llm: Gumloop) -> None:
    async for _ in await llm.astream_chat(HI):
        pass


async def _astream_complete(llm: Gumloop) -> None:
    async for _ in await llm.astream_complete("Hi"):
        pass


ROADS: dict[str, Any] = {
    "chat": lambda llm: llm.chat(HI),
    "complete": lambda llm: llm.complete("Hi"),
    "stream_chat": lambda llm: list(llm.stream_chat(HI)),
    "stream_complete": lambda llm: list(llm.stream_complete("Hi")),
    "achat": lambda llm: asyncio.run(llm.achat(HI)),
    "acomplete": lambda llm: asyncio.run(llm.acomplete("Hi")),
    "astream_chat": lambda llm: asyncio.run(_astream_chat(llm)),
    "astream_complete": lambda llm: asyncio.run(_astream_complete(llm)),
}
roads = pytest.mark.parametrize("road", ROADS)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_PAUSE", 0.001)


@pytest.fixture(params=["with", "handler", "both"])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@contextmanager
def told(way: str, observer: Any) -> Iterator[None]:
    """Have an observer told of calls: by ``with``, by the root dispatcher, or by both."""
    handlers = get_dispatcher().event_handlers
    handler = CostEventHandler(observer)
    if way != "with":
        get_dispatcher().add_event_handler(handler)
    try:
        with CostTracker() if way == "handler" else observer:
            yield
    finally:
        if way != "with":
            handlers.remove(handler)


@roads
def test_each_call_counts_once(server: Emulator, llm: Gumloop, way: str, road: str) -> None:
    tracker = CostTracker()
    server.queue(Answer("Hi", usage=COST), Answer("Hi", usage=NO_COST))
    with told(way, tracker):
        ROADS[road](llm)
        ROADS[road](llm)
    [(model, total)] = tracker.by_model.items()
    assert model == "claude-sonnet-4-5"
    assert (total.calls, total.failures, total.total_tokens, total.cost) == (2, 0, 30, 0.25)
    assert total.estimated_cost == estimated_cost(Usage(10, 5, 15), model)


@roads
def test_retries_and_errors(server: Emulator, make_llm: MakeLLM, way: str, road: str) -> None:
    tracker = CostTracker()
    server.queue(Failure(500), Answer("Hi", usage=COST), Failure(402))
    llm = make_llm(max_retries=2)
    with told(way, tracker):
        ROADS[road](llm)
        with pytest.raises(GumloopError):
            ROADS[road](llm)
    total = tracker.total
    assert (total.calls, total.retries, total.failures, total.cost) == (2, 1, 1, 0.25)


@pytest.mark.parametrize("how", ["closed", "abandoned"])
def test_a_stream_that_ends_early(server: Emulator, llm: Gumloop, way: str, how: str) -> None:
    tracker = CostTracker()
    server.queue(Answer("A long answer in many pieces " * 20))
    with told(way, tracker):
        responses = llm.stream_chat(HI)
        next(responses)
        if how == "closed":
            responses.close()  # type: ignore[attr-defined]
        del responses
        gc.collect()
    assert (tracker.total.calls, tracker.total.failures, tracker.total.uncounted_calls) == (1, 1, 1)


def test_tasks(server: Emulator, llm: Gumloop, way: str) -> None:
    async def gathered() -> None:
        await asyncio.gather(*[llm.achat(HI) for _ in range(20)])

    tracker = CostTracker()
    server.reply(Answer("Hi", usage=COST))
    with told(way, tracker):
        asyncio.run(gathered())
    assert (tracker.total.calls, tracker.total.cost) == (20, 5.0)


def test_threads(server: Emulator, llm: Gumloop, way: str) -> None:
    tracker = CostTracker()
    server.reply(Answer("Hi", usage=COST))
    with told(way, tracker), ThreadPoolExecutor(4) as threads:
        for call in [threads.submit(copy_context().run, llm.chat, HI) for _ in range(20)]:
            call.result(20)
    assert (tracker.total.calls, tracker.total.cost) == (20, 5.0)


@roads
@pytest.mark.parametrize("way", ["with", "handler"])
def test_a_budget_stops_before_the_next_call(server: Emulator, llm: Gumloop, way: str, road: str) -> None:
    budget = Budget(max_cost=0.6)
    server.reply(Answer("Hi", usage=COST))
    with told(way, budget):
        ROADS[road](llm)
        ROADS[road](llm)
        with pytest.raises(BudgetExceededError) as raised:
            ROADS[road](llm)
    assert (raised.value.cost, raised.value.max_cost) == (0.5, 0.6)
    assert len(server.chat_requests) == 2


def test_a_handler_that_makes_nothing_of_events_has_none_made_for_it() -> None:
    before = has_listeners()
    with told("handler", CostTracker()):
        assert has_listeners() is before
