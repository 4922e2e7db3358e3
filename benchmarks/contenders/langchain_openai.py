"""A peer, pointed at the server by ``base_url``."""

from __future__ import annotations

from langchain_openai import ChatOpenAI

from benchmarks.answers import MODEL


def make(base_url: str) -> ChatOpenAI:
    """Make the model."""
    return ChatOpenAI(model=MODEL, base_url=base_url, api_key="benchmark", max_retries=0)
