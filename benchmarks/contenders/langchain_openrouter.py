"""A peer that speaks nearly the same wire."""

from __future__ import annotations

from langchain_openrouter import ChatOpenRouter

from benchmarks.answers import MODEL


def make(base_url: str) -> ChatOpenRouter:
    """Make the model."""
    return ChatOpenRouter(model=MODEL, base_url=base_url, api_key="benchmark")
