"""Gumloop for LangChain."""
