"""LangChain's messages, as the wire has them."""
