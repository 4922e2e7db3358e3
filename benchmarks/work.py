"""The work that is measured: each function does some of it with one contender and says what a unit of it cost."""

from __future__ import annotations

import asyncio
import gc
import json
import urllib.request
from collections.abc import Awaitable, Callable
from time import perf_counter, process_time
from types import ModuleType
from typing import Any

from benchmarks import answers


class Contender:
    """One contender, and what is needed to put it to work.

    Args:
        calls: The framework's public calls, a module of :mod:`benchmarks.callers`.
        make: Makes the contender's model for a base URL.
        server: The server's address, without a path.
    """

    def __init__(self, calls: ModuleType, make: Callable[[str], Any], server: str) -> None:
        self.calls: Any = calls
        self.make = make
        self.server = server
        self.loop = asyncio.new_event_loop()
        self._models: dict[str, Any] = {}

    def model(self, mode: str) -> Any:
        """The model whose requests the server answers in this mode; the same one each time."""
        model = self._models.get(mode)
        if model is None:
            model = self._models[mode] = self.make(f"{self.server}/{mode}/v1")
        return model

    def tool_model(self, mode: str) -> Any:
        """The same with tools."""
        model = self._models.get(f"{mode} with tools")
        if model is None:
            model = self._models[f"{mode} with tools"] = self.calls.with_tools(self.model(mode))
        return model

    def run(self, work: Awaitable[Any]) -> Any:
        """Run asynchronous work in the one event loop."""
        return self.loop.run_until_complete(work)

    def close(self) -> None:
        """Close the event loop."""
        self.run(self.loop.shutdown_asyncgens())
        self.loop.close()


def _cpu_seconds(work: Callable[[], Any]) -> float:
    # What work before this left behind is not collected on this one's time; what this one leaves behind is.
    gc.collect()
    gc.freeze()
    try:
        start = process_time()
        work()
        return process_time() - start
    finally:
        gc.unfreeze()


async def _consume(stream: Any) -> None:
    async for _ in stream:
        pass


def _consume_all(stream: Any) -> None:
    for _ in stream:
        pass


# -- is it right? ------------------------------------------------------------------------------------------------


def verify(contender: Contender) -> None:
    """Check that the contender makes of every kind of answer what it should.

    Raises:
        AssertionError: If it does not.
    """
    calls = contender.calls
    messages = calls.conversation(3)
    model = contender.model("flat-20")
    expected = "".join(answers.words(20))
    assert calls.text(calls.unary(model, messages)) == answers.UNARY_TEXT
    assert calls.streamed_text(calls.stream(model, messages)) == expected

    async def asynchronously() -> None:
        assert calls.text(await calls.aunary(model, messages)) == answers.UNARY_TEXT
        responses = [response async for response in await calls.astream(model, messages)]
        assert calls.streamed_text(responses) == expected

    contender.run(asynchronously())
    tool_model = contender.tool_model("tools-20")
    name, arguments = calls.streamed_call(tool_model, calls.stream_tools(tool_model))
    assert name == answers.TOOL
    assert arguments == {"note": "".join(answers.words(18))}


# -- CPU seconds -------------------------------------------------------------------------------------------------


def unary(contender: Contender, *, calls: int, messages: int = 1) -> float:
    """A unary call."""
    model, conversation = contender.model("unary"), contender.calls.conversation(messages)
    call = contender.calls.unary

    def work() -> None:
        for _ in range(calls):
            call(model, conversation)

    return _cpu_seconds(work) / calls


def async_unary(contender: Contender, *, calls: int) -> float:
    """An asynchronous unary call."""
    model, conversation = contender.model("unary"), contender.calls.conversation(1)

    async def work() -> None:
        for _ in range(calls):
            await contender.calls.aunary(model, conversation)

    return _cpu_seconds(lambda: contender.run(work())) / calls


def chunk(contender: Contender, *, chunks: int, streams: int = 1, pace: int = 0) -> float:
    """A chunk of a streamed text, the request's share included; ``pace`` is the pause between two in µs."""
    model = contender.model(f"paced-{chunks}-{pace}" if pace else f"flat-{chunks}")
    conversation = contender.calls.conversation(1)

    def work() -> None:
        for _ in range(streams):
            _consume_all(contender.calls.stream(model, conversation))

    return _cpu_seconds(work) / chunks / streams


def async_chunk(contender: Contender, *, chunks: int, pace: int = 0) -> float:
    """The same, asynchronously."""
    model = contender.model(f"paced-{chunks}-{pace}" if pace else f"flat-{chunks}")
    conversation = contender.calls.conversation(1)

    async def work() -> None:
        await _consume(await contender.calls.astream(model, conversation))

    return _cpu_seconds(lambda: contender.run(work())) / chunks


def padding(contender: Contender, *, chunks: int, streams: int) -> float:
    """A chunk in the form of OpenAI's recorded streams with its padding, over one without."""
    conversation = contender.calls.conversation(1)

    def read(mode: str) -> float:
        model = contender.model(f"{mode}-{chunks}")

        def work() -> None:
            for _ in range(streams):
                _consume_all(contender.calls.stream(model, conversation))

        return _cpu_seconds(work)

    read("openai")  # the models' first calls are not compared
    read("padded")
    return read("padded") / read("openai")


def tool_delta(contender: Contender, *, chunks: int) -> float:
    """A piece of a tool call's arguments."""
    model = contender.tool_model(f"tools-{chunks}")
    return _cpu_seconds(lambda: _consume_all(contender.calls.stream_tools(model))) / chunks


def message(contender: Contender, *, messages: int, calls: int) -> float:
    """One more message in a request."""
    many = unary(contender, calls=calls, messages=messages)
    return (many - unary(contender, calls=calls, messages=1)) / (messages - 1)


def growth(contender: Contender, *, short: int, long: int) -> float:
    """What a chunk costs in a long stream, over what it costs in a short one; the request's cost is taken off."""
    streams = long // short
    request = chunk(contender, chunks=1, streams=streams)
    in_short = chunk(contender, chunks=short, streams=streams) * short - request
    in_long = chunk(contender, chunks=long) * long - request
    return (in_long / long) / (in_short / short)


def v3_event(_: Contender, *, chunks: int) -> float:
    """A LangChain v3 event made natively, over one made by LangChain's bridge; reading the chunks is left out."""
    from benchmarks.v3_events import makers

    native, bridge = makers(chunks)
    _consume_all(native())
    _consume_all(bridge())
    return _cpu_seconds(lambda: _consume_all(native())) / _cpu_seconds(lambda: _consume_all(bridge()))


def v3_stream(contender: Contender, *, chunks: int) -> float:
    """A whole stream of v3 events by the public call, natively, over the same by the bridge."""
    from benchmarks.v3_events import Bridged

    conversation = contender.calls.conversation(1)
    native = contender.model(f"flat-{chunks}")
    bridged = Bridged(model=answers.MODEL, base_url=f"{contender.server}/flat-{chunks}/v1", api_key="benchmark")
    one, other = (
        _cpu_seconds(lambda model=model: _consume_all(model.stream_events(conversation, version="v3")))  # type: ignore[misc]
        for model in (native, bridged)
    )
    return one / other


def second_model(contender: Contender, *, models: int) -> float:
    """Making a further model."""
    contender.make(f"{contender.server}/unary/v1")

    def work() -> None:
        made = [contender.make(f"{contender.server}/unary/v1") for _ in range(models)]
        del made

    return _cpu_seconds(work) / models


def second_model_called(contender: Contender, *, models: int) -> float:
    """Making a further model and calling it once, over a call of one that was called before."""
    conversation = contender.calls.conversation(1)

    def work() -> None:
        for _ in range(models):
            contender.calls.unary(contender.make(f"{contender.server}/unary/v1"), conversation)

    return _cpu_seconds(work) / models - unary(contender, calls=models)


def together(contender: Contender, *, streams: int, chunks: int, pace: int) -> float:
    """A stream among many in one event loop, over a stream that is alone.

    The server holds the streams until all are open.

    Raises:
        AssertionError: If one does not finish with all its text.
    """
    conversation = contender.calls.conversation(1)
    expected = len("".join(answers.words(chunks)))

    async def read(model: Any) -> None:
        length = 0
        async for response in await contender.calls.astream(model, conversation):
            length += len(contender.calls.new_text(response))
        assert length == expected

    async def all_at_once() -> None:
        model = contender.model(f"held-{streams}-{chunks}-{pace}")
        await asyncio.gather(*(read(model) for _ in range(streams)))

    async def one_after_another(count: int) -> None:
        model = contender.model(f"paced-{chunks}-{pace}")
        for _ in range(count):
            await read(model)

    alone = max(1, streams // 20)
    one = _cpu_seconds(lambda: contender.run(one_after_another(alone))) / alone
    return _cpu_seconds(lambda: contender.run(all_at_once())) / streams / one


# -- other units -------------------------------------------------------------------------------------------------


def first_chunk(contender: Contender, *, calls: int) -> float:
    """Seconds of real time until the first text is there: the median of some calls."""
    model, conversation = contender.model("flat-3"), contender.calls.conversation(1)
    seconds = []
    gc.collect()
    for _ in range(calls):
        start = perf_counter()
        stream = iter(contender.calls.stream(model, conversation))
        while not contender.calls.new_text(next(stream)):
            pass
        seconds.append(perf_counter() - start)
        _consume_all(stream)
    return sorted(seconds)[calls // 2]


def connections(contender: Contender, *, streams: int) -> float:
    """How many connections so many streams open, one after another, each read to its end."""
    model, conversation = contender.make(f"{contender.server}/flat-20/v1"), contender.calls.conversation(1)
    before = _accepted(contender.server)
    for _ in range(streams):
        _consume_all(contender.calls.stream(model, conversation))
    return _accepted(contender.server) - before - 1  # the last is the question itself


def _accepted(server: str) -> int:
    with urllib.request.urlopen(f"{server}/stats") as response:
        return int(json.load(response)["connections"])
