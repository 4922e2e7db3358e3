"""Nothing leaks: connections are given back at once, however often, by both adapters and the core."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import resource
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gumloop_core.http import retry
from tests.support.byte_server import LONGEST_WAIT, SILENCE, ByteServer
from tests.support.core_driver import body
from tests.support.drivers import DRIVERS, OVER_HTTPX, AsyncCore, AsyncLangChain, Core, Driver, LangChain
from tests.support.http_bytes import FIRST, TEXT, completion, streamed, text_events, whole

SYNC = [*(name for name in DRIVERS if name.endswith("-sync")), "core-sync-over-httpx"]
ASYNC = [*(name for name in DRIVERS if name.endswith("-async")), "core-async-over-httpx"]
ALL_DRIVERS = {**DRIVERS, **OVER_HTTPX}
COUNTED = [*DRIVERS, "core-sync-over-httpx", "core-async-over-httpx"]


@contextlib.contextmanager
def driving(name: str, server: ByteServer, **options: Any) -> Iterator[Driver]:
    driver = ALL_DRIVERS[name](server.base_url, **options)
    try:
        yield driver
    finally:
        driver.stop()


def stream_of(driver: Driver) -> Any:
    """The stream as the user has it."""
    if isinstance(driver, Core):
        return driver.model.stream(body(stream=True))
    if isinstance(driver, LangChain):
        return driver.model.stream("Hi")
    return driver.model.stream_chat(driver.messages("Hi"))  # type: ignore[attr-defined]


async def astream_of(driver: Driver) -> Any:
    if isinstance(driver, AsyncCore):
        return driver.model.stream(body(stream=True))
    if isinstance(driver, AsyncLangChain):
        return driver.model.astream("Hi")
    return await driver.model.astream_chat(driver.messages("Hi"))  # type: ignore[attr-defined]


# -- the server sees that the client has gone ------------------------------------------------------------------------


@pytest.mark.parametrize("name", SYNC)
@pytest.mark.parametrize("how", ["close", "break", "error", "drop"])
def test_leaving_a_stream(name: str, how: str) -> None:
    def leave() -> None:
        stream = stream_of(driver)
        if how == "error":
            with contextlib.suppress(LookupError):
                for _ in stream:
                    raise LookupError
        elif how == "break":
            for _ in stream:
                break
        else:
            next(stream)
            if how == "close":
                stream.close()

    with ByteServer([FIRST, SILENCE]) as server, driving(name, server) as driver:
        for count in (1, 2):
            leave()
            assert server.wait_until_gone(count)
        assert server.wait_until(lambda: server.open_connections == 0)


@pytest.mark.parametrize("name", ASYNC)
@pytest.mark.parametrize("how", ["close", "break", "cancel", "drop", "timeout"])
def test_leaving_an_async_stream(name: str, how: str) -> None:
    async def leave(driver: Driver) -> None:
        stream = await astream_of(driver)
        if how in ("cancel", "timeout"):

            async def consume() -> None:
                async for _ in stream:
                    pass

            if how == "timeout":
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(consume(), 0.2)
                return
            task = asyncio.ensure_future(consume())
            while not server.open_connections:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        elif how == "break":
            async for _ in stream:
                break
        else:
            await anext(aiter(stream))
            if how == "close":
                await stream.aclose()

    async def gone(server: ByteServer, count: int) -> bool:
        gc.collect()
        for _ in range(400):
            if server.clients_gone >= count:
                return True
            await asyncio.sleep(0.005)
        return False

    with ByteServer([FIRST, SILENCE]) as server, driving(name, server) as driver:
        for count in (1, 2):
            driver.run(leave(driver))
            assert driver.run(gone(server, count))
        assert server.wait_until(lambda: server.open_connections == 0)


@pytest.mark.parametrize("name", ASYNC)
def test_cancelling_a_unary_call(name: str) -> None:
    async def cancel(driver: Driver) -> None:
        task = asyncio.ensure_future(driver.aunary("Hi", []))
        while not server.requests:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with ByteServer([SILENCE]) as server, driving(name, server) as driver:
        driver.run(cancel(driver))
        assert server.wait_until_gone()
        assert len(server.requests) == 1


# -- interruptions pass at once --------------------------------------------------------------------------------------


@pytest.fixture
def interrupts() -> Iterator[None]:
    """Interrupt as a terminal does: what a shell starts in the background ignores SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("mode", ["unary", "stream"])
@pytest.mark.parametrize("name", SYNC)
@pytest.mark.parametrize("where", ["waiting", "between attempts"])
@pytest.mark.usefixtures("interrupts")
def test_an_interrupt_passes_at_once(name: str, mode: str, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_PAUSE", 100.0)
    monkeypatch.setattr(retry, "LONGEST_BACKOFF", 100.0)
    script: Any = [SILENCE] if where == "waiting" else whole(b"busy", 503)
    with ByteServer(script) as server, driving(name, server) as driver:

        def interrupt() -> None:
            server.wait_until(lambda: len(server.requests) == 1)
            threading.Event().wait(0.1)
            os.kill(os.getpid(), signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            driver.ask(mode)
        thread.join()
        assert len(server.requests) == 1
        if where == "waiting":
            assert server.wait_until_gone()


@pytest.mark.parametrize("mode", ["unary", "stream"])
@pytest.mark.parametrize("name", ASYNC)
def test_a_cancellation_between_attempts_passes_at_once(name: str, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_PAUSE", 100.0)
    monkeypatch.setattr(retry, "LONGEST_BACKOFF", 100.0)

    async def cancel(driver: Driver) -> None:
        task = asyncio.ensure_future(driver.aunary("Hi", []) if mode == "unary" else driver.astream("Hi", []))
        while not server.requests:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with ByteServer(whole(b"busy", 503)) as server, driving(name, server) as driver:
        driver.run(cancel(driver))
        assert len(server.requests) == 1


# -- no growth -------------------------------------------------------------------------------------------------------


STREAMS = 100
"""How many streams are read or left while what this process holds is counted."""

WARMING = 25
"""How many go before them, which fill the caches."""


@dataclass(frozen=True)
class Held:
    """What this process holds.

    Attributes:
        files: Open files.
        threads: Running threads.
        objects: Objects that the garbage collector knows.
        megabytes: Memory, which also shows what no object holds.
    """

    files: int
    threads: int
    objects: int
    megabytes: float

    @classmethod
    def now(cls) -> Held:
        gc.collect()
        files = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
        pages = int(Path("/proc/self/statm").read_text().split()[1]) if Path("/proc/self/statm").exists() else 0
        megabytes = pages * resource.getpagesize() / 2**20
        return cls(files, threading.active_count(), len(gc.get_objects()), megabytes)

    def grown_since(self, before: Held) -> dict[str, float]:
        """What has grown by more than chance, and by how much."""
        # One object kept of each stream is too many.
        most = {"files": 4, "threads": 2, "objects": STREAMS / 2, "megabytes": 5}
        growth = {name: getattr(self, name) - getattr(before, name) for name in most}
        return {name: more for name, more in growth.items() if more > most[name]}


def check_growth(before: Held) -> None:
    """Nothing grew for good: what is about to end, the other sides of connections above all, may take its time."""
    end = time.monotonic() + LONGEST_WAIT
    while grown := Held.now().grown_since(before):
        assert time.monotonic() < end, grown
        time.sleep(0.05)


@pytest.mark.parametrize("name", COUNTED)
def test_streams_without_growth(name: str) -> None:
    with ByteServer(streamed(), keep_requests=1) as server, driving(name, server) as driver:
        for place in range(WARMING + STREAMS):
            if place == WARMING:
                before = Held.now()
            assert driver.ask("stream") == TEXT
        check_growth(before)
        assert server.connections == 1


@pytest.mark.parametrize("name", COUNTED)
def test_left_streams_without_growth(name: str) -> None:
    """Each leaves a connection behind that must be closed: a file of each side."""

    async def leave(driver: Driver, times: int) -> None:
        for _ in range(times):
            stream = await astream_of(driver)
            await anext(aiter(stream))
            await stream.aclose()

    def work(times: int) -> None:
        if driver.is_async:
            driver.run(leave(driver, times))
        else:
            for _ in range(times):
                stream = stream_of(driver)
                next(stream)
                stream.close()
        server.wait_until(lambda: server.open_connections == 0)

    with ByteServer([FIRST, SILENCE], keep_requests=1) as server, driving(name, server) as driver:
        work(WARMING)
        before = Held.now()
        work(STREAMS)
        assert server.clients_gone == STREAMS + WARMING
        check_growth(before)


# -- many at once ----------------------------------------------------------------------------------------------------


AT_ONCE = 120
"""Calls at the same time: more than the 100 that the HTTP libraries' pools let through unless told otherwise."""


@pytest.mark.parametrize("mode", ["unary", "stream"])
@pytest.mark.parametrize("name", ASYNC)
def test_many_calls_at_once(name: str, mode: str) -> None:
    """None waits for another: the server answers only when all have arrived."""
    answer = streamed() if mode == "stream" else whole(completion())
    arrived = 0
    everyone = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal arrived
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            await reader.readexactly(length)
            arrived += 1
            if arrived == AT_ONCE:
                everyone.set()
            await everyone.wait()
            writer.write(answer)
            await writer.drain()
            await reader.read()
        writer.close()

    async def main(driver: Driver) -> None:
        results = [[] for _ in range(AT_ONCE)]  # type: ignore[var-annotated]
        ask = driver.aunary if mode == "unary" else driver.astream
        await asyncio.gather(*(ask("Hi", pieces) for pieces in results))
        assert {"".join(pieces) for pieces in results} == {TEXT}

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(serve, "127.0.0.1", 0, backlog=AT_ONCE))
    driver = ALL_DRIVERS[name](f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout=60.0)
    assert driver.loop is not None
    driver.loop.close()
    driver.loop = loop
    try:
        driver.run(main(driver))
        assert arrived == AT_ONCE
    finally:
        driver.run(driver.aclose())
        server.close()
        driver.run(asyncio.sleep(0.05))
        driver.run(loop.shutdown_asyncgens())
        loop.close()


@pytest.mark.parametrize("mode", ["unary", "stream"])
@pytest.mark.parametrize("name", SYNC)
def test_fifty_threads_share_a_model(name: str, mode: str) -> None:
    def answer(request: Any) -> bytes:
        prompt = request.json["messages"][-1]["content"]
        if mode == "unary":
            return whole(completion(prompt))
        return streamed([*text_events(list(prompt)), *[b"data: [DONE]\n\n"]])

    with ByteServer(answer) as server, driving(name, server) as driver:
        wrong: list[Any] = []

        def work(number: int) -> None:
            try:
                wrong.extend(
                    (prompt, text)
                    for prompt in (f"{number}-{turn}" for turn in range(2))
                    if (text := driver.ask(mode, prompt)) != prompt
                )
            except BaseException as error:
                wrong.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(40)
        assert not wrong
        assert len(server.requests) == 100
        assert server.connections <= 50


@pytest.mark.parametrize("name", ASYNC)
def test_successive_event_loops(name: str) -> None:
    with ByteServer(lambda request: streamed() if "stream" in request.json else whole(completion())) as server:
        driver = ALL_DRIVERS[name](server.base_url)

        async def work() -> str:
            whole_text: list[str] = []
            pieces: list[str] = []
            await driver.aunary("Hi", whole_text)
            await driver.astream("Hi", pieces)
            return "".join(whole_text + pieces)

        for _ in range(4):
            assert asyncio.run(work()) == TEXT * 2
        assert server.wait_until(lambda: server.open_connections == 0), "a loop that ended left its connection open"
        assert server.connections == 4
        driver.stop()


@pytest.mark.parametrize("name", ["core-async", "core-async-over-httpx"])
def test_event_loops_are_not_kept_alive(name: str) -> None:
    import weakref

    with ByteServer(whole(completion())) as server:
        driver = ALL_DRIVERS[name](server.base_url)
        loops = []

        async def work() -> None:
            loops.append(weakref.ref(asyncio.get_running_loop()))
            await driver.aunary("Hi", [])

        for _ in range(5):
            asyncio.run(work())
        gc.collect()
        assert [loop() for loop in loops] == [None] * 5
        driver.stop()
