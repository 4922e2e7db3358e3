"""Each road gives its connection back: who calls again and again opens one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gumloop_core.http import sync_pool
from gumloop_emulator import Answer, Emulator
from langchain_gumloop import ChatGumloop

CALLS = 6

pytestmark = pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")


def _until_the_last_chunk(model: ChatGumloop, kept: list[Any]) -> None:
    """As a loop does that stops where a chunk says that it is the last."""
    stream = model.stream("x")
    kept.append(stream)
    for chunk in stream:
        if chunk.chunk_position == "last":
            return
    raise AssertionError("no chunk was the last")


def _events(model: ChatGumloop, kept: list[Any]) -> None:
    stream = model.stream_events("x", version="v3")
    kept.append(stream)
    assert list(stream)[-1]["event"] == "message-finish"


def _output(model: ChatGumloop, kept: list[Any]) -> None:
    stream = model.stream_events("x", version="v3")
    kept.append(stream)
    assert stream.output.content


ROADS: dict[str, Callable[[ChatGumloop, list[Any]], Any]] = {
    "invoke": lambda model, kept: kept.append(model.invoke("x")),
    "batch": lambda model, kept: kept.append(model.batch(["x"])),
    "stream": lambda model, kept: kept.append(list(model.stream("x"))),
    "stream until the last chunk": _until_the_last_chunk,
    "v3": _events,
    "v3 output": _output,
    "v3 text": lambda model, kept: kept.append(str(model.stream_events("x", version="v3").text)),
}


@pytest.mark.parametrize("road", ROADS.values(), ids=list(ROADS))
def test_calls_one_after_the_other_share_a_connection(
    monkeypatch: pytest.MonkeyPatch, road: Callable[[ChatGumloop, list[Any]], Any]
) -> None:
    monkeypatch.setattr(sync_pool, "_pool", None)  # other tests' models share the process's connections
    with Emulator() as server:
        model = ChatGumloop(
            model="claude-sonnet-4-5", base_url=server.base_url, api_key=server.api_key, user_id=server.user_id
        )
        kept: list[Any] = []  # whoever keeps a stream that is over holds nothing open with it
        for _ in range(CALLS):
            road(model, kept)
        assert len(server.chat_requests) == CALLS
        assert server.connections == 1
        model.close()


async def _auntil_the_last_chunk(model: ChatGumloop, kept: list[Any]) -> None:
    stream = model.astream("x")
    kept.append(stream)
    async for chunk in stream:
        if chunk.chunk_position == "last":
            return


async def _aevents(model: ChatGumloop, kept: list[Any]) -> None:
    stream = await model.astream_events("x", version="v3")
    kept.append(stream)
    assert [event async for event in stream][-1]["event"] == "message-finish"


async def _aoutput(model: ChatGumloop, kept: list[Any]) -> None:
    stream = await model.astream_events("x", version="v3")
    kept.append(stream)
    assert (await stream.output).content


async def _astream(model: ChatGumloop, kept: list[Any]) -> None:
    kept.append([chunk async for chunk in model.astream("x")])


async def _ainvoke(model: ChatGumloop, kept: list[Any]) -> None:
    kept.append(await model.ainvoke("x"))


async def _abatch(model: ChatGumloop, kept: list[Any]) -> None:
    kept.append(await model.abatch(["x"]))


AROADS = {
    "ainvoke": _ainvoke,
    "abatch": _abatch,
    "astream": _astream,
    "astream until the last chunk": _auntil_the_last_chunk,
    "v3": _aevents,
    "v3 output": _aoutput,
}


@pytest.mark.parametrize("road", AROADS.values(), ids=list(AROADS))
def test_asynchronous_calls_share_a_connection(road: Callable[[ChatGumloop, list[Any]], Any]) -> None:
    async def calls(server: Emulator) -> None:
        model = ChatGumloop(
            model="claude-sonnet-4-5", base_url=server.base_url, api_key=server.api_key, user_id=server.user_id
        )
        kept: list[Any] = []
        for _ in range(CALLS):
            await road(model, kept)
        await model.aclose()

    with Emulator() as server:
        asyncio.run(calls(server))
        assert len(server.chat_requests) == CALLS
        assert server.connections == 1


@pytest.mark.parametrize("leave", ["aclose", "async with"])
def test_an_asynchronous_event_stream_that_is_left_closes_its_connection(leave: str) -> None:
    async def read(server: Emulator) -> None:
        model = ChatGumloop(
            model="claude-sonnet-4-5", base_url=server.base_url, api_key=server.api_key, user_id=server.user_id
        )
        server.queue(Answer(text="word " * 500, chunk_delay=0.01))
        stream = await model.astream_events("x", version="v3")
        if leave == "async with":
            async with stream:
                async for _ in stream:
                    break
        else:
            async for _ in stream:
                break
            await stream.aclose()
        assert await asyncio.to_thread(server.wait_for, lambda emulator: emulator.active_streams == 0)
        await model.aclose()

    with Emulator() as server:
        asyncio.run(read(server))
