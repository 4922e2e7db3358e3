"""The work that is measured."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import tracemalloc
import urllib.request
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from functools import partial
from importlib import import_module
from itertools import chain
from statistics import median
from time import perf_counter, process_time
from typing import Any, NamedTuple
from unittest.mock import patch

from benchmarks import answers
from benchmarks.callers import Calls
from benchmarks.contenders import OURS, Contender

_LONGEST_WAIT = 15.0  # seconds


class _Together(NamedTuple):
    memory: int  # bytes that Python held for all when they were open, if it was traced
    cpu: float  # seconds of all from then on
    lost: int  # how many did not bring all of their text


class Work:
    """One contender at work: each method does some and says what a unit of it cost, in CPU seconds unless it says so.

    Args:
        calls: The framework's public calls.
        contender: Makes the models.
        server: The server's address, without a path.
    """

    def __init__(self, calls: Calls, contender: Contender, server: str) -> None:
        self._calls, self._contender, self._server = calls, contender, server
        self._one_message = calls.conversation(1)
        self._models: dict[tuple[str, bool], Any] = {}
        self.loop = asyncio.new_event_loop()

    def _new_model(self, mode: str = "unary") -> Any:
        """Make a model whose requests the server answers in this mode."""
        return self._contender.make(f"{self._server}/{mode}/v1")

    def _model(self, mode: str, *, tools: bool = False) -> Any:
        """The same one each time, with or without tools."""
        if (mode, tools) not in self._models:
            model = self._new_model(mode)
            self._models[mode, tools] = self._calls.with_tools(model) if tools else model
        return self._models[mode, tools]

    def verify(self) -> None:
        """Check that the contender makes of every kind of answer what it should, or raise `AssertionError`."""
        calls, messages, model = self._calls, self._calls.conversation(3), self._model("flat-20")

        def check(answer: Any, pieces: list[Any]) -> None:
            assert calls.text(answer) == answers.UNARY_TEXT
            assert "".join(map(calls.new_text, pieces)) == "".join(answers.words(20)) == calls.text(calls.whole(pieces))

        async def asynchronously() -> None:
            pieces = [piece async for piece in await calls.astream(model, messages)]
            check(await calls.aunary(model, messages), pieces)

        check(calls.unary(model, messages), list(calls.stream(model, messages)))
        self.loop.run_until_complete(asynchronously())
        with_tools = self._model("tools-20", tools=True)
        called = calls.tool_call(with_tools, calls.whole(list(calls.stream_tools(with_tools))))
        assert called == (answers.TOOL, {"note": "".join(answers.words(18))})

    def unary(self, *, calls: int, messages: int = 1) -> float:
        """A unary call."""
        model, conversation, call = self._model("unary"), self._calls.conversation(messages), self._calls.unary
        return _cpu_seconds(lambda: _exhaust(call(model, conversation) for _ in range(calls))) / calls

    def async_unary(self, *, calls: int) -> float:
        """An asynchronous unary call."""
        model = self._model("unary")

        async def work() -> None:
            for _ in range(calls):
                await self._calls.aunary(model, self._one_message)

        return self._async_cpu_seconds(work) / calls

    def chunk(self, *, chunks: int, streams: int = 1, pace: int = 0, kind: str = "flat") -> float:
        """A chunk of a stream, the request's share included; ``pace`` is the pause between two in µs."""
        tools = kind in ("tools", "calls")
        model = self._model(f"paced-{chunks}-{pace}" if pace else f"{kind}-{chunks}", tools=tools)
        arguments = () if tools else (self._one_message,)
        stream = partial(self._calls.stream_tools if tools else self._calls.stream, model, *arguments)
        read = (stream() for _ in range(streams))
        return _cpu_seconds(lambda: _exhaust(chain.from_iterable(read))) / chunks / streams

    def async_chunk(self, *, chunks: int, pace: int = 0) -> float:
        """The same, asynchronously."""
        model = self._model(f"paced-{chunks}-{pace}" if pace else f"flat-{chunks}")

        async def work() -> None:
            async for _ in await self._calls.astream(model, self._one_message):
                pass

        return self._async_cpu_seconds(work) / chunks

    def padding(self, *, chunks: int, streams: int) -> float:
        """A chunk in the form of OpenAI's recorded streams with its padding, over one without."""
        kinds = ("openai", "padded", "padded", "openai")  # the models' first calls are not compared
        *_, padded, plain = (self.chunk(chunks=chunks, streams=streams, kind=kind) for kind in kinds)
        return padded / plain

    def message(self, *, messages: int, calls: int) -> float:
        """One more message in a request."""
        many = self.unary(calls=calls, messages=messages)
        return (many - self.unary(calls=calls)) / (messages - 1)

    def growth(self, *, short: int, long: int, kind: str = "flat") -> float:
        """What a chunk costs in a long stream, over what it costs in a short one; the request's cost is taken off."""
        streams = long // short
        request = self.chunk(chunks=1, streams=streams, kind=kind)
        in_short = self.chunk(chunks=short, streams=streams, kind=kind) * short - request
        in_long = self.chunk(chunks=long, kind=kind) * long - request
        return (in_long / long) / (in_short / short)

    def v3_event(self, *, chunks: int) -> float:
        """A LangChain v3 event made natively, over one made by LangChain's bridge; reading the chunks is left out."""
        from benchmarks.v3_events import makers

        _, _, native, bridged = [_cpu_seconds(lambda make=make: _exhaust(make())) for make in 2 * makers(chunks)]
        return native / bridged

    def v3_stream(self, *, chunks: int) -> float:
        """A whole stream of v3 events by the public call, natively, over the same by the bridge."""
        from benchmarks.v3_events import Bridged

        native = self._model(f"flat-{chunks}")
        both = native, Bridged(model=answers.MODEL, base_url=native.base_url, api_key="benchmark")
        streams = (model.stream_events(self._one_message, version="v3") for model in both)
        one, other = (_cpu_seconds(lambda: _exhaust(next(streams))) for _ in both)
        return one / other

    def second_model(self, *, models: int) -> float:
        """Making a further model."""
        self._new_model()
        return _cpu_seconds(lambda: len([self._new_model() for _ in range(models)])) / models

    def second_model_called(self, *, models: int) -> float:
        """Making a further model and calling it once, over a call of one that was called before."""
        call = self._calls.unary
        called = _cpu_seconds(lambda: _exhaust(call(self._new_model(), self._one_message) for _ in range(models)))
        return called / models - self.unary(calls=models)

    def among(self, *, streams: int, chunks: int, pace: int) -> float:
        """A chunk of streams that run at once in one event loop, without the cost of the requests."""
        together = self._together(streams, chunks, pace)
        assert not together.lost
        return together.cpu / streams / (chunks - 1)

    def memory(self, *, streams: int) -> float:
        """Bytes that Python holds for a stream that is open and silent, among others."""
        self._together(1, 2, 0)
        tracemalloc.start()
        try:
            return self._together(streams, 2, 0).memory / streams
        finally:
            tracemalloc.stop()

    def lost(self, *, streams: int, chunks: int, pace: int) -> float:
        """How many of some streams at once in one event loop do not begin in time, or lack some of their text."""
        return float(self._together(streams, chunks, pace).lost)

    def _together(self, streams: int, chunks: int, pace: int) -> _Together:
        """Open streams that fall silent behind their first chunk, and have them go on when all are there."""
        model, expected = self._model(f"held-{chunks}-{pace}"), len("".join(answers.words(chunks)))
        opened = asyncio.Semaphore(0)

        async def read() -> bool:
            length = 0
            async for piece in await self._calls.astream(model, self._one_message):
                if (new := len(self._calls.new_text(piece))) and not length:
                    opened.release()
                length += new
            return length == expected

        async def until_open() -> None:
            for _ in range(streams):
                await asyncio.wait_for(opened.acquire(), _LONGEST_WAIT)

        reads = [self.loop.create_task(read()) for _ in range(streams)]
        with suppress(TimeoutError):  # those that did not open are lost
            self.loop.run_until_complete(until_open())
        gc.collect()
        memory, _ = tracemalloc.get_traced_memory()

        def go_on() -> None:
            urllib.request.urlopen(f"{self._server}/release").close()
            self.loop.run_until_complete(asyncio.wait(reads, timeout=_LONGEST_WAIT))

        cpu = _cpu_seconds(go_on)
        for task in reads:
            task.cancel()
        self.loop.run_until_complete(asyncio.wait(reads))
        complete = [not task.cancelled() and not task.exception() and task.result() for task in reads]
        return _Together(memory, cpu, complete.count(False))

    def first_chunk(self, *, calls: int) -> float:
        """Seconds of real time until the first text is there: the median of some calls."""
        model = self._model("flat-3")
        seconds = []
        gc.collect()
        for _ in range(calls):
            start = perf_counter()
            stream = iter(self._calls.stream(model, self._one_message))
            while not self._calls.new_text(next(stream)):
                pass
            seconds.append(perf_counter() - start)
            _exhaust(stream)
        return median(seconds)

    def connections(self, *, streams: int) -> float:
        """How many connections so many streams open, one after another, each read to its end."""
        model = self._new_model("flat-20")
        counts = []
        for reads in (0, streams):
            for _ in range(reads):
                _exhaust(self._calls.stream(model, self._one_message))
            with urllib.request.urlopen(f"{self._server}/stats") as response:
                counts.append(json.load(response)["connections"])
        return float(counts[1] - counts[0] - 1)  # the last is the question itself

    def imported(self) -> float:
        """Importing the contender beyond its framework; only the first time tells."""
        return _cpu_seconds(lambda: getattr(import_module(self._contender.module), self._contender.name))

    def first_call(self, *, calls: int) -> float:
        """The first unary call of a process, beyond a later one; only the first time tells.

        httpx and what the framework itself loads for its first call are there already.
        """
        import httpcore  # noqa: F401
        import httpx  # noqa: F401

        self._calls.framework_alone()
        model = self._new_model()
        first, *later = (_cpu_seconds(lambda: self._calls.unary(model, self._one_message)) for _ in range(1 + calls))
        return first - median(later)

    def certificates(self) -> float:
        """Making the context that https is checked with, where the environment names no certificates."""
        import httpx

        from gumloop_core.http import environment

        is_ours = self._contender.name in OURS.values()
        with patch.dict(os.environ):
            for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
                os.environ.pop(name, None)
            return _cpu_seconds(environment.tls_context.__wrapped__ if is_ours else httpx.create_ssl_context)

    def _async_cpu_seconds(self, work: Callable[[], Awaitable[Any]]) -> float:
        return _cpu_seconds(lambda: self.loop.run_until_complete(work()))


def set_garbage_aside() -> None:
    """What work before this left behind is not to be collected on the next one's time; what that leaves behind is."""
    gc.collect()
    gc.freeze()


def _cpu_seconds(work: Callable[[], Any]) -> float:
    set_garbage_aside()
    try:
        start = process_time()
        work()
        return process_time() - start
    finally:
        gc.unfreeze()


def _exhaust(results: Iterable[Any]) -> None:
    deque(results, maxlen=0)
