"""LangChain's integration suite, with every capability switched on that the suite knows a switch for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langchain_tests.integration_tests import ChatModelIntegrationTests

from gumloop_emulator import Answer, Emulator, ToolCall
from langchain_gumloop import ChatGumloop


def _customer(name: str) -> Answer:
    return Answer(tool_calls=[ToolCall("unicode_customer", {"customer_name": name, "description": "A company"})])


# What a model would understand of the suite's questions; the emulator's stand-in answers the others.
_ANSWERS = {
    "magic_function(3)": Answer(tool_calls=[ToolCall("magic_function", {"input": 3})]),
    "'你好啊集团'": _customer("你好啊集团"),
    "'こんにちは株式会社'": _customer("こんにちは株式会社"),
    "'setup' and 'punchline' keys": '{"setup": "What is a pile of cats?", "punchline": "A meowtain."}',
}
_DETAILS = ["audio_input", "audio_output", "reasoning_output", "cache_read_input", "cache_creation_input"]


class TestChatGumloop(ChatModelIntegrationTests):
    server: Emulator

    @pytest.fixture(autouse=True)
    def _served(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
        if request.node.name == "test_stream_time":  # plays its cassette
            monkeypatch.setenv("GUMLOOP_API_KEY", "not-looked-at")
        else:
            self.server = request.getfixturevalue("server")
            for asked, answer in _ANSWERS.items():
                self.server.reply(answer, to=asked)

    @property
    def chat_model_class(self) -> type[ChatGumloop]:
        return ChatGumloop

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "claude-sonnet-4-5"}

    @property
    def supports_json_mode(self) -> bool:
        return True

    @property
    def supports_image_inputs(self) -> bool:
        return True

    @property
    def supports_image_urls(self) -> bool:
        return True

    @property
    def supports_pdf_inputs(self) -> bool:
        return True

    @property
    def supports_audio_inputs(self) -> bool:
        return True

    @property
    def supports_video_inputs(self) -> bool:
        return True

    @property
    def supports_anthropic_inputs(self) -> bool:
        return True

    @property
    def supports_image_tool_message(self) -> bool:
        return True

    @property
    def supports_pdf_tool_message(self) -> bool:
        return True

    @property
    def enable_vcr_tests(self) -> bool:
        return True

    @property
    def model_override_value(self) -> str:
        return "gpt-4o-mini"

    @property
    def supported_usage_metadata_details(self) -> dict[Any, Any]:
        return {"invoke": _DETAILS, "stream": _DETAILS}

    def _answer_with(self, usage: dict[str, Any], *, stream: bool) -> AIMessage:
        counts = {"prompt_tokens": 2000, "completion_tokens": 300, "total_tokens": 2300}
        self.server.queue(Answer(text="Noted.", usage={**counts, **usage}))
        model = ChatGumloop(**self.chat_model_params)
        if not stream:
            return model.invoke("Note this.")
        chunks = list(model.stream("Note this."))
        return sum(chunks[1:], chunks[0])  # type: ignore[return-value]

    def invoke_with_audio_input(self, *, stream: bool = False) -> AIMessage:
        return self._answer_with({"prompt_tokens_details": {"audio_tokens": 120}}, stream=stream)

    def invoke_with_audio_output(self, *, stream: bool = False) -> AIMessage:
        return self._answer_with({"completion_tokens_details": {"audio_tokens": 90}}, stream=stream)

    def invoke_with_reasoning_output(self, *, stream: bool = False) -> AIMessage:
        return self._answer_with({"completion_tokens_details": {"reasoning_tokens": 200}}, stream=stream)

    def invoke_with_cache_read_input(self, *, stream: bool = False) -> AIMessage:
        return self._answer_with({"prompt_tokens_details": {"cached_tokens": 1800}}, stream=stream)

    def invoke_with_cache_creation_input(self, *, stream: bool = False) -> AIMessage:
        return self._answer_with({"prompt_tokens_details": {"cache_write_tokens": 1800}}, stream=stream)


class TestWithFunctionCalling(TestChatGumloop):
    """The suite again, with structured output taken from a tool call."""

    @property
    def structured_output_kwargs(self) -> dict[str, Any]:
        return {"method": "function_calling"}


def _run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine where another loop may be running."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


class AsyncDriven(ChatGumloop):
    """Answers the synchronous calls of the suite by the asynchronous ones."""

    def invoke(self, input: Any, config: Any = None, **kwargs: Any) -> Any:
        return _run(self.ainvoke(input, config, **kwargs))

    def stream(self, input: Any, config: Any = None, **kwargs: Any) -> Iterator[Any]:
        async def gather() -> list[Any]:
            return [chunk async for chunk in self.astream(input, config, **kwargs)]

        yield from _run(gather())

    def _generate(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("the synchronous call was made")

    def _stream(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("the synchronous call was made")


class TestAsynchronously(TestChatGumloop):
    """The suite again; what it has for synchronous calls alone is asked asynchronously."""

    @property
    def chat_model_class(self) -> type[ChatGumloop]:
        return AsyncDriven
