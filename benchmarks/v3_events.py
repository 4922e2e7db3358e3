"""LangChain's v3 events: made natively, and by LangChain's bridge from the same model's chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from langchain_core.language_models._compat_bridge import chunks_to_events
from langchain_core.messages import BaseMessage, HumanMessage
from pydantic import PrivateAttr

from benchmarks import answers
from gumloop_core.answer import Delta
from gumloop_core.reading.reader import AnswerReader
from gumloop_core.reading.sse import SSEDecoder
from langchain_gumloop import ChatGumloop


class Bridged(ChatGumloop):
    """Ours without its native events: LangChain bridges from its chunks, as for every other model."""

    @property
    def _stream_chat_model_events(self) -> None:  # type: ignore[override]
        return None

    @property
    def _astream_chat_model_events(self) -> None:  # type: ignore[override]
        return None


class Recorded(ChatGumloop):
    """Ours, playing back deltas that were read before, so that only what follows the reading is measured."""

    _player: Any = PrivateAttr()

    def _sync(self) -> Any:
        return self._player


class _Player:
    def __init__(self, deltas: list[Delta]) -> None:
        self._deltas = deltas

    def stream(self, body: Any, **sending: Any) -> Iterator[Delta]:
        """Play the deltas back."""
        yield from self._deltas


def makers(chunks: int) -> tuple[Callable[[], Iterator[Any]], Callable[[], Iterator[Any]]]:
    """Two functions that make the events of a text of so many pieces: natively, and by the bridge."""
    reader, decoder = AnswerReader(), SSEDecoder()
    payloads = decoder.feed(b"".join(answers.text_events(chunks)))
    deltas = [delta for delta in map(reader.read_event, payloads) if delta is not None]
    model = Recorded(model=answers.MODEL, api_key="benchmark")
    model._player = _Player([*deltas, reader.last_delta()])
    messages: list[BaseMessage] = [HumanMessage("Say it.")]
    return (
        lambda: model._stream_chat_model_events(messages),
        lambda: chunks_to_events(model._stream(messages), message_id="run-1"),
    )
