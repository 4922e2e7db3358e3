"""A local endpoint that speaks Gumloop's wire: for tests, and for programs without a key; see `docs/emulator.md`."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gumloop_emulator.access import Credentials, Limits
    from gumloop_emulator.recording import Recorder, Recording
    from gumloop_emulator.script import (
        FOREVER,
        Answer,
        Chunks,
        Drop,
        Failure,
        Json,
        Pause,
        RawResponse,
        RawStream,
        Scripted,
        ToolCall,
    )
    from gumloop_emulator.server import Emulator
    from gumloop_emulator.traffic import ReceivedRequest

__all__ = [
    "FOREVER",
    "Answer",
    "Chunks",
    "Credentials",
    "Drop",
    "Emulator",
    "Failure",
    "Json",
    "Limits",
    "Pause",
    "RawResponse",
    "RawStream",
    "ReceivedRequest",
    "Recorder",
    "Recording",
    "Scripted",
    "ToolCall",
]


def __getattr__(name: str) -> Any:
    """Import a public name at its first use: a pytest that asks for the plugin shall not pay for the emulator."""
    for module in ("script", "traffic", "access", "server", "recording") if name in __all__ else ():
        if name in (names := vars(import_module(f"{__name__}.{module}"))):
            return globals().setdefault(name, names[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
