"""LangChain's unit suite."""

from __future__ import annotations

from typing import Any

from langchain_tests.unit_tests import ChatModelUnitTests

from langchain_gumloop import ChatGumloop


class TestChatGumloop(ChatModelUnitTests):
    @property
    def chat_model_class(self) -> type[ChatGumloop]:
        return ChatGumloop

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "claude-sonnet-4-5", "base_url": "https://api.gumloop.com/api/v1"}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        return (
            {"GUMLOOP_API_KEY": "key-from-the-environment"},
            {"model": "claude-sonnet-4-5"},
            {"api_key": "key-from-the-environment"},
        )

    @property
    def supports_json_mode(self) -> bool:
        return True
