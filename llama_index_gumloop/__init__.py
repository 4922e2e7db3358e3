"""Gumloop for LlamaIndex: ``from llama_index_gumloop import Gumloop``."""

from gumloop_core.version import __version__
from llama_index_gumloop.llm import Gumloop

__all__ = ["Gumloop", "__version__"]
