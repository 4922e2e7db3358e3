"""The "model": plain rules that are deterministic and documented in `docs/emulator.md`."""

from gumloop_core.emulator.rules.answering import respond

__all__ = ["respond"]
