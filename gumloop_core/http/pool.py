"""What the pools share: which connections are idle, which are in use, and who uses them. No I/O.

A pool is a stack of connections, and a request leases one; those of httpx are clients with one connection each. In a
single client, httpx looks through all connections when a request begins and when it ends, asks the operating system
about every idle one, and closes connections as soon as there are more than may be idle, though most are busy: with
hundreds of streams, that comes to cost more than the requests.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, Protocol, TypeAlias, TypeVar
from weakref import WeakKeyDictionary

from gumloop_core.http.road import Roads
from gumloop_core.http.settings import Road

IDLE_CONNECTIONS = 100
"""Connections to one origin that are kept open for later requests. Those in use are not limited: a thousand streams
must not wait for each other. The vendor caps concurrency by plan and says so with 429."""

IDLE_SECONDS = 30.0
"""How long a connection is kept."""

PoolKey: TypeAlias = tuple[str, bytes, Road]
"""What a connection can be used again for: requests to this scheme and host, on this road."""

AnyConnection = TypeVar("AnyConnection", bound="Connection")
AnyEvent = TypeVar("AnyEvent", bound="Event")
AnyLease = TypeVar("AnyLease", bound="Lease[Any]")


class Event(Protocol):
    """An event of ``threading`` or ``asyncio``."""

    def set(self) -> None:
        """Say that it has happened."""


class Connection(Protocol):
    """What sends one request at a time to one origin."""

    @property
    def is_open(self) -> bool:
        """Whether another request can be sent without connecting first, as far as is known; never once it was ended."""


class Lease(Generic[AnyConnection]):
    """A connection that is in use for one request of a user."""

    def __init__(
        self, pool: Pool[AnyConnection, Any, Any], user: object, key: PoolKey, connection: AnyConnection
    ) -> None:
        self.connection = connection
        self.user = user
        self.key = key
        self._pool = pool


class Pool(ABC, Generic[AnyConnection, AnyEvent, AnyLease]):
    """Connections in use or idle, and their users. Takes no lock: a generator's end may run at any time, in any thread.

    Args:
        make_event: Makes the event of a user.
        make_lease: Makes a lease: of this pool, by a user, of what is kept by this key, of this connection.

    Attributes:
        users: For each user an event that is set when it leaves; calls that are under way look at it.
    """

    def __init__(self, make_event: Callable[[], AnyEvent], make_lease: Callable[..., AnyLease]) -> None:
        self._make_event = make_event
        self._make_lease = make_lease
        self.connections: set[AnyConnection] = set()
        self.leases: set[AnyLease] = set()
        self.users: WeakKeyDictionary[object, AnyEvent] = WeakKeyDictionary()
        self.is_closed = False
        self.road = Roads().choose
        self._idle: dict[PoolKey, deque[tuple[float, AnyConnection]]] = {}

    @abstractmethod
    def make_connection(self, key: PoolKey) -> AnyConnection:
        """A new connection."""

    def join(self, user: object) -> AnyEvent:
        """Count in a user.

        Returns:
            Its event.
        """
        closed = self.users.get(user)
        if closed is None:
            closed = self.users[user] = self._make_event()
        return closed

    def leave(self, user: object) -> bool:
        """Set a user's event, and count it out.

        Returns:
            Whether it was the last one.
        """
        closed = self.users.pop(user, None)
        if closed is not None:
            closed.set()
        return not self.users

    def leases_of(self, user: object) -> list[AnyLease]:
        """What a user has leased."""
        return [lease for lease in list(self.leases) if lease.user is user]

    def acquire(self, user: object, key: PoolKey) -> AnyLease:
        """Lease a connection for one request: the one that has been idle for the shortest time, or a new one."""
        try:
            connection = self._idle[key].pop()[1]
            while not connection.is_open:  # the server has closed it meanwhile
                self.connections.discard(connection)
                connection = self._idle[key].pop()[1]
        except LookupError:
            connection = self.make_connection(key)
            self.connections.add(connection)
        lease = self._make_lease(self, user, key, connection)
        self.leases.add(lease)
        return lease

    def release(self, lease: AnyLease) -> list[AnyConnection]:
        """End a lease. Its connection is idle then, unless its request was ended or the pool is closed.

        Returns:
            Connections that are not kept: it, or those that have been idle too long or are too many; the caller closes
            them.
        """
        connection = lease.connection
        self.leases.discard(lease)
        if not connection.is_open:
            self.connections.discard(connection)
            return [connection]
        now = time.monotonic()
        self._idle.setdefault(lease.key, deque()).append((now, connection))
        if self.is_closed:  # only now: another thread may close it at any time
            return self.close_idle()
        surplus: list[AnyConnection] = []
        try:
            for idle in list(self._idle.values()):
                while len(idle) > IDLE_CONNECTIONS or (idle and idle[0][0] < now - IDLE_SECONDS):
                    surplus.append(idle.popleft()[1])
        except IndexError:
            pass  # another thread took the last one in between
        self.connections.difference_update(surplus)
        return surplus

    def close_idle(self) -> list[AnyConnection]:
        """Keep no connection from now on.

        Returns:
            The connections that were idle; the caller closes them. Those in use are closed when they are released.
        """
        self.is_closed = True
        closed: list[AnyConnection] = []
        for idle in list(self._idle.values()):
            with suppress(IndexError):
                while True:
                    closed.append(idle.pop()[1])
        self.connections.difference_update(closed)
        return closed
