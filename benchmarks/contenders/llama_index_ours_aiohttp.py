"""Ours, with aiohttp for asynchronous calls."""

from __future__ import annotations

from benchmarks.contenders import llama_index_ours
from llama_index_gumloop import Gumloop


def make(base_url: str) -> Gumloop:
    """Make the model."""
    return llama_index_ours.make(base_url).model_copy(update={"async_transport": "aiohttp"})
