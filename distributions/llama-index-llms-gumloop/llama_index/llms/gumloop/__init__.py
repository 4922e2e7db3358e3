"""Gumloop for LlamaIndex, where its users look for it: ``from llama_index.llms.gumloop import Gumloop``."""

from gumloop_core.version import __version__
from llama_index_gumloop import Gumloop

__all__ = ["Gumloop", "__version__"]
