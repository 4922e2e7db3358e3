"""Slots on an actor of a Ray cluster."""

from __future__ import annotations

import time
from typing import Any, cast

from gumloop_core.concurrency.shared.messages import Message, Reply
from gumloop_core.concurrency.shared.slots import SharedSlots
from gumloop_core.errors import ConfigurationError, LimitsUnavailableError

START_SECONDS = 30.0
"""How long the actor may take to start."""

MOST_ACCOUNTS = 10_000
"""Accounts that the actor keeps; beyond that, the oldest without a call in flight goes."""

ANSWER_SECONDS = 5.0
"""How long it may take to answer."""


class SlotsActor:
    """Keeps the slots of all accounts of a cluster. Its methods are called one at a time."""

    def __init__(self) -> None:
        self._slots: dict[str, SharedSlots] = {}

    def exchange(self, account: str, message: Message) -> Reply:
        """Take part in an account's slots."""
        slots = self._slots.get(account)
        if slots is None:
            if len(self._slots) >= MOST_ACCOUNTS:
                idle = next((name for name, kept in self._slots.items() if not kept.bound.in_flight), None)
                self._slots.pop(idle or account, None)
            slots = self._slots[account] = SharedSlots()
        return slots.exchange(message, time.monotonic())


class RayStore:
    """Keeps slots on an actor; see :class:`gumloop_core.concurrency.shared.messages.Store`.

    Args:
        name: The actor's name.
        namespace: Its namespace.

    Raises:
        ConfigurationError: If the package is missing.
    """

    def __init__(self, name: str, namespace: str) -> None:
        try:
            import ray
        except ImportError:
            raise ConfigurationError("RayLimits needs the package ray: pip install 'gumloop-llms[ray]'") from None
        self._ray: Any = ray
        self._name = name
        self._namespace = namespace
        self._actor: Any = None

    def exchange(self, account: str, message: Message) -> Reply:
        """Take part in an account's slots."""
        ray = self._ray
        if not ray.is_initialized():
            raise ConfigurationError("RayLimits needs a cluster: call ray.init() before the first call of a model.")
        seconds = ANSWER_SECONDS if self._actor is not None else START_SECONDS
        try:
            if self._actor is None:
                self._actor = self._found()
            return cast("Reply", ray.get(self._actor.exchange.remote(account, message), timeout=seconds))
        except (ray.exceptions.RayError, ConnectionError) as error:
            self._actor = None
            failure = LimitsUnavailableError(
                f"No slot could be asked for, for the actor {self._name!r} in the namespace {self._namespace!r} of Ray "
                f"cannot be reached ({type(error).__name__}). Nothing was sent. Does the cluster run?"
            )
        raise failure

    def _found(self) -> Any:
        options = {
            "name": self._name,
            "namespace": self._namespace,
            "get_if_exists": True,
            "lifetime": "detached",
            "max_restarts": -1,
            "num_cpus": 0,
        }
        return self._ray.remote(SlotsActor).options(**options).remote()
