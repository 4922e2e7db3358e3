"""An answer read: bytes of a stream or a parsed body in, clean deltas and completions out. No I/O."""
