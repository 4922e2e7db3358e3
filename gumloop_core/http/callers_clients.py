"""Clients that the caller passes to send with: which can be used."""

from __future__ import annotations

import sys
from typing import Any

from gumloop_core.errors import ConfigurationError


def checked_client(client: Any, name: str) -> Any:
    """A client that can send, or ``None``.

    Args:
        client: What was passed.
        name: The argument that it was passed as: ``http_client`` or ``http_async_client``.

    Raises:
        ConfigurationError: If it is something else; it says what to pass.
    """
    if client is None:
        return None
    httpx = sys.modules.get("httpx")  # whoever has made a client has imported it
    wanted = "AsyncClient" if name == "http_async_client" else "Client"
    if httpx is not None and isinstance(client, getattr(httpx, wanted)):
        return client
    kind = type(client)
    hint = ""
    if httpx is not None and isinstance(client, (httpx.Client, httpx.AsyncClient)):
        other = "http_client" if name == "http_async_client" else "http_async_client"
        hint = f" This one is for {other}."
    elif httpx is not None and isinstance(client, type) and issubclass(client, (httpx.Client, httpx.AsyncClient)):
        raise ConfigurationError(f"{name} must be an httpx.{wanted}; this is a class. Pass an object: {wanted}().")
    module = kind.__module__.partition(".")[0]
    shown = kind.__name__ if module == "builtins" else f"{module}.{kind.__name__}"
    raise ConfigurationError(f"{name} must be an httpx.{wanted}, not {shown}.{hint}")
