"""Both adapters' models over one transport, and every road by which an answer is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, CompletionResponse

from gumloop_core.errors import GumloopError
from langchain_gumloop import ChatGumloop
from llama_index_gumloop import Gumloop
from tests.fuzz.deal import Deal
from tests.fuzz.profiles import ALL_ROADS
from tests.fuzz.shown import Failed, assert_shows_no_key, langchain_face, llama_index_face
from tests.fuzz.wire import Played
from tests.security.shown import KEY

Result = dict[str, Any] | Failed


class Roads:
    """The models, made once and used by all examples.

    Attributes:
        played: Where the answers come from.
        loop: The event loop of all asynchronous calls.
        options: Options of the models of this example.
    """

    def __init__(self) -> None:
        self.played = Played()
        self.loop = asyncio.new_event_loop()
        self._clients = {"http_client": self.played.sync_client(), "http_async_client": self.played.async_client()}
        self._models: dict[str, Any] = {}
        self.options: dict[str, Any] = {}

    def close(self) -> None:
        """Close what was opened."""
        self._clients["http_client"].close()
        self.run(self._clients["http_async_client"].aclose())
        self.loop.close()

    def run(self, work: Any) -> Any:
        """Wait for a coroutine."""
        return self.loop.run_until_complete(work)

    def langchain(self, **options: Any) -> ChatGumloop:
        """LangChain's model with these options beside the example's."""
        return self._model(ChatGumloop, options)

    def llama_index(self) -> Gumloop:
        """LlamaIndex's model with the example's options."""
        return self._model(Gumloop, {})

    def make(self, kind: type, **options: Any) -> Any:
        """A model of its own, with these options."""
        return kind(**{"model": "m", "api_key": KEY, "user_id": "u", "max_retries": 0, **self._clients, **options})

    def _model(self, kind: type, options: dict[str, Any]) -> Any:
        options = {**self.options, **options}
        name = f"{kind.__name__} {sorted(options.items())}"
        if name not in self._models:
            self._models[name] = self.make(kind, **options)
        return self._models[name]


Road = Callable[[Roads, Any], Any]


# -- LangChain -------------------------------------------------------------------------------------------------------


def total(chunks: Iterator[AIMessageChunk]) -> AIMessageChunk:
    """The sum of a stream; its text is what the pieces' texts add up to."""
    texts: list[str] = []
    out: Any = None
    for chunk in chunks:
        texts.append(str(chunk.text))
        out = chunk if out is None else out + chunk
    assert "".join(texts) == str(out.text), "the pieces of the text are not the text of the sum"
    return out


async def _all(items: AsyncIterator[Any]) -> list[Any]:
    return [item async for item in items]


def _events(model: ChatGumloop, ask: Any) -> AIMessage:
    stream = model.stream_events(ask, version="v3")
    _check_events(list(stream), stream.output)
    return stream.output


async def _aevents(model: ChatGumloop, ask: Any) -> AIMessage:
    stream = await model.astream_events(ask, version="v3")
    events = [event async for event in stream]
    output = await stream.output
    _check_events(events, output)
    return output


def _check_events(events: list[Any], output: AIMessage) -> None:
    deltas = [event["delta"] for event in events if event["event"] == "content-block-delta"]
    text = "".join(delta["text"] for delta in deltas if delta["type"] == "text-delta")
    assert text == str(output.text), "the events' pieces of text are not the message's text"
    opened = [event["index"] for event in events if event["event"] == "content-block-start"]
    closed = [event["index"] for event in events if event["event"] == "content-block-finish"]
    assert sorted(opened) == sorted(closed) == sorted(set(opened)), "a block was not closed, or opened twice"


LANGCHAIN_UNARY: dict[str, Road] = {
    "invoke": lambda roads, ask: roads.langchain().invoke(ask),
    "invoke v1": lambda roads, ask: roads.langchain(output_version="v1").invoke(ask),
    "ainvoke": lambda roads, ask: roads.run(roads.langchain().ainvoke(ask)),
}
LANGCHAIN_STREAMS: dict[str, Road] = {
    "stream": lambda roads, ask: total(roads.langchain().stream(ask)),
    "stream v1": lambda roads, ask: total(roads.langchain(output_version="v1").stream(ask)),
    "astream": lambda roads, ask: total(iter(roads.run(_all(roads.langchain().astream(ask))))),
    "astream v1": lambda roads, ask: total(iter(roads.run(_all(roads.langchain(output_version="v1").astream(ask))))),
    "invoke streaming": lambda roads, ask: roads.langchain(streaming=True).invoke(ask),
    "events": lambda roads, ask: _events(roads.langchain(), ask),
    "aevents": lambda roads, ask: roads.run(_aevents(roads.langchain(), ask)),
}


# -- LlamaIndex ------------------------------------------------------------------------------------------------------


def last(responses: Iterator[Any]) -> Any:
    """The last response of a stream; each of them holds all that had arrived."""
    text = thinking = ""
    response: Any = None
    for response in responses:
        text += response.delta or ""
        thinking += response.additional_kwargs.get("thinking_delta") or ""
        shown = response.text if isinstance(response, CompletionResponse) else response.message.content
        if isinstance(response, CompletionResponse) or response.message.content is not None:
            assert (shown or "") == text, "a response does not hold what had arrived"
    if isinstance(response, ChatResponse):
        blocks = [block.content or "" for block in response.message.blocks if block.block_type == "thinking"]
        assert thinking == "".join(blocks), "the pieces of the reasoning are not the reasoning"
    return response


def _chat(ask: Any) -> list[ChatMessage]:
    return [ChatMessage(content=ask)] if isinstance(ask, str) else ask


LLAMA_INDEX_UNARY: dict[str, Road] = {
    "chat": lambda roads, ask: roads.llama_index().chat(_chat(ask)),
    "achat": lambda roads, ask: roads.run(roads.llama_index().achat(_chat(ask))),
}
LLAMA_INDEX_STREAMS: dict[str, Road] = {
    "stream_chat": lambda roads, ask: last(roads.llama_index().stream_chat(_chat(ask))),
    "astream_chat": lambda roads, ask: last(iter(roads.run(_astream_chat(roads.llama_index(), _chat(ask))))),
}
LLAMA_INDEX_COMPLETE: dict[str, Road] = {
    "complete": lambda roads, ask: roads.llama_index().complete(ask),
    "acomplete": lambda roads, ask: roads.run(roads.llama_index().acomplete(ask)),
}
LLAMA_INDEX_STREAM_COMPLETE: dict[str, Road] = {
    "stream_complete": lambda roads, ask: last(roads.llama_index().stream_complete(ask)),
    "astream_complete": lambda roads, ask: last(iter(roads.run(_astream_complete(roads.llama_index(), ask)))),
}


async def _astream_chat(model: Gumloop, ask: Any) -> list[Any]:
    return [response async for response in await model.astream_chat(ask)]


async def _astream_complete(model: Gumloop, ask: Any) -> list[Any]:
    return [response async for response in await model.astream_complete(ask)]


LANGCHAIN = {**LANGCHAIN_UNARY, **LANGCHAIN_STREAMS}
LLAMA_INDEX_CHATS = {**LLAMA_INDEX_UNARY, **LLAMA_INDEX_STREAMS}
CHATS = {**LANGCHAIN, **LLAMA_INDEX_CHATS}
ALL = {**CHATS, **LLAMA_INDEX_COMPLETE, **LLAMA_INDEX_STREAM_COMPLETE}
STREAMS = {**LANGCHAIN_STREAMS, **LLAMA_INDEX_STREAMS, **LLAMA_INDEX_STREAM_COMPLETE}


def drawn(deal: Deal, *groups: Iterable[str]) -> list[str]:
    """One road out of each group; in ``make fuzz`` all of them."""
    return [name for group in map(list, groups) for name in (group if ALL_ROADS else [deal.one(group)])]


def taken(roads: Roads, road: Road, ask: Any = "hi") -> Any:
    """What a road leads to: the framework's own object, or an error of ours. Anything else raises."""
    try:
        return road(roads, ask)
    except GumloopError as error:
        assert_shows_no_key(error)
        return Failed(error)


def shown(result: Any) -> Result:
    """The face of what a road led to."""
    if isinstance(result, Failed):
        return result
    return langchain_face(result) if isinstance(result, AIMessage) else llama_index_face(result)
