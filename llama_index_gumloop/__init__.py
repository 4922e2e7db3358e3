"""Gumloop for LlamaIndex."""

from llama_index_gumloop.llm import Gumloop

__all__ = ["Gumloop"]
