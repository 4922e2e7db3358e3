"""What lets calls in: the interface of a limiter, and what a call shows it."""

from __future__ import annotations

import itertools
from typing import Any, Protocol

MOST_REFUSALS = 200
"""How often a call may be refused for lack of room before it fails, whatever others get through."""

_numbers = itertools.count()


class Ticket:
    """A call's place in the line. It keeps it when it is refused, so that those that came later do not overtake.

    Args:
        cap: How many calls of the account may be in flight, by the caller's word; ``None`` to learn it.
        timeout: Seconds that may be waited for a slot, each time; ``None`` for no limit.
        is_stream: Whether the caller has the slot in hand while it does other things.

    Attributes:
        closed: An event that is set when the call's client is closed; ``None`` before its first attempt. Not the call
            itself, which has the ticket: what has each other stays until the collector comes, and a call has its body.
        number: Lower ones came earlier.
        is_urgent: Whether others wait for the call itself, so that it must not wait for them: it is made while a stream
            of the same account is being read, or blocks the event loop that others would go on in.
        slot: Not empty while the call is in flight. Who pops it has to give the slot back, and no other.
        refusals: How often it was refused.
        is_alone: Whether it was refused though none other of its account was in flight, and none had got through since
            it came, or was refused before. Waiting for the others has no point then.
    """

    __slots__ = (
        "__weakref__",
        "admitted",
        "cap",
        "closed",
        "holder",
        "is_alone",
        "is_stream",
        "is_urgent",
        "number",
        "refusals",
        "slot",
        "timeout",
    )

    def __init__(self, cap: int | None, timeout: float | None, *, is_stream: bool) -> None:
        self.number = next(_numbers)
        self.cap = cap
        self.timeout = timeout
        self.is_stream = is_stream
        self.closed: Any = None
        self.slot: list[object] = []
        self.refusals = 0
        self.is_alone = False
        self.is_urgent = False
        self.admitted = 0  # how many had got through when it came, or was refused before
        self.holder: Any = None  # the thread that has a stream's slot, or a weak reference to the task

    def took_slot(self, mark: object = None) -> bool:
        """Whether it is now the caller's to give the slot back: of several that try, one may.

        Args:
            mark: What the slot was marked with.
        """
        try:
            return self.slot.pop() is mark
        except IndexError:
            return False

    def is_ended(self) -> bool:
        """Whether the call was ended by closing its client."""
        return self.closed is not None and bool(self.closed.is_set())


NO_TICKET = Ticket(None, None, is_stream=False)
"""Of a call that no limiter lets in."""


class Limiter(Protocol):
    """Lets the calls of one account in, first come, first served. Asked from any thread and event loop."""

    def acquire(self, ticket: Ticket) -> None:
        """Wait for a slot. Returns without one if the call was ended meanwhile.

        Raises:
            SlotTimeoutError: If the ticket's time is over.
        """

    async def aacquire(self, ticket: Ticket) -> None:
        """As :meth:`acquire`, in the running event loop."""

    def release(self, ticket: Ticket, *, is_admitted: bool) -> None:
        """Give a slot back. Does nothing if there is none. Never waits, and may run while objects are collected.

        Args:
            ticket: The call's.
            is_admitted: Whether the endpoint let it in.
        """

    def refused(self, ticket: Ticket, retry_after: float | None) -> None:
        """Give the slot of a call back that was refused for lack of room.

        Args:
            ticket: The call's; it says afterwards whether the call was alone.
            retry_after: Seconds that the endpoint asked to wait; all of the account wait.
        """

    def told_to_wait(self, seconds: float) -> None:
        """Let nobody in for that long."""

    def wake(self) -> None:
        """Have those that wait look whether their calls were ended."""
