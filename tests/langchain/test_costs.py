"""Trackers and budgets around ChatGumloop: by ``with`` and as callbacks, on each road, in threads and tasks."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.exceptions import ModelError
from langchain_core.language_models import FakeListChatModel
from langchain_core.prompts import ChatPromptTemplate

from gumloop_core.answer import Usage
from gumloop_core.costs.prices import estimated_cost
from gumloop_core.errors import BudgetExceededError
from gumloop_emulator import Answer, Emulator, Failure
from langchain_gumloop import Budget, CostCallbackHandler, CostTracker
from tests.langchain.conftest import MakeModel

COST = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "cost": 0.25}
NO_COST = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


async def _all(chunks: AsyncIterator[Any]) -> list[Any]:
    return [chunk async for chunk in chunks]


def _invoke(model: Any, **options: Any) -> None:
    model.invoke("Hi", **options)


def _stream(model: Any, **options: Any) -> None:
    list(model.stream("Hi", **options))


def _events(model: Any, **options: Any) -> None:
    list(model.stream_events("Hi", version="v3", **options))


def _ainvoke(model: Any, **options: Any) -> None:
    asyncio.run(model.ainvoke("Hi", **options))


def _astream(model: Any, **options: Any) -> None:
    asyncio.run(_all(model.astream("Hi", **options)))


def _aevents(model: Any, **options: Any) -> None:
    asyncio.run(_all(model.astream_events("Hi", version="v2", **options)))


roads = pytest.mark.parametrize("ask", [_invoke, _stream, _events, _ainvoke, _astream, _aevents])


@pytest.fixture(params=["with", "callback", "both"])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def told(way: str, observer: Any) -> dict[str, Any]:
    return {} if way == "with" else {"config": {"callbacks": [CostCallbackHandler(observer)]}}


def inside(way: str, tracker: CostTracker) -> Any:
    return CostTracker() if way == "callback" else tracker


@roads
def test_each_call_counts_once(server: Emulator, chat: MakeModel, way: str, ask: Any) -> None:
    tracker = CostTracker()
    server.queue(Answer("Hi", usage=COST), Answer("Hi", usage=NO_COST))
    with inside(way, tracker):
        ask(chat(), **told(way, tracker))
        ask(chat(), **told(way, tracker))
    [(model, total)] = tracker.by_model.items()
    assert model == "claude-sonnet-4-5"
    assert (total.calls, total.failures, total.total_tokens, total.cost) == (2, 0, 30, 0.25)
    assert total.estimated_cost == estimated_cost(Usage(10, 5, 15), model)


@roads
def test_retries_and_errors(server: Emulator, chat: MakeModel, way: str, ask: Any) -> None:
    tracker = CostTracker()
    server.queue(Failure(500), Answer("Hi", usage=COST), Failure(402))
    with inside(way, tracker):
        ask(chat(), **told(way, tracker))
        with pytest.raises(ModelError):
            ask(chat(), **told(way, tracker))
    total = tracker.total
    assert (total.calls, total.retries, total.failures, total.cost) == (2, 1, 1, 0.25)


@pytest.mark.parametrize("how", ["closed", "abandoned"])
def test_a_stream_that_ends_early(server: Emulator, chat: MakeModel, way: str, how: str) -> None:
    tracker = CostTracker()
    server.queue(Answer("A long answer in many pieces " * 20))
    with inside(way, tracker):
        chunks: Iterator[Any] = chat().stream("Hi", **told(way, tracker))
        next(chunks)
        if how == "closed":
            chunks.close()  # type: ignore[attr-defined]
        del chunks
        gc.collect()
    assert (tracker.total.calls, tracker.total.failures, tracker.total.uncounted_calls) == (1, 1, 1)


def test_a_batch_in_threads(server: Emulator, chat: MakeModel, way: str) -> None:
    tracker = CostTracker()
    server.reply(Answer("Hi", usage=COST))
    chain = ChatPromptTemplate.from_template("{city}?") | chat()
    with inside(way, tracker):
        chain.batch([{"city": "Ottawa"}] * 20, **told(way, tracker))
    assert (tracker.total.calls, tracker.total.cost) == (20, 5.0)


def test_a_batch_of_tasks(server: Emulator, chat: MakeModel, way: str) -> None:
    tracker = CostTracker()
    server.reply(Answer("Hi", usage=COST))
    chain = ChatPromptTemplate.from_template("{city}?") | chat()
    with inside(way, tracker):
        asyncio.run(chain.abatch([{"city": "Ottawa"}] * 20, **told(way, tracker)))
    assert (tracker.total.calls, tracker.total.cost) == (20, 5.0)


@roads
@pytest.mark.parametrize("way", ["with", "callback"])
def test_a_budget_stops_before_the_next_call(server: Emulator, chat: MakeModel, way: str, ask: Any) -> None:
    budget = Budget(max_cost=0.6)
    server.reply(Answer("Hi", usage=COST))
    model = chat()
    with inside("callback", CostTracker()) if way == "callback" else budget:
        ask(model, **told(way, budget))
        ask(model, **told(way, budget))
        with pytest.raises(BudgetExceededError) as raised:
            ask(model, **told(way, budget))
    error: Any = raised.value
    assert isinstance(error, ModelError)
    assert isinstance(error, ValueError)
    assert error.is_retryable is False
    assert (error.cost, error.max_cost) == (0.5, 0.6)
    assert len(server.chat_requests) == 2


def test_a_batch_keeps_what_was_answered_within_the_budget(server: Emulator, chat: MakeModel) -> None:
    server.reply(Answer("Hi", usage=COST))
    with Budget(max_cost=2.0, expected_cost=0.25):
        results = chat().batch(["Hi"] * 20, return_exceptions=True)
    answered = [result for result in results if not isinstance(result, Exception)]
    assert len(answered) == len(server.chat_requests) == 8
    assert {type(result).__mro__[1] for result in results if isinstance(result, Exception)} == {BudgetExceededError}


def test_an_answer_from_the_cache_is_no_call(server: Emulator, chat: MakeModel, way: str) -> None:
    tracker = CostTracker()
    server.queue(Answer("Hi", usage=COST))
    model = chat(cache=InMemoryCache())
    with inside(way, tracker):
        for _ in range(2):
            _invoke(model, **told(way, tracker))
    assert (tracker.total.calls, tracker.total.cost) == (1, 0.25)


def test_a_callback_of_the_model_and_of_the_call_is_told_once(server: Emulator, chat: MakeModel) -> None:
    tracker = CostTracker()
    server.queue(Answer("Hi", usage=COST))
    _invoke(chat(callbacks=[CostCallbackHandler(tracker)]), **told("callback", tracker))
    assert tracker.total.calls == 1


@pytest.mark.parametrize("is_async", [False, True])
def test_the_callback_of_another_models_call_is_not_told_of_ours(
    server: Emulator, chat: MakeModel, is_async: bool
) -> None:
    tracker = CostTracker()
    other = FakeListChatModel(responses=["Hi"])
    server.reply(Answer("Hi", usage=COST))
    model = chat()

    async def both() -> None:
        await _all(other.astream("Hi", **told("callback", tracker)))
        await _all(model.astream("Hi"))

    if is_async:
        asyncio.run(both())
    else:
        _stream(other, **told("callback", tracker))
        _stream(model)
    assert tracker.total.calls == 0


def test_a_tracker_and_a_budget_are_both_told(server: Emulator, chat: MakeModel) -> None:
    tracker, budget = CostTracker(), Budget(max_cost=0.3)
    server.reply(Answer("Hi", usage=COST))
    options = {"config": {"callbacks": [CostCallbackHandler(tracker), CostCallbackHandler(budget)]}}
    _stream(chat(), **options)
    with pytest.raises(BudgetExceededError):
        _stream(chat(), **options)
    assert (tracker.total.calls, budget.status.calls, budget.status.in_flight) == (1, 1, 0)
