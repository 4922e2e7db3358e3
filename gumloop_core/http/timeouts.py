"""What can be a timeout, and what a request makes of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from gumloop_core.errors import ConfigurationError

CONNECT_TIMEOUT = 10.0
"""Seconds that a connection may take, unless a shorter ``timeout`` or one of phases says otherwise."""

LONGEST_TIMEOUT = 1_000_000.0
"""Seconds, eleven days, beyond which a timeout is held to be none: the system cannot count much further."""


class UnsetSeconds(float):
    """A default that another timeout may undercut, told apart from the same number where a caller has set it."""

    __slots__ = ()


def checked_timeout(timeout: Any, name: str = "timeout") -> Any:
    """A timeout that can be kept to.

    Args:
        timeout: Seconds, where infinity and any large number mean no limit; a ``Timeout`` of httpx or httpx2; a mapping
            of its phases, as it is written down; ``None`` for no limit.
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


def kept_seconds(seconds: Any, name: str) -> float | None:
    """A number of seconds as it is kept: ``None`` for one that never passes.

    Raises:
        ConfigurationError: If it is no number of seconds.
    """
    checked: float | None = checked_seconds(seconds, name)
    return None if checked is None or checked > LONGEST_TIMEOUT else checked


def phases_of(timeout: Any) -> tuple[dict[str, float | None], float | None]:
    """The time limits of a request's phases, by httpx's names, and of a unary answer in all.

    Raises:
        ConfigurationError: If it is no timeout.
    """
    timeout = checked_timeout(timeout)
    phases = _phases(timeout)
    if phases is not None:
        return {phase: kept_seconds(seconds, f"timeout.{phase}") for phase, seconds in phases.items()}, None
    seconds = kept_seconds(timeout, "timeout")
    connect = CONNECT_TIMEOUT if seconds is None else min(seconds, CONNECT_TIMEOUT)
    return {"connect": connect, "read": seconds, "write": seconds, "pool": seconds}, seconds


def written_down(timeout: Any) -> Any:
    """A timeout as JSON can say it, which has no infinity."""
    phases = _phases(timeout)
    if phases is not None:
        return {name: written_down(seconds) for name, seconds in phases.items()}
    return None if isinstance(timeout, float) and math.isinf(timeout) else timeout


def _is_seconds(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0  # NaN is not


def _phases(timeout: Any) -> dict[str, Any] | None:
    """The phases of an ``httpx.Timeout`` or an ``httpx2.Timeout``."""
    if timeout is None or isinstance(timeout, (int, float, str)):
        return None
    from gumloop_core.http.http_library import library_of  # few pass one

    library = library_of(timeout)
    if library is not None and isinstance(timeout, library.Timeout):
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
        f"{name} must be a timeout: a number of seconds, a Timeout of httpx or httpx2, or None, not {_shown(timeout)}."
    )


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, (int, float)) else type(value).__name__
