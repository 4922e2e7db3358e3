"""Which connections the pools have: httpx's, or quicker ones of our own where httptools is installed."""

from __future__ import annotations

from importlib import import_module

from gumloop_core.errors import ConfigurationError
from gumloop_core.http.settings import Road

_WORKS_FROM, _WORKS_BELOW = (0, 6, 4), (1,)
"""Versions of httptools that the tests were run with."""


class Roads:
    """The roads that can be taken from here. The environment is asked once, as httpx's clients ask it once."""

    def __init__(self) -> None:
        from urllib.request import getproxies  # takes long to import

        self._has_proxies = not {"http", "https", "all"}.isdisjoint(getproxies())
        self._what_is_missing = _what_is_missing()

    def choose(self, wanted: Road | None) -> Road:
        """The road to take.

        Args:
            wanted: The caller's choice, ``None`` for the quickest. Proxies are httpx's matter whatever it is.

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
        return "httptools"


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
