"""What tracers find where they look for it, and estimates of tokens."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from gumloop_emulator import Emulator
from langchain_gumloop import ChatGumloop
from langchain_gumloop import errors as adapter
from tests.langchain.answers import streamed, unary
from tests.langchain.conftest import MakeModel

DATA = base64.b64encode(bytes(range(256)) * 4000).decode()
DATA_URL = f"data:image/png;base64,{DATA}"


class Seen(BaseCallbackHandler):
    def __init__(self) -> None:
        self.serialized: Any = None
        self.params: Any = None
        self.output: Any = None

    def on_chat_model_start(self, serialized: Any, messages: Any, **kwargs: Any) -> None:
        self.serialized, self.params = serialized, kwargs["invocation_params"]

    def on_llm_end(self, response: Any, **kwargs: Any) -> None:
        self.output = response.llm_output


def test_tracers_find_the_answers_id_and_the_cap_on_tokens(server: Emulator, chat: MakeModel) -> None:
    # opentelemetry-instrumentation-langchain reads llm_output["id"] and serialized["kwargs"]["max_tokens"]
    seen = Seen()
    server.queue(unary(content="a"), unary(content="b"), streamed({"content": "c"}))
    model = chat(max_completion_tokens=50)
    model.invoke("x", config={"callbacks": [seen]})
    assert (seen.output["id"], seen.output["model_name"]) == ("gen-1", "m-served")
    assert seen.serialized["kwargs"]["max_tokens"] == 50
    assert seen.params["max_tokens"] == 50
    model.invoke("x", max_completion_tokens=5, config={"callbacks": [seen]})
    assert seen.params["max_tokens"] == 5
    list(model.stream("x", max_tokens=7, config={"callbacks": [seen]}))
    assert seen.params["max_tokens"] == 7


def test_a_model_without_a_cap_tells_none(server: Emulator, chat: MakeModel) -> None:
    seen = Seen()
    server.queue(unary(content="a"))
    chat().invoke("x", config={"callbacks": [seen]})
    assert "max_tokens" not in seen.params
    assert seen.serialized["kwargs"].get("max_tokens") is None


@pytest.mark.parametrize("words", [{"model_provider": ["openai"]}, {"model_provider": "openai"}])
@pytest.mark.parametrize("output_version", ["v0", "v1"])
def test_what_the_adapter_says_of_itself_wins(
    server: Emulator, chat: MakeModel, words: dict[str, Any], output_version: str
) -> None:
    words = {**words, "model_name": 5, "output_version": "responses/v1", "token_usage": "none", "finish_reason": [1]}
    whole, stream = unary(content="a"), streamed({"content": "a"})
    whole.body.update(words)  # type: ignore[union-attr]
    for event in stream.events:
        event.update(words)  # type: ignore[union-attr]
    server.queue(whole, stream)
    model = chat(output_version=output_version)
    total: Any = None
    expected = model.invoke("x")
    for chunk in model.stream("x"):
        total = chunk if total is None else total + chunk
    for message in (expected, total):
        metadata = message.response_metadata
        assert (metadata["model_provider"], metadata["model_name"], metadata["finish_reason"]) == (
            "gumloop",
            "m-served",
            "stop",
        )
        assert metadata["server_metadata"] == words
        assert message.text == "a"
        assert message.content_blocks[0]["type"] == "text"


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image", "base64": DATA, "mime_type": "image/png"},
        {"type": "image_url", "image_url": {"url": DATA_URL}},
        {"type": "file", "base64": DATA, "mime_type": "application/pdf"},
        {"type": "file", "file": {"file_data": DATA_URL}},
        {"type": "audio", "base64": DATA, "mime_type": "audio/wav"},
        {"type": "input_audio", "input_audio": {"data": DATA, "format": "wav"}},
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": DATA}},
        {"type": "text", "text": f"![a picture]({DATA_URL})"},
    ],
    ids=lambda block: block["type"],
)
def test_base64_is_not_counted_as_text(block: dict[str, Any]) -> None:
    model = ChatGumloop(model="m")
    alone = model.get_num_tokens_from_messages([HumanMessage([{"type": "text", "text": "What is it?"}])])
    for message in (
        HumanMessage([{"type": "text", "text": "What is it?"}, block]),
        ToolMessage([{"type": "text", "text": "What is it?"}, block], tool_call_id="c1"),
        AIMessage([{"type": "text", "text": "What is it?"}, block]),
    ):
        before = message.model_dump()
        assert alone < model.get_num_tokens_from_messages([message]) < alone + 200
        assert message.model_dump() == before


def test_base64_in_a_text_is_not_counted_as_text() -> None:
    model = ChatGumloop(model="m")
    assert model.get_num_tokens(f"See {DATA_URL} there.") < 200
    assert model.get_num_tokens_from_messages([HumanMessage(f"See {DATA_URL} there.")]) < 200
    assert model.get_num_tokens("word " * 400) == 501


def test_there_is_no_tokenizer_unless_one_is_passed() -> None:
    with pytest.raises(adapter.ConfigurationError, match="custom_get_token_ids"):
        ChatGumloop(model="m").get_token_ids("text")
    model = ChatGumloop(model="m", custom_get_token_ids=lambda text: [ord(letter) for letter in text])
    assert model.get_token_ids("ab") == [97, 98]
    assert model.get_num_tokens("ab") == 2
