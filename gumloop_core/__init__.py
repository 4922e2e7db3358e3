"""The request core of ``langchain_gumloop`` and ``llama_index_gumloop``.

Speaks Gumloop's chat completions over HTTP and knows no framework. It can be used by itself: see
:class:`~gumloop_core.http.client.GumloopClient`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gumloop_core.errors import GumloopError
from gumloop_core.http.async_client import AsyncGumloopClient
from gumloop_core.http.client import GumloopClient
from gumloop_core.http.endpoint import Endpoint
from gumloop_core.http.settings import ClientSettings
from gumloop_core.secrets.credentials import Credentials
from gumloop_core.secrets.env_secret import EnvSecret
from gumloop_core.version import __version__

if TYPE_CHECKING:
    from gumloop_core.answer import Completion, Delta, Image, ToolCall, ToolCallPiece, Usage
    from gumloop_core.concurrency.limits import RayLimits, RedisLimits

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

_LATER = {
    **dict.fromkeys(("Completion", "Delta", "Image", "ToolCall", "ToolCallPiece", "Usage"), "gumloop_core.answer"),
    **dict.fromkeys(("RayLimits", "RedisLimits"), "gumloop_core.concurrency.limits"),
}
"""What a model that is imported does not need yet, and where it is: making a dataclass takes half a millisecond."""


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(_LATER[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
