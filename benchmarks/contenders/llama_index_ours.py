"""Ours."""

from __future__ import annotations

from benchmarks.answers import MODEL
from llama_index_gumloop import Gumloop


def make(base_url: str) -> Gumloop:
    """Make the model."""
    return Gumloop(model=MODEL, base_url=base_url, api_key="benchmark", user_id="benchmark", max_retries=0)
