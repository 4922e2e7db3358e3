"""Ours."""

from __future__ import annotations

from benchmarks.answers import MODEL
from langchain_gumloop import ChatGumloop


def make(base_url: str) -> ChatGumloop:
    """Make the model."""
    return ChatGumloop(model=MODEL, base_url=base_url, api_key="benchmark", user_id="benchmark", max_retries=0)
