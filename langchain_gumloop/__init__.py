"""Gumloop for LangChain: ``from langchain_gumloop import ChatGumloop``."""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from gumloop_core.secrets.env_secret import EnvSecret
from gumloop_core.version import __version__

try:
    from langchain_gumloop.chat_models import ChatGumloop
    from langchain_gumloop.costs import CostCallbackHandler
    from langchain_gumloop.from_wire import content_blocks as content
except ImportError:
    if sys.modules.get("langchain_core") is not None:
        raise  # the framework is there: something else is missing
    raise ImportError(
        "langchain_gumloop needs LangChain: pip install 'gumloop-llms[langchain]'", name="langchain_core"
    ) from None

if TYPE_CHECKING:
    from gumloop_core.concurrency.limits import RayLimits, RedisLimits
    from gumloop_core.costs import Budget, CostTracker
    from langchain_gumloop.middleware import InvalidToolCallMiddleware as InvalidToolCallMiddleware
    from langchain_gumloop.prompt_caching import GumloopPromptCachingMiddleware as GumloopPromptCachingMiddleware
    from langchain_gumloop.registration import register

content.register()

__all__ = [
    "Budget",
    "ChatGumloop",
    "CostCallbackHandler",
    "CostTracker",
    "EnvSecret",
    "RayLimits",
    "RedisLimits",
    "__version__",
    "register",
]


def __getattr__(name: str) -> Any:
    if name == "register":
        from langchain_gumloop.registration import register

        return register
    if name in ("RayLimits", "RedisLimits"):
        from gumloop_core.concurrency import limits

        return getattr(limits, name)
    if name in ("Budget", "CostTracker"):
        from gumloop_core import costs

        return getattr(costs, name)
    if name in _MIDDLEWARE:
        return _middleware(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_MIDDLEWARE = {"InvalidToolCallMiddleware": "middleware", "GumloopPromptCachingMiddleware": "prompt_caching"}
"""Not in ``__all__``: it needs the package langchain, which ``import *`` must not."""


def _middleware(name: str) -> Any:
    try:
        return getattr(import_module(f"{__name__}.{_MIDDLEWARE[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "langchain":
            raise
        raise ImportError(f"{name} is for agents of the package langchain: pip install langchain.") from None
