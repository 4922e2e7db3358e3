"""Ours, with aiohttp for asynchronous calls."""

from __future__ import annotations

from benchmarks.contenders import langchain_ours
from langchain_gumloop import ChatGumloop


def make(base_url: str) -> ChatGumloop:
    """Make the model."""
    return langchain_ours.make(base_url).model_copy(update={"async_transport": "aiohttp"})
