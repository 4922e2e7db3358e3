"""The conformance suite on `OpenAILike`; run by `test_suite_can_fail.py`, which knows what fails."""

from __future__ import annotations

from typing import Any

from llama_index.llms.openai_like import OpenAILike
from openai import OpenAIError

from gumloop_emulator import Emulator
from tests.contract.llama_index.suite import LLMConformance


class TestOpenAILike(LLMConformance):
    failures = OpenAIError

    def make_llm(self, server: Emulator, **options: Any) -> OpenAILike:
        headers = {"x-auth-key": server.user_id, **options.pop("default_headers", {})}
        settings = {"model": "claude-sonnet-4-5", "max_retries": 0, "timeout": 10.0, **options}
        return OpenAILike(
            api_key=server.api_key,
            api_base=server.base_url,
            default_headers=headers,
            is_chat_model=True,
            is_function_calling_model=True,
            context_window=128_000,
            **settings,
        )
