"""A secret that is named, not held."""

from __future__ import annotations

import os
from dataclasses import dataclass

from pydantic import SecretStr

from gumloop_core.errors import ConfigurationError, MissingCredentialsError


@dataclass(frozen=True)
class EnvSecret:
    """A secret in an environment variable, read at each use. Other processes get the name, and read their own value.

    Args:
        name: The variable's.

    Raises:
        ConfigurationError: If that is no name.
    """

    name: str

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip() or "=" in self.name or "\0" in self.name:
            # Not shown: where a name is wrong, it may be the secret itself.
            raise ConfigurationError('EnvSecret takes the name of an environment variable: EnvSecret("GUMLOOP_KEY").')

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
