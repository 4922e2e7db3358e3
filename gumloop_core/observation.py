"""Being told of each call: what was asked for, what came of it, what it took.

:func:`observed_by` sets an observer for all chat completions that begin inside it, through either adapter or the
clients themselves, synchronous or not, streamed or not. Where nobody observes, a call asks for the observers once and
does nothing more.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol

from gumloop_core.answer import Usage
from gumloop_core.errors import GumloopError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CallRecord:
    """What came of one call.

    Attributes:
        model: The model that was asked for.
        answered_by: The model that the answer names; ``None`` where it named none.
        answer_id: The server's id of the answer; ``None`` where it gave none.
        usage: Token counts and cost, also of an answer that is not whole; ``None`` where none had come. Most servers
            send them at the end, so a stream that was closed has them rarely, although it is paid for.
        attempts: Requests that were tried. 0 where the call ended before the first.
        seconds: From the beginning of the call to its end. For a stream, the time that its reader took counts too.
        error: What the call raised; ``None`` for a whole answer, and for one that was ended from outside.
        is_whole: Whether the answer came whole. ``False`` beside an ``error`` of ``None`` means that the caller ended
            the call: the stream was closed or abandoned, the task cancelled, the program interrupted.
        usage_of_retried: Token counts and costs of attempts that failed and were repeated, where they told any: a
            provider that fails in the middle of an answer may count it. They are not in ``usage``.
        finish_reason: Why the answer ended, in the server's word; ``None`` where it did not say.
        seconds_to_first_piece: From the beginning of the call to the first piece of a stream, failed attempts
            included; ``None`` for a unary call, and where no piece came.
        options: The body that was asked with, without its messages: the cap on tokens, the tools, whether to stream.
    """

    model: str
    answered_by: str | None
    answer_id: str | None
    usage: Usage | None
    attempts: int
    seconds: float
    error: GumloopError | None
    is_whole: bool = True
    usage_of_retried: tuple[Usage, ...] = ()
    finish_reason: str | None = None
    seconds_to_first_piece: float | None = None
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)


class CallObserver(Protocol):
    """Is told of calls. Calls come from many threads and tasks at once, and its methods must not take long.

    One that has a method ``of_call()`` is asked for an observer of each call as the call is asked for, and that one is
    told in its place: for what must know where a call was made, and is told of its end elsewhere.

    An abandoned stream is reported when it is garbage collected, which can happen in any line of code: a lock that is
    held in ``after_call`` must be reentrant.
    """

    def before_call(self, model: str) -> None:
        """A call begins; nothing was sent yet.

        Args:
            model: The model that is asked for.

        Raises:
            GumloopError: To refuse the call. Nothing is sent and the error reaches the caller. Observers that were told
                before are told of its end, with this error and no attempts; the one that refused is not.
        """

    def after_call(self, record: CallRecord) -> None:
        """A call has ended. Comes once for each call that was not refused.

        What this raises is logged as an error and changes nothing for the caller: the answer was paid for.

        Args:
            record: What came of it.
        """


_OBSERVERS: ContextVar[tuple[CallObserver, ...]] = ContextVar("gumloop_observers", default=())


@contextmanager
def observed_by(observer: CallObserver) -> Iterator[None]:
    """Tell an observer of all calls that begin inside.

    Observers within each other are all told, outer ones first, each of them once for a call. Tasks that are made inside
    inherit it, threads where the context is copied for them: LangChain's ``batch`` and ``asyncio.to_thread`` do, a bare
    ``ThreadPoolExecutor`` does not. Who observes a stream is settled when it is asked for; they are told when its first
    piece is.

    Args:
        observer: Whom to tell.
    """
    _OBSERVERS.set((*_OBSERVERS.get(), observer))
    try:
        yield
    finally:
        # Not by the token of set(): whoever leaves in another context than it entered may not use it.
        left = list(_OBSERVERS.get())
        for place in range(len(left) - 1, -1, -1):
            if left[place] is observer:
                del left[place]
                break
        _OBSERVERS.set(tuple(left))


def current_observers(more: Sequence[CallObserver] = ()) -> tuple[CallObserver, ...]:
    """Who is to be told of a call that begins here, outer ones first, each of them once.

    Args:
        more: Further ones, of this call alone.
    """
    observers = _OBSERVERS.get()
    if more:
        observers = (*observers, *more)
    if len(observers) < 2:
        return observers
    return tuple({id(observer): observer for observer in observers}.values())


def of_call(observers: tuple[CallObserver, ...]) -> tuple[CallObserver, ...]:
    """Who is to be told of one call: for an observer that makes one of each call, what it made."""
    return tuple(observer.of_call() if hasattr(observer, "of_call") else observer for observer in observers)


def tell(observers: tuple[CallObserver, ...], record: CallRecord) -> None:
    """Tell observers that a call has ended, each of them whatever the others raise."""
    for observer in observers:
        try:
            observer.after_call(record)
        except Exception:
            logger.exception("%s failed to take note of a call.", type(observer).__name__)
