"""A secret that is named, not held."""

from __future__ import annotations

import os

from pydantic import SecretStr

from gumloop_core.errors import ConfigurationError, MissingCredentialsError


class EnvSecret:
    """A secret in an environment variable, read at each use. Other processes get the name, and read their own value.

    Args:
        name: The variable's.

    Raises:
        ConfigurationError: If that is no name.
    """

    __slots__ = ("name",)

    name: str

    def __init__(self, name: str) -> None:
        if not isinstance(name, str) or not name.strip() or "=" in name or "\0" in name:
            del name  # where it is no name, it may be the secret itself, and tracebacks show variables
            raise ConfigurationError('EnvSecret takes the name of an environment variable: EnvSecret("GUMLOOP_KEY").')
        object.__setattr__(self, "name", name)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("An EnvSecret cannot be changed; make another.")

    def __eq__(self, other: object) -> bool:
        return self.name == other.name if isinstance(other, EnvSecret) else NotImplemented

    def __hash__(self) -> int:
        return hash((EnvSecret, self.name))

    def __repr__(self) -> str:
        return f"EnvSecret({self.name!r})"

    def __reduce__(self) -> tuple[type[EnvSecret], tuple[str]]:
        return EnvSecret, (self.name,)

    def __call__(self) -> SecretStr:
        """The value of this moment.

        Raises:
            MissingCredentialsError: If the variable is not set, or blank.
        """
        value = SecretStr(os.environ.get(self.name, "").strip())
        if not value.get_secret_value():
            raise MissingCredentialsError(
                f"The environment variable {self.name} is not set in this process, and EnvSecret({self.name!r}) reads "
                "its secret there at each use."
            )
        return value
