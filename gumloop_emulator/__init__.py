"""A local endpoint that speaks Gumloop's wire: for tests, and for programs without a key; see `docs/emulator.md`."""

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
