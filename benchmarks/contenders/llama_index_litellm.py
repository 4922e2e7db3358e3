"""A peer, by its route to OpenRouter."""

from __future__ import annotations

from llama_index.llms.litellm import LiteLLM

from benchmarks.answers import MODEL


def make(base_url: str) -> LiteLLM:
    """Make the model."""
    return LiteLLM(model=f"openrouter/{MODEL}", api_base=base_url, api_key="benchmark", max_retries=0)
