"""Gumloop for LlamaIndex."""
