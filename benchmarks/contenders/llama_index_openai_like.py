"""A peer, pointed at the server by ``api_base``."""

from __future__ import annotations

from llama_index.llms.openai_like import OpenAILike

from benchmarks.answers import MODEL


def make(base_url: str) -> OpenAILike:
    """Make the model."""
    return OpenAILike(
        model=MODEL,
        api_base=base_url,
        api_key="benchmark",
        is_chat_model=True,
        is_function_calling_model=True,
        max_retries=0,
    )
