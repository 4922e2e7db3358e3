"""Where the slots of an account's calls are kept: in this process, or in one place for many."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from gumloop_core.errors import ConfigurationError, UnpicklableSecretError
from gumloop_core.json_text import is_finite_number
from gumloop_core.secrets.env_secret import EnvSecret

if TYPE_CHECKING:
    from gumloop_core.concurrency.limiter import Limiter
    from gumloop_core.concurrency.shared.messages import Store

DEFAULT_LEASE = 30.0
"""Seconds after which a process that has died loses its slots."""


@dataclass(frozen=True)
class Limits(ABC):
    """Where the slots are kept that several processes share. It can be compared and pickled."""

    lease: float = field(default=DEFAULT_LEASE, kw_only=True)

    def __post_init__(self) -> None:
        if not is_finite_number(self.lease) or self.lease <= 0:
            raise ConfigurationError(f"lease must be a positive number of seconds, not {self.lease!r}.")

    def __copy__(self) -> Self:
        return self  # nothing changes it

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    @abstractmethod
    def store(self) -> Store:
        """Make what asks for slots there."""

    def limiter(self, account: str) -> Limiter:
        """What lets an account's calls of this process in."""
        from gumloop_core.concurrency.shared.agent import shared_limiter

        return shared_limiter(self, self.store, self.lease, account)


@dataclass(frozen=True)
class RedisLimits(Limits):
    """Slots on a Redis server, for any processes that reach it. Needs the extra ``redis``.

    Args:
        url: The server's address, ``redis://host:6379/0`` or ``rediss://`` or ``unix://``; with a password in it, it
            does not travel to other processes: pass ``EnvSecret("REDIS_URL")`` then, which is read there.
        lease: Seconds after which a process that has died loses its slots. Those that live renew theirs three times
            as often.
        prefix: What the keys on the server begin with.

    Raises:
        ConfigurationError: If one is not what it should be.
    """

    url: str | EnvSecret = field(repr=False)
    prefix: str = "gumloop:slots:"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.url, EnvSecret) and not isinstance(self.url, str):
            raise ConfigurationError(f"url must be a text or an EnvSecret, not {type(self.url).__name__}.")
        if isinstance(self.url, str) and not self.url.startswith(("redis://", "rediss://", "unix://")):
            raise ConfigurationError("url must begin with redis://, rediss:// or unix://.")

    def __getstate__(self) -> dict[str, Any]:
        if isinstance(self.url, str) and (urlsplit(self.url).password or "password=" in self.url):
            raise UnpicklableSecretError(
                "The url of RedisLimits holds a password, and copies for other processes carry none. Put the url into "
                'an environment variable there, and pass RedisLimits(EnvSecret("REDIS_URL")).'
            )
        return self.__dict__

    def store(self) -> Store:
        """Make what asks for slots there."""
        from gumloop_core.concurrency.shared.redis_store import RedisStore

        url = self.url if isinstance(self.url, str) else self.url().get_secret_value()
        return RedisStore(url, self.prefix)


@dataclass(frozen=True)
class RayLimits(Limits):
    """Slots on an actor of the Ray cluster that the process is connected to. Needs the extra ``ray``.

    The first process that asks starts the actor. It is detached: what has been learned outlives the job.

    Args:
        name: The actor's.
        namespace: The actor's namespace in Ray; jobs that name the same one share the slots.
        lease: Seconds after which a process that has died loses its slots. Those that live renew theirs three times
            as often.

    Raises:
        ConfigurationError: If one is not what it should be.
    """

    name: str = "gumloop-slots"
    namespace: str = "gumloop"

    def store(self) -> Store:
        """Make what asks for slots there."""
        from gumloop_core.concurrency.shared.ray_store import RayStore

        return RayStore(self.name, self.namespace)
