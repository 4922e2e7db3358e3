"""Who is measured: for each framework a floor, ours, and the peers."""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple

from benchmarks.answers import MODEL

FLOOR = "floor"
OURS = {"langchain": "ChatGumloop", "llama_index": "Gumloop"}

OVER_HTTPX = {"langchain": "ChatGumloop, httpx", "llama_index": "Gumloop, httpx"}
# Without the peers that take seconds to start and milliseconds a call.
QUICK = (FLOOR, *OURS.values(), "ChatOpenAI", "OpenAILike")


class Contender(NamedTuple):
    """The class of a contender's models; its module is imported only where one is made."""

    module: str
    name: str
    options: dict[str, Any]
    url: str = "base_url"  # what the option for the base URL is called

    def make(self, base_url: str) -> Any:
        """Make a model that asks the server at a base URL."""
        options = {"model": MODEL, "api_key": "benchmark", self.url: base_url, **self.options}
        return getattr(import_module(self.module), self.name)(**options)


_ONCE = {"max_retries": 0}
_OURS = {**_ONCE, "user_id": "benchmark"}
_HTTPX = {**_OURS, "transport": "httpx"}
_LITELLM = {**_ONCE, "model": f"openrouter/{MODEL}"}  # by its route to OpenRouter
_LIKE = {**_ONCE, "is_chat_model": True, "is_function_calling_model": True}

CONTENDERS = {
    "langchain": {
        FLOOR: Contender("benchmarks.contenders.langchain_floor", "Floor", {}),
        "ChatGumloop": Contender("langchain_gumloop", "ChatGumloop", _OURS),
        "ChatGumloop, httpx": Contender("langchain_gumloop", "ChatGumloop", _HTTPX),
        "ChatOpenAI": Contender("langchain_openai", "ChatOpenAI", _ONCE),
        "ChatOpenRouter": Contender("langchain_openrouter", "ChatOpenRouter", {}),
        "ChatLiteLLM": Contender("langchain_litellm", "ChatLiteLLM", _LITELLM, "api_base"),
    },
    "llama_index": {
        FLOOR: Contender("benchmarks.contenders.llama_index_floor", "Floor", {}),
        "Gumloop": Contender("llama_index_gumloop", "Gumloop", _OURS),
        "Gumloop, httpx": Contender("llama_index_gumloop", "Gumloop", _HTTPX),
        "OpenAILike": Contender("llama_index.llms.openai_like", "OpenAILike", _LIKE, "api_base"),
        "LiteLLM": Contender("llama_index.llms.litellm", "LiteLLM", _LITELLM, "api_base"),
    },
}
