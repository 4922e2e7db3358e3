"""Key or token, user id, team id: where they come from, and the headers they make. Never shown."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Awaitable, Callable, Mapping
from hashlib import blake2b
from types import BuiltinFunctionType, FunctionType
from typing import Any, TypeAlias

from pydantic import SecretStr

from gumloop_core.errors import ConfigurationError, GumloopError, MissingCredentialsError, UnpicklableSecretError
from gumloop_core.secrets.env_secret import EnvSecret

TokenSource: TypeAlias = Callable[[], "str | SecretStr"]
"""A callable that gives the token of the moment."""

AsyncTokenSource: TypeAlias = Callable[[], Awaitable["str | SecretStr"]]
"""The same for asynchronous calls."""

Secret: TypeAlias = "str | SecretStr | TokenSource | AsyncTokenSource"  # noqa: S105 - a type, not a value
"""A secret, or where to get it at each request."""


class EnvironmentKey(SecretStr):
    """A key that a model has read from the environment by itself: no caller's word, which would win over a token."""


_HEADER_SAFE = re.compile(r"[\x21-\x7e]+")
_QUOTES = "\"'`\u201c\u201d\u2018\u2019"


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
        left_behind: That this belongs to a copy out of a pickle, whose original had a secret.

    White space around a value is taken off, and so is a pair of quotation marks, which come with files of variables
    that nothing has parsed. A value that is blank then counts as none.
    """

    __slots__ = ("_access_token", "_api_key", "_key_from_environment", "_left_behind", "_team_id", "_user_id")

    def __init__(
        self,
        *,
        api_key: Secret | None = None,
        access_token: Secret | None = None,
        user_id: str | None = None,
        team_id: str | None = None,
        key_from_environment: bool = False,
        left_behind: bool = False,
    ) -> None:
        self._api_key = _wrapped(api_key)
        self._access_token = _wrapped(access_token)
        self._user_id = _identifier("user_id", user_id)
        self._team_id = _identifier("team_id", team_id)
        self._key_from_environment = key_from_environment
        self._left_behind = left_behind

    def __repr__(self) -> str:
        return "Credentials(**********)"

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the secrets: whoever loads this reads them from the environment.

        Raises:
            UnpicklableSecretError: If a secret comes from a callable that would be left out too.
        """
        return {
            "user_id": self._user_id,
            "team_id": self._team_id,
            "api_key": travelling("api_key", self._api_key),
            "access_token": travelling("access_token", self._access_token),
            "left_behind": self._left_behind or self._api_key is not None or self._access_token is not None,
        }

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def __copy__(self) -> Credentials:
        return self  # nothing changes it

    def __deepcopy__(self, memo: dict[int, Any]) -> Credentials:
        return self

    @property
    def user_id(self) -> str | None:
        """The user id, from the argument or ``GUMLOOP_USER_ID``."""
        return self._user_id or _identifier("GUMLOOP_USER_ID", os.environ.get("GUMLOOP_USER_ID"))

    @property
    def team_id(self) -> str | None:
        """The team id, from the argument or ``GUMLOOP_TEAM_ID``."""
        return self._team_id or _identifier("GUMLOOP_TEAM_ID", os.environ.get("GUMLOOP_TEAM_ID"))

    @property
    def account(self) -> str:
        """Names whose calls count together: the team's, else the user's, else the key's. Holds no secret."""
        team_id, user_id = self.team_id, self.user_id
        if team_id or user_id:
            return f"team {team_id}" if team_id else f"user {user_id}"
        source = self._source()
        if isinstance(source, EnvSecret):
            source = _environment(source.name) or source
        if isinstance(source, SecretStr):
            return f"key {blake2b(source.get_secret_value().encode(), digest_size=16).hexdigest()}"
        if isinstance(source, EnvSecret):
            return f"variable {source.name}"
        name = getattr(source, "__qualname__", type(source).__qualname__)
        if isinstance(source, FunctionType) and "<" not in name:  # a function of a module, the same in each process
            return f"source {source.__module__}.{name}"
        return f"source {name} {id(getattr(source, '__self__', source))}"  # each may know a token of its own

    def bearer(self) -> SecretStr:
        """The key or token of this moment.

        Raises:
            MissingCredentialsError: If there is none.
            ConfigurationError: If it cannot be sent in a header, or its source failed or is asynchronous.
        """
        value = _called(self._source())
        if isinstance(value, Awaitable):
            _close(value)
            raise ConfigurationError("The token's source is asynchronous: use the asynchronous calls with it.")
        return self._checked(value)

    async def abearer(self) -> SecretStr:
        """As :meth:`bearer`, for a source that may be asynchronous."""
        value = _called(self._source())
        if isinstance(value, Awaitable):
            try:
                value = _wrapped(await value)
            except Exception as error:
                raise _source_failed(error) from error
        return self._checked(value)

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

    def _checked(self, secret: Any) -> SecretStr:
        # What arrives here is wrapped already, here and in the callers: tracebacks may show variables.
        if secret is None:
            raise MissingCredentialsError(_MISSING_IN_A_COPY if self._left_behind else _MISSING)
        if not isinstance(secret, SecretStr):
            raise ConfigurationError(
                f"The Gumloop key or token must be a str or a SecretStr, not {type(secret).__name__}."
            )
        if not _HEADER_SAFE.fullmatch(secret.get_secret_value()):
            raise ConfigurationError("The Gumloop key or token holds characters that cannot be sent in a header.")
        if secret.get_secret_value()[0] in _QUOTES or secret.get_secret_value()[-1] in _QUOTES:
            raise ConfigurationError("The Gumloop key or token begins or ends with a quotation mark. Take it off.")
        return secret


_MISSING = (
    "No Gumloop credentials: pass api_key or access_token, or set GUMLOOP_API_KEY (a personal key needs "
    "GUMLOOP_USER_ID too) or GUMLOOP_ACCESS_TOKEN."
)
_MISSING_IN_A_COPY = (
    "No Gumloop credentials: this is a copy out of a pickle, as worker processes get it, and copies carry no secret. "
    "Set GUMLOOP_API_KEY (a personal key needs GUMLOOP_USER_ID too) or GUMLOOP_ACCESS_TOKEN where it is loaded, or "
    "set api_key on the copy."
)


def hidden(secret: Any) -> Any:
    """A secret, or its source, out of sight.

    Raises:
        ConfigurationError: If it is neither.
    """
    if isinstance(secret, str):
        return SecretStr(secret)
    if secret is None or isinstance(secret, SecretStr) or callable(secret):
        return secret
    kind = type(secret).__name__
    del secret  # tracebacks show variables
    raise ConfigurationError(f"A key or token must be a text, a SecretStr or a callable that gives one, not {kind}.")


def travelling(name: str, secret: Any) -> Any:
    """What a pickle holds in a secret's place: nothing, or the function to ask, which pickles as its name.

    Raises:
        UnpicklableSecretError: For any other callable: it may hold a secret itself, and without it the copy would
            have no credentials and would not say so.
    """
    if isinstance(secret, EnvSecret):
        return secret
    if not callable(secret):
        return None
    if isinstance(secret, (FunctionType, BuiltinFunctionType)):
        found: Any = sys.modules.get(secret.__module__ or "")
        for part in secret.__qualname__.split("."):
            found = getattr(found, part, None)
        if found is secret:
            return secret
    raise UnpicklableSecretError(
        f"{name} is a callable that may hold a secret ({type(secret).__name__}), and copies for other processes carry "
        'none. Pass EnvSecret("NAME") or a function of a module, which are found again by their names; or leave it '
        "out, and set GUMLOOP_ACCESS_TOKEN or GUMLOOP_API_KEY where the copy is used."
    )


def _wrapped(secret: Any) -> Any:
    """A secret out of sight and without its wrapping, ``None`` for a blank one; anything else as it is."""
    if isinstance(secret, SecretStr):
        cleaned = SecretStr(unquoted(secret.get_secret_value()))
    elif isinstance(secret, str):
        cleaned = SecretStr(unquoted(secret))
    else:
        return secret
    return cleaned if cleaned.get_secret_value() else None


def unquoted(text: str) -> str:
    """A text without white space around it, nor a pair of quotation marks, nor white space within those."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1].strip()
    return text


def _identifier(name: str, value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} must be a text, not {type(value).__name__}.")
    text = unquoted(value)
    if text and (text[0] in _QUOTES or text[-1] in _QUOTES):
        raise ConfigurationError(f"{name} begins or ends with a quotation mark. Take it off.")
    return text or None


def _environment(name: str) -> SecretStr | None:
    value: SecretStr | None = _wrapped(os.environ.get(name))
    return value


def _close(value: Awaitable[str | SecretStr]) -> None:
    close = getattr(value, "close", None)
    if close is not None:  # a coroutine that is never awaited would warn
        close()


def _called(source: Any) -> Any:
    if not callable(source):
        return source
    try:
        return _wrapped(source())
    except Exception as error:
        raise _source_failed(error) from error


def _source_failed(error: Exception) -> GumloopError:
    if isinstance(error, GumloopError):
        return error
    return ConfigurationError(f"The callable that gives the key or token failed: {type(error).__name__}: {error}")
