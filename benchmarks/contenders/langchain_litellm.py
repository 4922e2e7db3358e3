"""A peer, by its route to OpenRouter."""

from __future__ import annotations

from langchain_litellm import ChatLiteLLM

from benchmarks.answers import MODEL


def make(base_url: str) -> ChatLiteLLM:
    """Make the model."""
    return ChatLiteLLM(model=f"openrouter/{MODEL}", api_base=base_url, api_key="benchmark", max_retries=0)
