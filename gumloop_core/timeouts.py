"""What can be a timeout."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import Any

from gumloop_core.errors import ConfigurationError


def checked_timeout(timeout: Any, name: str = "timeout") -> Any:
    """A timeout that can be kept to.

    Args:
        timeout: Seconds, where infinity and any large number mean no limit; an ``httpx.Timeout``; a mapping of its
            phases, as it is written down; ``None`` for no limit.
        name: The argument that it came by.

    Raises:
        ConfigurationError: If it is something else, or negative.
    """
    if isinstance(timeout, Mapping):
        return _from_phases(timeout, name)
    if timeout is None or _is_seconds(timeout):
        return timeout
    phases = _phases(timeout)
    if phases is None or not all(seconds is None or _is_seconds(seconds) for seconds in phases.values()):
        raise _refusal(name, timeout)
    return timeout


def checked_seconds(seconds: Any, name: str) -> Any:
    """A number of seconds, or ``None`` for no limit.

    Raises:
        ConfigurationError: If it is neither.
    """
    if seconds is None or _is_seconds(seconds):
        return seconds
    raise ConfigurationError(f"{name}, a timeout, is a number of seconds or None, not {_shown(seconds)}.")


def written_down(timeout: Any) -> Any:
    """A timeout as JSON can say it, which has no infinity."""
    phases = _phases(timeout)
    if phases is not None:
        return {name: written_down(seconds) for name, seconds in phases.items()}
    return None if isinstance(timeout, float) and math.isinf(timeout) else timeout


def _is_seconds(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0  # NaN is not


def _phases(timeout: Any) -> dict[str, Any] | None:
    """The phases of an ``httpx.Timeout``. Whoever has made one has imported httpx; we do at the first request."""
    httpx = sys.modules.get("httpx")
    if httpx is not None and isinstance(timeout, httpx.Timeout):
        phases: dict[str, Any] = timeout.as_dict()
        return phases
    return None


def _from_phases(phases: Mapping[Any, Any], name: str) -> Any:
    import httpx

    for phase, seconds in phases.items():
        if phase not in ("connect", "read", "write", "pool", "timeout"):
            raise ConfigurationError(f"{name} has no phase {phase!r}: they are connect, read, write and pool.")
        checked_seconds(seconds, f"{name}.{phase}")
    try:
        return httpx.Timeout(**phases)
    except ValueError as error:
        raise ConfigurationError(f"{name}: {error}") from None


def _refusal(name: str, timeout: Any) -> ConfigurationError:
    return ConfigurationError(
        f"{name} must be a timeout: a number of seconds, an httpx.Timeout or None, not {_shown(timeout)}."
    )


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, (int, float)) else type(value).__name__
