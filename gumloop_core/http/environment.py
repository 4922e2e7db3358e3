"""Which certificates are trusted, and what the environment says about them and about proxies.

httpx reads the environment itself when a client is made. Its errors name neither the variable nor what to do, and some
broken addresses fail only when a connection is opened, as if the endpoint could not be found. It trusts certifi's
authorities where ours are the system's, as those of httpx2 are: it refuses a network that has an authority of its own
(https://github.com/encode/httpx/issues/302, https://github.com/BerriAI/litellm/issues/7717).
"""

from __future__ import annotations

import ipaddress
import os
import re
import ssl
import sys
from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar
from urllib.request import getproxies

import httpx

from gumloop_core.errors import ConfigurationError

Made = TypeVar("Made")

_SOCKS = ("socks5", "socks5h")
_PROXIED = ("http", "https", "all")
_LABEL = re.compile(r"[A-Za-z0-9_-]{1,63}")
_FOUND = re.compile(r"[0-9a-f]{8}\.\d+")


def has_proxies() -> bool:
    """Whether the environment names any proxy."""
    return not getproxies().keys().isdisjoint(_PROXIED)


def tls_context_for(scheme: str) -> ssl.SSLContext:
    """The TLS context for connections to addresses of a scheme.

    Plain http needs none, and reading the certificates takes longer than all else that a first call does. But a proxy
    may be spoken to by TLS.

    Raises:
        ConfigurationError: If the certificates cannot be read.
    """
    return _trusting_nobody() if scheme == "http" and not has_proxies() else tls_context()


@lru_cache(maxsize=1)
def _trusting_nobody() -> ssl.SSLContext:
    """What httpx is given in place of a context that is not used: with it, no connection by TLS could be opened."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@lru_cache(maxsize=1)
def tls_context() -> ssl.SSLContext:
    """The TLS context that all connections share.

    It trusts the authorities that the environment names, else the system's, else certifi's.

    Raises:
        ConfigurationError: If their certificates cannot be read.
    """
    file, directory = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if directory and not file and not os.path.isdir(directory):
        raise ConfigurationError(f"SSL_CERT_DIR names {directory!r}, which is no directory. Correct or unset it.")
    try:
        of_system = None if file or directory else _trusting_system()
        return httpx.create_ssl_context() if of_system is None else of_system
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        if file:
            at_fault = f"SSL_CERT_FILE names {file!r}, whose certificates cannot be read"
        elif directory:
            at_fault = f"SSL_CERT_DIR names {directory!r}, whose certificates cannot be read"
        elif os.environ.get("SSLKEYLOGFILE"):
            at_fault = f"SSLKEYLOGFILE names {os.environ['SSLKEYLOGFILE']!r}, which cannot be written"
        else:
            raise ConfigurationError(
                f"The certificates that connections are checked with cannot be read: {reason}. Install certifi again."
            ) from error
        raise ConfigurationError(f"{at_fault}: {reason}. Correct or unset it.") from error


def _trusting_system() -> ssl.SSLContext | None:
    """A context that trusts the system's authorities, a company's own among them; ``None`` where no file has any.

    OpenSSL finds the one authority that it needs in a directory, where reading a file with all of them takes it 30 ms.
    """
    if sys.platform in ("win32", "darwin"):  # where OpenSSL's places, if there are any, are not what the system goes by
        return None
    paths = ssl.get_default_verify_paths()
    file, directory = paths.openssl_cafile, paths.openssl_capath
    try:
        in_file = Path(file).read_bytes().count(b"-----BEGIN") if os.path.isfile(file) else 0
        in_directory = sum(map(_is_found, os.scandir(directory))) if os.path.isdir(directory) else 0
        if not in_file and not in_directory:
            return None
        return ssl.create_default_context(
            cafile=file if in_file > in_directory else None,  # some systems have all in both, some a few in one
            capath=directory if in_directory else None,
        )
    except OSError:
        return None


def _is_found(file: os.DirEntry[str]) -> bool:
    """Whether OpenSSL finds a certificate: a file, or a link that leads to one, named by the hash of its authority."""
    return _FOUND.fullmatch(file.name) is not None and file.is_file()


def with_proxies(make: Callable[[], Made]) -> Made:
    """Make an httpx client, which looks for proxies in the environment.

    Raises:
        ConfigurationError: If a variable that names proxies makes no sense.
    """
    proxies = getproxies()
    if "*" not in [host.strip() for host in proxies.get("no", "").split(",")]:
        for scheme in _PROXIED:
            if proxies.get(scheme):
                _check_proxy(_variable(scheme), proxies[scheme])
    try:
        return make()
    except (httpx.InvalidURL, ValueError) as error:
        if not proxies.get("no"):
            raise
        raise ConfigurationError(f"{_variable('no')} is not a list of hosts: {error}. Correct or unset it.") from None


def _check_proxy(name: str, address: str) -> None:
    # The address may hold a password: it is not repeated.
    try:
        url = httpx.URL(address if "://" in address else f"http://{address}")
    except httpx.InvalidURL:
        url = None
    if url is not None and url.scheme not in ("http", "https", *_SOCKS):
        raise ConfigurationError(
            f"{name} names a proxy of the kind {url.scheme!r}. It can be http, https, socks5 or socks5h. "
            "Correct or unset it."
        )
    if url is None or not _is_host(url.raw_host.decode("ascii", "replace")) or url.port not in (None, *range(1, 65536)):
        raise ConfigurationError(
            f"{name} is not the address of a proxy, such as http://proxy.example:8080. Correct or unset it."
        )
    if url.scheme in _SOCKS and find_spec("socksio") is None:
        raise ConfigurationError(
            f"{name} names a SOCKS proxy, which needs an extra of httpx. Install it: pip install 'httpx[socks]'"
        )


def _is_host(host: str) -> bool:
    return is_address(host) or all(_LABEL.fullmatch(label) for label in host.removesuffix(".").split("."))


def is_address(host: str) -> bool:
    """Whether a host is an IP address, and no name that stands for several."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _variable(scheme: str) -> str:
    """The variable that names the proxy for a scheme, as it is spelt in the environment."""
    wanted = f"{scheme}_proxy"
    if os.environ.get(wanted):  # it wins over the one in capitals
        return wanted
    return next((name for name in os.environ if name.lower() == wanted), "The system's proxy setting")
