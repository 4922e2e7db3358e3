"""What the pools share: which connections are idle, which are in use, and who uses them. No I/O.

A pool is a stack of httpx clients with one connection each, and a request leases one. In a single client, httpx looks
through all connections when a request begins and when it ends, asks the operating system about every idle one, and
closes connections as soon as there are more than may be idle, though most are busy: with hundreds of streams, that
comes to cost more than the requests.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, Protocol, TypeAlias, TypeVar
from weakref import WeakKeyDictionary

import httpx

from gumloop_core.http.settings import AsyncTransportName
from gumloop_core.http.transport import Request

IDLE_CONNECTIONS = 100
"""Connections to one origin that are kept open for later requests. Those in use are not limited: a thousand streams
must not wait for each other. The vendor caps concurrency by plan and says so with 429."""

IDLE_SECONDS = 30.0
"""How long a connection is kept."""

ONE_CONNECTION = httpx.Limits(max_connections=None, max_keepalive_connections=1, keepalive_expiry=IDLE_SECONDS)
"""The limits of each client of a pool."""


class _NoCookies(httpx.Cookies):
    def extract_cookies(self, response: httpx.Response) -> None:
        """Keep none of a response's."""


_NO_COOKIES = _NoCookies()


class Cookieless(httpx.Client):
    """A client that keeps no cookies: a pool's are for all users, and looking for them costs 3 % of a call."""

    cookies = property(lambda self: _NO_COOKIES)  # httpx looks a client's up by this


class AsyncCookieless(httpx.AsyncClient):
    """The same, asynchronous."""

    cookies = property(lambda self: _NO_COOKIES)


PoolKey: TypeAlias = tuple[str, bytes, AsyncTransportName]
"""What a client can be used again for: requests to this scheme and host, to be sent by this."""

Client = TypeVar("Client")
AnyEvent = TypeVar("AnyEvent", bound="Event")
AnyLease = TypeVar("AnyLease", bound="Lease[Any]")


def httpx_request(request: Request, trace: Callable[..., Any]) -> httpx.Request:
    """A request for a client of a pool, which has no headers, cookies or parameters to add.

    Args:
        request: What is to be sent.
        trace: Is told how it goes, by httpx.
    """
    return httpx.Request(
        request.method,
        request.url,
        headers=request.headers,
        content=request.content,
        extensions={"timeout": request.timeouts, "trace": trace},
    )


class Event(Protocol):
    """An event of ``threading`` or ``asyncio``."""

    def set(self) -> None:
        """Say that it has happened."""


class Lease(Generic[Client]):
    """A client that is in use for one request of a user.

    Attributes:
        is_ended: Whether the request was ended by closing.
    """

    def __init__(self, pool: Pool[Client, Any, Any], user: object, key: PoolKey, client: Client) -> None:
        self.client = client
        self.user = user
        self.key = key
        self.is_ended = False
        self._pool = pool
        self._opening: Any = None  # of a connection that is not yet the client's: something to close it by


class Pool(ABC, Generic[Client, AnyEvent, AnyLease]):
    """Clients in use or idle, and their users. Takes no lock: a generator's end may run at any time, in any thread.

    Args:
        make_event: Makes the event of a user.
        make_lease: Makes a lease: of this pool, by a user, of what is kept by this key, of this client.

    Attributes:
        users: For each user an event that is set when it leaves; calls that are under way look at it.
    """

    def __init__(self, make_event: Callable[[], AnyEvent], make_lease: Callable[..., AnyLease]) -> None:
        self._make_event = make_event
        self._make_lease = make_lease
        self.clients: set[Client] = set()
        self.leases: set[AnyLease] = set()
        self.users: WeakKeyDictionary[object, AnyEvent] = WeakKeyDictionary()
        self.is_closed = False
        self._idle: dict[PoolKey, deque[tuple[float, Client]]] = {}

    @abstractmethod
    def make_client(self, key: PoolKey) -> Client:
        """A new client."""

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
        """Lease a client for one request: the one that has been idle for the shortest time, or a new one."""
        try:
            client = self._idle[key].pop()[1]
        except LookupError:
            client = self.make_client(key)
            self.clients.add(client)
        lease = self._make_lease(self, user, key, client)
        self.leases.add(lease)
        return lease

    def release(self, lease: AnyLease) -> list[Client]:
        """End a lease. Its client is idle then, unless its request was ended or the pool is closed.

        Returns:
            Clients that are not kept: it, or those that have been idle too long or are too many; the caller closes
            them.
        """
        client = lease.client
        self.leases.discard(lease)
        if lease.is_ended:
            self.clients.discard(client)
            return [client]
        now = time.monotonic()
        self._idle.setdefault(lease.key, deque()).append((now, client))
        if self.is_closed:  # only now: another thread may close it at any time
            return self.close_idle()
        surplus: list[Client] = []
        try:
            for idle in list(self._idle.values()):
                while len(idle) > IDLE_CONNECTIONS or (idle and idle[0][0] < now - IDLE_SECONDS):
                    surplus.append(idle.popleft()[1])
        except IndexError:
            pass  # another thread took the last one in between
        self.clients.difference_update(surplus)
        return surplus

    def close_idle(self) -> list[Client]:
        """Keep no client from now on.

        Returns:
            The clients that were idle; the caller closes them. Those in use are closed when they are released.
        """
        self.is_closed = True
        closed: list[Client] = []
        for idle in list(self._idle.values()):
            with suppress(IndexError):
                while True:
                    closed.append(idle.pop()[1])
        self.clients.difference_update(closed)
        return closed
