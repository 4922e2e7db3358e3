"""Keep credentials out of tracebacks.

The frames of the HTTP library have the request's headers among their variables, and error reporters, ``rich`` and
``pytest --showlocals`` print variables.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import FrameType, GetSetDescriptorType, MemberDescriptorType, TracebackType
from typing import Any

from gumloop_core.secrets.redaction import NO_SECRETS, Redactor

_WORDS = (str, bytes, bytearray, list, tuple, dict)
_SLOTS = (GetSetDescriptorType, MemberDescriptorType)  # where errors that are made in C, or have slots, keep theirs


def forget_frames(error: BaseException, redactor: Redactor = NO_SECRETS) -> bool:
    """Drop the frames of an error, of those that it groups, and of those that led to it.

    An error that the caller was handling when it called us is in the chain too; it is left alone.

    Args:
        error: The error.
        redactor: Takes the secrets out of the errors' words: the HTTP library repeats what it could not read. Of those
            that led to the error, one that keeps its words leaves the chain.

    Returns:
        Whether the error itself shows no secret now. Some keep their words: a group its message, for example.
    """
    reached: dict[int, BaseException] = {}
    pending: list[BaseException | None] = [error]
    while pending:
        current = pending.pop()
        if current is None or id(current) in reached:
            continue
        if current is not error and _is_the_callers(current.__traceback__):
            continue
        reached[id(current)] = current
        _forget(current, redactor)
        pending += [*_parts(current), current.__cause__, current.__context__]
    if redactor is NO_SECRETS:
        return True
    telling = {key for key, current in reached.items() if _shows_a_secret(current, redactor)}
    for _ in range(len(reached) if telling else 0):  # a group tells what its parts tell, however deep
        telling |= {key for key, current in reached.items() if not telling.isdisjoint(map(id, _parts(current)))}
    for current in reached.values() if telling else ():
        if id(current.__cause__) in telling:
            current.__cause__ = None
        if id(current.__context__) in telling:
            current.__context__ = None
    return id(error) not in telling


def cut_below(error: BaseException) -> None:
    """Drop the frames below the one that catches an interruption which is to be raised again."""
    if error.__traceback__ is not None:
        error.__traceback__.tb_next = None
    for chained in (*_parts(error), error.__cause__, error.__context__):
        if chained is not None and not _is_the_callers(chained.__traceback__):
            forget_frames(chained)


def _forget(error: BaseException, redactor: Redactor) -> None:
    error.__traceback__ = None
    _forget_request(error)
    if redactor is NO_SECRETS:
        return
    for name, value in _attributes(error):
        if isinstance(value, _WORDS):
            _replace(error, name, redactor, value)


def _attributes(error: BaseException) -> list[tuple[str, Any]]:
    """What an error holds: the notes are among it, a JSONDecodeError's document, and the file of an OSError."""
    names = {"args", *getattr(error, "__dict__", ())}
    for kind in type(error).__mro__:
        names.update(name for name, value in vars(kind).items() if isinstance(value, _SLOTS) and name[:2] != "__")
    found = []
    for name in sorted(names):
        with suppress(Exception):
            found.append((name, getattr(error, name)))
    return found


def _shows_a_secret(error: BaseException, redactor: Redactor) -> bool:
    showing: list[tuple[Callable[[Any], str], Any]] = [(str, error), (repr, error), (repr, _attributes(error))]
    for show, shown_of in showing:
        with suppress(Exception):  # what cannot be shown tells nothing
            shown = show(shown_of)
            if redactor.text(shown) != shown:
                return True
    return False


def _replace(error: BaseException, name: str, redactor: Redactor, value: Any) -> None:
    try:
        shown = redactor.document(value)
    except RecursionError:  # it may hold itself
        shown = () if name == "args" else None
    with suppress(Exception):  # what a foreign error makes of this is its own
        setattr(error, name, shown)


def _forget_request(error: BaseException) -> None:
    """Replace the request that an error of httpx or httpx2 carries: it has the credentials among its headers."""
    for holder in (error, getattr(error, "response", None)):
        request: Any = getattr(holder, "_request", None)
        kind: Any = type(request)
        if kind.__module__.partition(".")[0] in ("httpx", "httpx2"):
            holder.request = kind(request.method, request.url)  # type: ignore[union-attr]


def _parts(error: BaseException) -> Iterable[BaseException]:
    """The errors of a group."""
    parts = getattr(error, "exceptions", ())  # of an ExceptionGroup, or what others make like one
    return [part for part in parts if isinstance(part, BaseException)] if isinstance(parts, (list, tuple)) else ()


def _is_the_callers(traceback: TracebackType | None) -> bool:
    """Whether an error was caught by a function that waits for us, and not by one that we have called.

    What we have called has ended: its frames are no longer on the stack.
    """
    if traceback is None:
        return False
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame is traceback.tb_frame:
            module: str = frame.f_globals.get("__name__", "")
            return module.partition(".")[0] != "gumloop_core"
        frame = frame.f_back
    return False
