"""Keep credentials out of tracebacks.

The frames of the HTTP library have the request's headers among their variables, and error reporters, ``rich`` and
``pytest --showlocals`` print variables.
"""

from __future__ import annotations

from types import TracebackType

from gumloop_core.redaction import NO_SECRETS, Redactor

_BELOW_US = frozenset(
    {"gumloop_core", "httpx", "httpcore", "h11", "aiohttp", "anyio", "asyncio", "ssl", "socket", "contextlib"}
)


def forget_frames(error: BaseException, redactor: Redactor = NO_SECRETS) -> None:
    """Drop the frames of an error and of the errors of the HTTP library that led to it.

    An error that the caller was handling when it called us is in the chain too; it is left alone.

    Args:
        error: The error.
        redactor: Takes the secrets out of the errors' words: the HTTP library repeats what it could not read.
    """
    error.__traceback__ = None
    seen = {id(error)}
    pending = [error.__cause__, error.__context__]
    error.args = tuple(map(redactor.document, error.args))
    while pending:
        current = pending.pop()
        if current is None or id(current) in seen or not _is_from_below(current.__traceback__):
            continue
        seen.add(id(current))
        current.__traceback__ = None
        current.args = tuple(map(redactor.document, current.args))
        pending += [current.__cause__, current.__context__]


def cut_below(error: BaseException) -> None:
    """Drop the frames below the one that catches an interruption which is to be raised again."""
    if error.__traceback__ is not None:
        error.__traceback__.tb_next = None
    for chained in (error.__cause__, error.__context__):
        if chained is not None and _is_from_below(chained.__traceback__):
            forget_frames(chained)


def _is_from_below(traceback: TracebackType | None) -> bool:
    if traceback is None:
        return True
    module: str = traceback.tb_frame.f_globals.get("__name__", "")
    return module.partition(".")[0] in _BELOW_US
