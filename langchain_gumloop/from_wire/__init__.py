"""The core's completions and deltas, as LangChain's messages and chunks."""
