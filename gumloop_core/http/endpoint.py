"""The two hosts, how one follows from the other, and the paths."""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from gumloop_core.errors import ConfigurationError
from gumloop_core.secrets.credentials import unquoted

API_HOST = "api.gumloop.com"
STREAM_HOST = "ws.gumloop.com"
DEFAULT_BASE_URL = f"https://{API_HOST}/api/v1"
"""The API host: model list and router."""

_CHAT_PATH = "/chat/completions"
_UNFIT = re.compile(r"[\x00-\x20\x7f\\]")


@dataclass(frozen=True)
class Endpoint:
    """Where requests go.

    Attributes:
        base_url: The API host's base, without a trailing slash.
        stream_base_url: The chat host's base, without a trailing slash.
    """

    base_url: str
    stream_base_url: str

    @classmethod
    def resolve(
        cls,
        base_url: str | None = None,
        stream_base_url: str | None = None,
        *,
        allow_insecure: bool = False,
    ) -> Endpoint:
        """Settle both hosts: an argument, else the environment, else the vendor's.

        Args:
            base_url: The API host's base; ``GUMLOOP_BASE_URL`` if ``None``.
            stream_base_url: The chat host's base; ``GUMLOOP_STREAM_BASE_URL`` if ``None`` and ``base_url`` came from
                the environment too. Else it follows from ``base_url``: ``api.gumloop.com`` becomes
                ``ws.gumloop.com`` and the other way round, any other host serves both.
            allow_insecure: Whether plain http to a host other than loopback is let through.

        Raises:
            ConfigurationError: If an address is not http(s), carries a user or password, or would send the key in
                the clear.
        """
        if base_url is None:
            stream_base_url = stream_base_url or unquoted(os.environ.get("GUMLOOP_STREAM_BASE_URL", "")) or None
            base_url = unquoted(os.environ.get("GUMLOOP_BASE_URL", "")) or DEFAULT_BASE_URL
        base_url = _checked("base_url", base_url, allow_insecure)
        if stream_base_url is None:
            stream_base_url = _other_host(base_url, API_HOST, STREAM_HOST)
            base_url = _other_host(base_url, STREAM_HOST, API_HOST)  # a chat address that was pasted
        return cls(base_url, _checked("stream_base_url", stream_base_url, allow_insecure))

    @property
    def chat_url(self) -> str:
        """Where chat completions are posted."""
        return f"{self.stream_base_url}{_CHAT_PATH}"

    @property
    def models_url(self) -> str:
        """Where the model list is."""
        return f"{self.base_url}/models"

    @property
    def route_url(self) -> str:
        """Where the router decides."""
        return f"{self.base_url}/models/route"


@lru_cache(maxsize=64)
def _other_host(base_url: str, host: str, other: str) -> str:
    """The same base on the other of the vendor's two hosts, if it is on the first."""
    parts = urlsplit(base_url)
    if parts.hostname != host:
        return base_url
    return urlunsplit(parts._replace(netloc=parts.netloc.lower().replace(host, other)))


def _checked(name: str, url: Any, allow_insecure: bool) -> str:
    if not isinstance(url, str):
        raise ConfigurationError(f"{name} must be a text such as {DEFAULT_BASE_URL}, not {type(url).__name__}.")
    return _base_of(name, unquoted(url), allow_insecure)


@lru_cache(maxsize=64)
def _base_of(name: str, url: str, allow_insecure: bool) -> str:
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError as error:
        reason = "" if "@" in url else f": {error}"  # which may repeat a password
        raise ConfigurationError(f"{name} is not an address{reason}.") from None
    if "@" in parts.netloc or "@" in parts.path:
        raise ConfigurationError(f"{name} must not carry a user or password; use api_key or access_token.")
    if parts.scheme not in ("http", "https") or not host or _UNFIT.search(url):
        raise ConfigurationError(f"{name} must be an http(s) address such as {DEFAULT_BASE_URL}, not {url!r}.")
    if not all(0 < len(label) <= 63 for label in host.removesuffix(".").split(".")):
        raise ConfigurationError(f"{name} names no host: the parts of {host!r} must have 1 to 63 characters.")
    if parts.query or parts.fragment:
        raise ConfigurationError(f"{name} must not carry a query or fragment.")
    if parts.scheme == "http" and not allow_insecure and not _is_loopback(host):
        raise ConfigurationError(
            f"{name} is plain http to {host}: the key would travel in the clear. Use https, or pass "
            "allow_insecure=True if the network between is yours."
        )
    base: str = urlunsplit(parts).rstrip("/")
    if base.lower().endswith(_CHAT_PATH):  # the address of one request, where its base is wanted
        base = base[: -len(_CHAT_PATH)].rstrip("/")
    return base


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
