"""Who is measured: for each framework a floor, ours, and the peers. Each is a function from a base URL to a model."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

FLOOR = "floor"
OURS = {"langchain": "ChatGumloop", "llama_index": "Gumloop"}

OVER_AIOHTTP = {"langchain": "ChatGumloop, aiohttp", "llama_index": "Gumloop, aiohttp"}
"""Ours with ``async_transport="aiohttp"``, in the asynchronous rows."""

QUICK = (FLOOR, *OURS.values(), "ChatOpenAI", "OpenAILike")
"""Those that are quick: without the peers that take seconds to start and milliseconds a call."""

CONTENDERS = {
    "langchain": {
        FLOOR: "langchain_floor",
        "ChatGumloop": "langchain_ours",
        "ChatGumloop, aiohttp": "langchain_ours_aiohttp",
        "ChatOpenAI": "langchain_openai",
        "ChatOpenRouter": "langchain_openrouter",
        "ChatLiteLLM": "langchain_litellm",
    },
    "llama_index": {
        FLOOR: "llama_index_floor",
        "Gumloop": "llama_index_ours",
        "Gumloop, aiohttp": "llama_index_ours_aiohttp",
        "OpenAILike": "llama_index_openai_like",
        "LiteLLM": "llama_index_litellm",
    },
}
"""The contenders of each framework, and the module here that makes each."""


def maker(framework: str, name: str) -> Callable[[str], Any]:
    """The function that makes a contender's model for a base URL. Its module is imported only now."""
    module = import_module(f"benchmarks.contenders.{CONTENDERS[framework][name]}")
    make: Callable[[str], Any] = module.make
    return make
