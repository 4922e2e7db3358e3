"""What a process and the place that keeps the slots say to each other."""

from __future__ import annotations

from typing import Literal, NotRequired, Protocol, TypedDict


class Event(TypedDict):
    """Something that has happened to a call.

    ``kind``: it has ended, it was refused for lack of room, or the endpoint told all to wait. ``is_admitted`` is
    whether the endpoint let it in, ``cap`` its bound by the caller's word, ``seconds`` how long to wait, and ``at``
    when it was: on the process's clock, and in a message how many seconds ago.
    """

    kind: Literal["released", "refused", "told to wait"]
    is_admitted: bool
    cap: int | None
    seconds: float
    at: float


class Message(TypedDict):
    """What a process says about an account's slots. Nothing is wrong if it arrives twice, or its answer gets lost.

    ``holder`` names the process. ``number`` counts its messages; one that is sent again has its number again.
    ``in_flight`` is how many slots it has once the events are over, ``events`` is what has happened since the message
    before, ``wanted`` how many calls wait, ``cap`` the first one's bound, ``lease`` for how many seconds the slots are
    its own if it says no more.
    """

    holder: str
    number: int
    in_flight: int
    events: list[Event]
    wanted: int
    cap: int | None
    lease: float


class Reply(TypedDict):
    """The answer.

    ``granted`` calls may begin. ``seconds_to_room`` is when asking again has a point, ``None`` for whenever something
    happens; ``is_learning`` whether the bound is still looked for; ``others`` is how many slots other processes have,
    ``admitted`` how many calls the endpoint has let in; ``held_for`` for how many seconds nobody is let in, which an
    actor does not say that version 0.1.0 started.
    """

    granted: int
    seconds_to_room: float | None
    is_learning: bool
    others: int
    admitted: int
    held_for: NotRequired[float]


class Store(Protocol):
    """Where slots are kept. Asked by one thread of each process."""

    def exchange(self, account: str, message: Message) -> Reply:
        """Take part in an account's slots.

        Raises:
            LimitsUnavailableError: If the place cannot be reached. Whether the message has arrived is not known then.
            ConfigurationError: If it will never be reached like this.
        """
