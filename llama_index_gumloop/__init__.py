"""Gumloop for LlamaIndex: ``from llama_index_gumloop import Gumloop``."""

import sys
from typing import TYPE_CHECKING, Any

from gumloop_core.secrets.env_secret import EnvSecret
from gumloop_core.version import __version__

try:
    from llama_index_gumloop.costs import CostEventHandler
    from llama_index_gumloop.llm import Gumloop
except ImportError:
    if sys.modules.get("llama_index.core") is not None:
        raise  # the framework is there: something else is missing
    raise ImportError(
        "llama_index_gumloop needs LlamaIndex: pip install 'gumloop-llms[llama-index]'", name="llama_index.core"
    ) from None

if TYPE_CHECKING:
    from gumloop_core.concurrency.limits import RayLimits, RedisLimits
    from gumloop_core.costs import Budget, CostTracker

__all__ = [
    "Budget",
    "CostEventHandler",
    "CostTracker",
    "EnvSecret",
    "Gumloop",
    "RayLimits",
    "RedisLimits",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name in ("RayLimits", "RedisLimits"):
        from gumloop_core.concurrency import limits

        return getattr(limits, name)
    if name in ("Budget", "CostTracker"):
        from gumloop_core import costs

        return getattr(costs, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
