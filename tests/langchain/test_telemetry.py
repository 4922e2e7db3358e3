"""A run's span gets what is known of its call, whichever way it is made."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler

from gumloop_emulator import Emulator
from langchain_gumloop.telemetry import RunSpans
from tests.langchain.answers import streamed, unary
from tests.langchain.conftest import MakeModel
from tests.support.recorded_spans import RecordedSpan


class Instrumentation(BaseCallbackHandler):
    """Makes a span of each run, and can be asked for it."""

    def __init__(self) -> None:
        self.spans: dict[UUID, RecordedSpan] = {}

    def on_chat_model_start(self, *args: Any, run_id: UUID, **kwargs: Any) -> None:
        self.spans[run_id] = RecordedSpan("openinference.instrumentation.langchain", "ChatGumloop")

    def on_llm_end(self, *args: Any, run_id: UUID, **kwargs: Any) -> None:
        self.spans[run_id].end()


def test_each_run_has_its_own_span(server: Emulator, chat: MakeModel) -> None:
    made = Instrumentation()
    config: Any = {"callbacks": [made, RunSpans(made.spans.get)]}
    server.queue(unary(content="a"), streamed({"content": "b"}), unary(content="c"), streamed({"content": "d"}))
    model = chat(max_completion_tokens=50)

    async def astream() -> None:
        async for _ in model.astream("x", config=config):
            pass

    model.invoke("x", config=config)
    list(model.stream("x", config=config))
    asyncio.run(model.ainvoke("x", config=config))
    asyncio.run(astream())
    told = [span.attributes for span in made.spans.values()]
    assert [attributes["gen_ai.response.id"] for attributes in told] == ["gen-1"] * 4
    assert [attributes["gen_ai.response.model"] for attributes in told] == ["m-served"] * 4
    assert [attributes["gen_ai.request.max_tokens"] for attributes in told] == [50] * 4
    assert [attributes["llm.provider"] for attributes in told] == ["gumloop"] * 4
    assert ["gen_ai.response.time_to_first_chunk" in attributes for attributes in told] == [False, True, False, True]


def test_a_run_without_a_span_is_no_error(server: Emulator, chat: MakeModel) -> None:
    server.queue(unary(content="a"))
    assert chat().invoke("x", config={"callbacks": [RunSpans(lambda run_id: None)]}).text == "a"
