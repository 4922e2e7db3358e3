"""Key or token, user id, team id: where they come from, and the headers they make. Never shown."""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from pydantic import SecretStr

from gumloop_core.errors import ConfigurationError, MissingCredentialsError

TokenSource: TypeAlias = Callable[[], "str | SecretStr"]
"""A callable that gives the token of the moment."""

AsyncTokenSource: TypeAlias = Callable[[], Awaitable["str | SecretStr"]]
"""The same for asynchronous calls."""

Secret: TypeAlias = "str | SecretStr | TokenSource | AsyncTokenSource"  # noqa: S105 - a type, not a value
"""A secret, or where to get it at each request."""

_HEADER_SAFE = re.compile(r"[\x21-\x7e]+")


class Credentials:
    """Who is calling.

    An explicit token wins over an explicit key, both win over the environment, and there ``GUMLOOP_ACCESS_TOKEN``
    wins over ``GUMLOOP_API_KEY``. What comes from the environment or a callable is read again at every request, since
    the platform rotates tokens.

    Args:
        api_key: A personal or team API key.
        access_token: An OAuth 2.0 access token.
        user_id: Sent as ``x-auth-key``: a personal key needs it; with a team key it names the acting member.
        team_id: The team that a team key is validated against; sent as ``team_id`` to the API host.
        key_from_environment: That ``api_key`` was itself read from the environment, so that a token there wins over
            it.
    """

    __slots__ = ("_access_token", "_api_key", "_key_from_environment", "_team_id", "_user_id")

    def __init__(
        self,
        *,
        api_key: Secret | None = None,
        access_token: Secret | None = None,
        user_id: str | None = None,
        team_id: str | None = None,
        key_from_environment: bool = False,
    ) -> None:
        self._api_key = _wrapped(api_key)
        self._access_token = _wrapped(access_token)
        self._user_id = user_id
        self._team_id = team_id
        self._key_from_environment = key_from_environment

    def __repr__(self) -> str:
        return "Credentials(**********)"

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the secrets: whoever loads this reads them from the environment."""
        return {"user_id": self._user_id, "team_id": self._team_id}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def __copy__(self) -> Credentials:
        return self  # nothing changes it

    def __deepcopy__(self, memo: dict[int, Any]) -> Credentials:
        return self

    @property
    def user_id(self) -> str | None:
        """The user id, from the argument or ``GUMLOOP_USER_ID``."""
        return self._user_id or os.environ.get("GUMLOOP_USER_ID") or None

    @property
    def team_id(self) -> str | None:
        """The team id, from the argument or ``GUMLOOP_TEAM_ID``."""
        return self._team_id or os.environ.get("GUMLOOP_TEAM_ID") or None

    def bearer(self) -> SecretStr:
        """The key or token of this moment.

        Raises:
            MissingCredentialsError: If there is none.
            ConfigurationError: If it cannot be sent in a header, or its source is asynchronous.
        """
        value = _wrapped(_called(self._source()))
        if isinstance(value, Awaitable):
            _close(value)
            raise ConfigurationError("The token's source is asynchronous: use the asynchronous calls with it.")
        return _checked(value)

    async def abearer(self) -> SecretStr:
        """As :meth:`bearer`, for a source that may be asynchronous."""
        value = _wrapped(_called(self._source()))
        if isinstance(value, Awaitable):
            value = _wrapped(await value)
        return _checked(value)

    def headers(self, bearer: SecretStr) -> list[tuple[str, str]]:
        """The headers that carry the credentials."""
        user_id = self.user_id
        if user_id and not _HEADER_SAFE.fullmatch(user_id):
            raise ConfigurationError("user_id holds characters that cannot be sent in a header.")
        headers = [("Authorization", f"Bearer {bearer.get_secret_value()}")]
        if user_id:
            headers.append(("x-auth-key", user_id))
        return headers

    def _source(self) -> Any:
        if self._access_token is not None:
            return self._access_token
        if self._api_key is not None and not self._key_from_environment:
            return self._api_key
        return _environment("GUMLOOP_ACCESS_TOKEN") or _environment("GUMLOOP_API_KEY") or self._api_key


def _wrapped(secret: Any) -> Any:
    """A secret out of sight, ``None`` for an empty one; anything else as it is."""
    if isinstance(secret, str):
        return SecretStr(secret) if secret else None
    if isinstance(secret, SecretStr) and not secret.get_secret_value():
        return None
    return secret


def _environment(name: str) -> SecretStr | None:
    value = os.environ.get(name)
    return SecretStr(value) if value else None


def _close(value: Awaitable[str | SecretStr]) -> None:
    close = getattr(value, "close", None)
    if close is not None:  # a coroutine that is never awaited would warn
        close()


def _called(source: Any) -> Any:
    return source() if callable(source) else source


def _checked(secret: Any) -> SecretStr:
    # What arrives here is wrapped already, here and in the callers: tracebacks may show variables.
    if secret is None or (isinstance(secret, SecretStr) and not secret.get_secret_value().strip()):
        raise MissingCredentialsError(
            "No Gumloop credentials: pass api_key or access_token, or set GUMLOOP_API_KEY (a personal key needs "
            "GUMLOOP_USER_ID too) or GUMLOOP_ACCESS_TOKEN."
        )
    if not isinstance(secret, SecretStr):
        raise ConfigurationError(f"The Gumloop key or token must be a str or a SecretStr, not {type(secret).__name__}.")
    if not _HEADER_SAFE.fullmatch(secret.get_secret_value().strip()):
        raise ConfigurationError("The Gumloop key or token holds characters that cannot be sent in a header.")
    return SecretStr(secret.get_secret_value().strip())
