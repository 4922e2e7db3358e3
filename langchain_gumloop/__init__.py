"""Gumloop for LangChain: ``from langchain_gumloop import ChatGumloop``."""

import sys

from gumloop_core.version import __version__

try:
    from langchain_gumloop import content
    from langchain_gumloop.chat_models import ChatGumloop
    from langchain_gumloop.registration import register
except ImportError:
    if sys.modules.get("langchain_core") is not None:
        raise  # the framework is there: something else is missing
    raise ImportError(
        "langchain_gumloop needs LangChain: pip install 'gumloop-llms[langchain]'", name="langchain_core"
    ) from None

content.register()

__all__ = ["ChatGumloop", "__version__", "register"]
