"""Slots on a Redis server.

The state of an account is one value that is read, changed here and written back if nobody else has written meanwhile:
no lock that its holder could die with, and the rule is the same Python as everywhere. The time is the server's.
"""

from __future__ import annotations

import json
import random
import time
from hashlib import blake2b
from typing import Any
from uuid import uuid4

from gumloop_core.concurrency.shared.messages import Message, Reply
from gumloop_core.concurrency.shared.slots import SharedSlots, layout
from gumloop_core.errors import ConfigurationError, LimitsUnavailableError

SOCKET_SECONDS = 2.0
"""How long the server may take to answer."""

KEPT_SECONDS = 24 * 3600
"""How long the server keeps what was learned of an account, after the last call."""

MOST_TRIES = 50
"""How often a change is tried while others come first."""

_SCRIPT = """
local version = redis.call('HGET', KEYS[1], 'version') or '-'
if version == ARGV[1] then
  redis.call('HSET', KEYS[1], 'version', ARGV[2], 'state', ARGV[3])
  redis.call('EXPIRE', KEYS[1], ARGV[4])
  return {}
end
local now = redis.call('TIME')
return {version, redis.call('HGET', KEYS[1], 'state') or '', now[1], now[2]}
"""
"""Writes if the version is the one that was read, else reads."""


class RedisStore:
    """Keeps slots on a Redis server; see :class:`gumloop_core.concurrency.shared.messages.Store`.

    Args:
        url: The server's address.
        prefix: What the keys begin with.

    Raises:
        ConfigurationError: If the package is missing or the address makes no sense.
    """

    def __init__(self, url: str, prefix: str) -> None:
        try:
            import redis
            from redis.backoff import NoBackoff
            from redis.retry import Retry
        except ImportError:
            raise ConfigurationError("RedisLimits needs the package redis: pip install 'gumloop-llms[redis]'") from None
        self._failures = (redis.RedisError, OSError)
        self._refusals = (redis.AuthenticationError, redis.exceptions.NoPermissionError)
        try:
            client = redis.Redis.from_url(
                url,
                socket_timeout=SOCKET_SECONDS,
                socket_connect_timeout=SOCKET_SECONDS,
                retry=Retry(NoBackoff(), 1),  # a connection that has gone stale
            )
        except (ValueError, TypeError):  # its words may show the password
            client = None
        if client is None:
            raise ConfigurationError("The url of RedisLimits makes no sense: it is like redis://host:6379/0.")
        self._script: Any = client.register_script(_SCRIPT)
        self._prefix = prefix
        self._layout = blake2b(layout().encode(), digest_size=4).hexdigest()

    def exchange(self, account: str, message: Message) -> Reply:
        """Take part in an account's slots."""
        try:
            return self._exchanged(f"{self._prefix}{account}:{self._layout}", message)
        except self._refusals as error:
            failure: Exception = ConfigurationError(f"Redis does not let us in, as RedisLimits says: {error}")
        except self._failures as error:
            failure = LimitsUnavailableError(
                f"No slot could be asked for, for Redis cannot be reached ({type(error).__name__}: {error}). Nothing "
                "was sent. Is the url of RedisLimits right, and does the server run?"
            )
        raise failure

    def _exchanged(self, key: str, message: Message) -> Reply:
        kept = int(max(KEPT_SECONDS, 2 * message["lease"]))
        read = self._script(keys=[key], args=[""])
        for tries in range(MOST_TRIES):
            version, state, seconds, microseconds = read
            slots = SharedSlots.load(json.loads(state)) if state else SharedSlots()
            reply = slots.exchange(message, int(seconds) + int(microseconds) / 1e6)
            written = json.dumps(slots.dump(), separators=(",", ":"))
            read = self._script(keys=[key], args=[version, uuid4().hex, written, kept])
            if not read:
                return reply
            if tries:
                time.sleep(random.uniform(0.0, 0.001 * tries))  # noqa: S311 - whoever was late once is not again
                read = self._script(keys=[key], args=[""])
        raise LimitsUnavailableError("No slot could be asked for: too many processes write to Redis at once.")
