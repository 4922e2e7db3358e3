"""LangChain's v3 events: made natively, and by LangChain's bridge from the same model's chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

from langchain_core.language_models._compat_bridge import chunks_to_events
from langchain_core.messages import HumanMessage

from benchmarks import answers
from gumloop_core.reading.reader import AnswerReader
from gumloop_core.reading.sse import SSEDecoder
from langchain_gumloop import ChatGumloop


class Bridged(ChatGumloop):
    """Ours without its native events: LangChain bridges from its chunks, as for every other model."""

    _stream_chat_model_events = _astream_chat_model_events = property(lambda _: None)  # type: ignore[assignment]


def makers(chunks: int) -> list[Callable[[], Iterator[Any]]]:
    """Two functions that make the events of a text of so many pieces: natively, and by the bridge."""
    reader, decoder = AnswerReader(), SSEDecoder()
    read = map(reader.read_event, decoder.feed(b"".join(answers.text_events(chunks))))
    deltas = [*(delta for delta in read if delta is not None), reader.last_delta()]

    class Recorded(ChatGumloop):
        # It plays back what was read before, so that only what follows the reading is measured.
        def _sync(self) -> Any:
            return SimpleNamespace(stream=lambda body, **sending: (delta for delta in deltas))

    model = Recorded(model=answers.MODEL, api_key="benchmark")
    messages = [HumanMessage("Say it.")]
    return [
        lambda: model._stream_chat_model_events(messages),
        lambda: chunks_to_events(model._stream(messages), message_id="run-1"),
    ]
