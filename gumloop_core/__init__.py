"""The request core of ``langchain_gumloop`` and ``llama_index_gumloop``.

Speaks Gumloop's chat completions over HTTP and knows no framework. It can be used by itself: see
:class:`~gumloop_core.client.GumloopClient`.
"""

from gumloop_core.answer import Completion, Delta, Image, ToolCall, ToolCallPiece, Usage
from gumloop_core.async_client import AsyncGumloopClient
from gumloop_core.client import GumloopClient
from gumloop_core.credentials import Credentials
from gumloop_core.endpoint import Endpoint
from gumloop_core.errors import GumloopError
from gumloop_core.settings import ClientSettings
from gumloop_core.version import __version__

__all__ = [
    "AsyncGumloopClient",
    "ClientSettings",
    "Completion",
    "Credentials",
    "Delta",
    "Endpoint",
    "GumloopClient",
    "GumloopError",
    "Image",
    "ToolCall",
    "ToolCallPiece",
    "Usage",
    "__version__",
]
