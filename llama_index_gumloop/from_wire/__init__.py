"""The core's completions and deltas, as LlamaIndex's responses."""
