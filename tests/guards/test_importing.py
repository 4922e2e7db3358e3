"""What importing an adapter loads, counted."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys
{framework}
before = set(sys.modules)
import {adapter}
print(*sorted(set(sys.modules) - before))
"""
OURS = {"gumloop_core", "langchain_gumloop", "llama_index_gumloop"}
NOT_AT_IMPORT = {
    "gumloop_core.http.exchange",
    "gumloop_core.http.async_pool",
    "gumloop_core.http.callers_transport",
    "gumloop_core.http.sync_pool",
    "gumloop_core.http.response_body",
    "gumloop_core.http.rest_of_body",
    "gumloop_core.http.aiohttp_transport",
    "gumloop_core.http.timed",
    "gumloop_emulator",
    "httpx",
    "httpcore",
    "aiohttp",
    "anyio",
    "difflib",
    "openai",
    "platform",
}
FRAMEWORKS = {
    "langchain_gumloop": "from langchain_core.language_models.chat_models import BaseChatModel\n"
    "from langchain_core.tools import BaseTool",
    "llama_index_gumloop": "import llama_index.core, llama_index.core.llms.function_calling",
}


@pytest.mark.parametrize("adapter", FRAMEWORKS)
def test_an_adapter_loads_little_beyond_its_framework(adapter: str) -> None:
    program = PROGRAM.format(framework=FRAMEWORKS[adapter], adapter=adapter)
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert adapter in loaded
    assert loaded & NOT_AT_IMPORT == set()
    others = {name for name in loaded if name.split(".")[0] not in OURS}
    assert len(others) <= 12, sorted(others)
    assert len(loaded - others) <= 55
