"""Which connections a request is sent over: httpx's, or quicker ones of our own where httptools is installed."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from types import FunctionType
from typing import Any, ClassVar

from gumloop_core.errors import ConfigurationError
from gumloop_core.http import environment
from gumloop_core.http.settings import Road

_WORKS_FROM, _WORKS_BELOW = (0, 6, 4), (1,)
"""Versions of httptools that the tests were run with."""


class Roads:
    """The roads that can be taken from here. Proxies are looked for once, as httpx's clients look for them once."""

    _untouched: ClassVar[tuple[Any, ...]] = ()  # what was found to be httpx's own, by any pool of the process

    def __init__(self) -> None:
        self._has_proxies = environment.has_proxies()
        self._what_is_missing = _what_is_missing()

    def choose(self, wanted: Road | None) -> Road:
        """The road to take.

        Args:
            wanted: The caller's choice. ``None`` for the quickest on which nobody is passed by who listens to httpx, or
                answers in its place. Proxies are httpx's matter whatever is wanted.

        Raises:
            ConfigurationError: If it cannot be had.
        """
        if wanted == "httptools" and self._what_is_missing:
            raise ConfigurationError(
                f"transport='httptools' cannot be had: {self._what_is_missing}. "
                "Install it: pip install 'gumloop-llms[fast]'"
            )
        if wanted == "httpx" or self._has_proxies or self._what_is_missing:
            return "httpx"
        return "httptools" if wanted is not None or self._is_httpx_untouched() else "httpx"

    def _is_httpx_untouched(self) -> bool:
        functions = _functions()
        if functions == self._untouched:
            return True
        if not all(map(_is_its_own, functions)):
            return False
        Roads._untouched = functions
        return True


def _functions() -> tuple[Any, ...]:
    """Where tools that trace, record or answer requests put themselves.

    sentry-sdk and ddtrace in the first two, OpenTelemetry and pytest-httpx in the next, respx and vcrpy in the last.
    """
    httpx, httpcore = sys.modules["httpx"], sys.modules.get("httpcore")
    placed = (
        httpx.Client.send,
        httpx.AsyncClient.send,
        httpx.HTTPTransport.handle_request,
        httpx.AsyncHTTPTransport.handle_async_request,
    )
    if httpcore is None:
        return placed
    return *placed, httpcore.ConnectionPool.handle_request, httpcore.AsyncConnectionPool.handle_async_request


def _is_its_own(function: Any) -> bool:
    """Whether a function is the one that the library has."""
    if type(function) is not FunctionType:
        return False
    libraries = [Path(str(sys.modules[name].__file__)).parent for name in ("httpx", "httpcore") if name in sys.modules]
    return any(Path(function.__code__.co_filename).is_relative_to(library) for library in libraries)


def _what_is_missing() -> str:
    """Why httptools cannot be used; nothing if it can."""
    try:
        version = import_module("httptools").__version__
    except ImportError as error:
        return str(error)
    numbers = tuple(int(part) for part in version.split(".") if part.isdecimal())
    if not _WORKS_FROM <= numbers < _WORKS_BELOW:
        return f"httptools {version} is not known to work"
    return ""
