"""Gumloop for LangChain: ``from langchain_gumloop import ChatGumloop``."""

from typing import TYPE_CHECKING, Any

from gumloop_core.version import __version__
from langchain_gumloop import content
from langchain_gumloop.chat_models import ChatGumloop
from langchain_gumloop.registration import register

if TYPE_CHECKING:
    from langchain_gumloop.middleware import InvalidToolCallMiddleware as InvalidToolCallMiddleware

content.register()

__all__ = ["ChatGumloop", "__version__", "register"]


# Not in __all__: it needs the package langchain, which `import *` must not.
def __getattr__(name: str) -> Any:
    if name != "InvalidToolCallMiddleware":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from langchain_gumloop.middleware import InvalidToolCallMiddleware
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "langchain":
            raise
        raise ImportError(f"{name} is for agents of the package langchain: pip install langchain.") from None
    return InvalidToolCallMiddleware
