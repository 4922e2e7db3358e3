"""A local endpoint that speaks Gumloop's wire: for programs without a key, and for tests.

    from gumloop_core.emulator import Emulator

    with Emulator() as server:
        ...  # talk to server.base_url with server.api_key and server.user_id

It needs `pip install "gumloop-llms[emulator]"`; importing this package does not. What it checks and how it
answers is described in `docs/emulator.md`.
"""

from gumloop_core.emulator.credentials import Credentials
from gumloop_core.emulator.recording import RecordedRequest
from gumloop_core.emulator.scripting import (
    FOREVER,
    Answer,
    Chunks,
    Drop,
    Failure,
    Json,
    Pause,
    RawStream,
    Scripted,
    ToolCall,
)
from gumloop_core.emulator.server import Emulator

__all__ = [
    "FOREVER",
    "Answer",
    "Chunks",
    "Credentials",
    "Drop",
    "Emulator",
    "Failure",
    "Json",
    "Pause",
    "RawStream",
    "RecordedRequest",
    "Scripted",
    "ToolCall",
]
