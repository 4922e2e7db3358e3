"""The conformance suite on `Gumloop`."""

from __future__ import annotations

from typing import Any

from gumloop_core.errors import GumloopError
from gumloop_emulator import Emulator
from llama_index_gumloop import Gumloop
from tests.contract.llama_index.suite import LLMConformance


class TestGumloop(LLMConformance):
    failures = GumloopError

    def make_llm(self, server: Emulator, **options: Any) -> Gumloop:
        settings = {"model": "claude-sonnet-4-5", "max_retries": 0, "timeout": 10.0, **options}
        return Gumloop(api_key=server.api_key, user_id=server.user_id, base_url=server.base_url, **settings)
