"""Gumloop for LangChain: ``from langchain_gumloop import ChatGumloop``."""

from gumloop_core.version import __version__
from langchain_gumloop import content
from langchain_gumloop.chat_models import ChatGumloop
from langchain_gumloop.registration import register

content.register()

__all__ = ["ChatGumloop", "__version__", "register"]
