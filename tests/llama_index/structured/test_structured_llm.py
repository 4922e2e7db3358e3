"""A model that answers with objects of one class."""

from __future__ import annotations

import json

import pytest
from llama_index.core.callbacks import CallbackManager, TokenCountingHandler
from llama_index.core.llms import ChatMessage

from gumloop_emulator import Answer, Emulator
from tests.contract.llama_index.suite.driver import AsyncCalls, SyncCalls
from tests.llama_index.structured.test_prediction import Wheel


def test_a_structured_llm_reports_once_with_the_servers_numbers(server: Emulator, make_llm):
    counter = TokenCountingHandler(tokenizer=str.split)
    structured = make_llm(callback_manager=CallbackManager([counter])).as_structured_llm(Wheel)
    usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    server.queue(Answer(text='{"size": 3}', usage=usage), Answer(text='{"size": 3}', usage=usage))
    structured.complete("A wheel!")
    list(structured.stream_complete("A wheel!"))
    assert [(count.prompt_token_count, count.completion_token_count) for count in counter.llm_token_counts] == [
        (11, 7)
    ] * 2


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("method", ["chat", "complete", "stream_chat", "stream_complete"])
def test_a_structured_llm_keeps_the_system_prompt(server: Emulator, make_llm, method: str, kind: str):
    structured = make_llm(system_prompt="Be brief.").as_structured_llm(Wheel)
    server.queue(Answer(text='{"size": 3}'))
    argument = "A wheel!" if "complete" in method else [ChatMessage("A wheel!")]
    calls = SyncCalls() if kind == "sync" else AsyncCalls()
    answer = getattr(calls, method)(structured, argument)
    if kind == "async":
        calls.stop()
    assert (answer[-1] if isinstance(answer, list) else answer).raw == Wheel(size=3)
    assert [(message["role"], message["content"]) for message in server.last_body["messages"]] == [
        ("system", "Be brief."),
        ("user", "A wheel!"),
    ]


def test_a_structured_llms_callback_manager_is_its_models(make_llm):
    llm = make_llm()
    structured = llm.as_structured_llm(Wheel)
    manager = CallbackManager([])
    structured.callback_manager = manager
    assert llm.callback_manager is manager


def test_a_structured_llm_streams_the_models_text(server: Emulator, llm):
    server.queue(Answer(text='{"size": 3, "note": "one two three"}'))
    responses = list(llm.as_structured_llm(Wheel).stream_chat([ChatMessage("A wheel!")]))
    text = ""
    for response in responses:
        text += response.delta
        assert response.message.content == text
    assert json.loads(text) == {"size": 3, "note": "one two three"}
    assert responses[-1].additional_kwargs["total_tokens"] > 0
