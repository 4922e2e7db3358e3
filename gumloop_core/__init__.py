"""The request core of ``langchain_gumloop`` and ``llama_index_gumloop``.

Speaks Gumloop's chat completions over HTTP and knows no framework. It can be used by itself: see
:class:`~gumloop_core.http.client.GumloopClient`.
"""

from gumloop_core.answer import Completion, Delta, Image, ToolCall, ToolCallPiece, Usage
from gumloop_core.concurrency.limits import RayLimits, RedisLimits
from gumloop_core.errors import GumloopError
from gumloop_core.http.async_client import AsyncGumloopClient
from gumloop_core.http.client import GumloopClient
from gumloop_core.http.endpoint import Endpoint
from gumloop_core.http.settings import ClientSettings
from gumloop_core.secrets.credentials import Credentials
from gumloop_core.secrets.env_secret import EnvSecret
from gumloop_core.version import __version__

__all__ = [
    "AsyncGumloopClient",
    "ClientSettings",
    "Completion",
    "Credentials",
    "Delta",
    "Endpoint",
    "EnvSecret",
    "GumloopClient",
    "GumloopError",
    "Image",
    "RayLimits",
    "RedisLimits",
    "ToolCall",
    "ToolCallPiece",
    "Usage",
    "__version__",
]
