"""Gumloop for LlamaIndex: ``from llama_index_gumloop import Gumloop``."""

import sys

from gumloop_core.concurrency.limits import RayLimits, RedisLimits
from gumloop_core.secrets.env_secret import EnvSecret
from gumloop_core.version import __version__

try:
    from llama_index_gumloop.llm import Gumloop
except ImportError:
    if sys.modules.get("llama_index.core") is not None:
        raise  # the framework is there: something else is missing
    raise ImportError(
        "llama_index_gumloop needs LlamaIndex: pip install 'gumloop-llms[llama-index]'", name="llama_index.core"
    ) from None

__all__ = ["EnvSecret", "Gumloop", "RayLimits", "RedisLimits", "__version__"]
