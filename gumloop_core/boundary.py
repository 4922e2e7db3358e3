"""The line that only our own errors cross.

Whatever a call raises, foreseen or not, leaves the core and the adapters as a :class:`GumloopError`. What ends a call
from outside (``KeyboardInterrupt``, a cancellation, a generator that is closed) is no ``Exception`` and passes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from types import TracebackType

from gumloop_core.errors import GumloopError, UnexpectedError
from gumloop_core.secrets.redaction import NO_SECRETS, Redactor
from gumloop_core.secrets.tracebacks import forget_frames

_LONGEST_REASON = 500


class Boundary:
    """A context that only our own errors leave.

    Args:
        convert: Makes of an error the one to raise, an adapter's for example; ``None`` to raise it as it is.
    """

    __slots__ = ("_convert",)

    def __init__(self, convert: Callable[[GumloopError], GumloopError] | None = None) -> None:
        self._convert = convert

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not isinstance(error, Exception):
            return
        ours = error if isinstance(error, GumloopError) else unexpected(error)
        raised = ours if self._convert is None else self._convert(ours)
        if raised is not error:
            raise raised from ours.__cause__


def leaving(error: Exception, redactor: Redactor = NO_SECRETS) -> GumloopError:
    """The error that leaves the core for one that was raised within: ours, without its frames."""
    if not isinstance(error, GumloopError):
        return unexpected(error, redactor)
    forget_frames(error, redactor)
    return error


def unexpected(error: Exception, redactor: Redactor = NO_SECRETS) -> UnexpectedError:
    """The error to raise for one that nobody foresaw.

    Args:
        error: What was raised. It becomes the cause, without its frames: their variables may hold a key. One whose
            words hold a key and cannot be changed does not.
        redactor: Takes the secrets out of its words.
    """
    place = _place_of(error.__traceback__)
    is_clean = forget_frames(error, redactor)
    reason = redactor.text(words_of(error))[:_LONGEST_REASON]
    made = UnexpectedError(
        f"Something went wrong that was not foreseen: {type(error).__name__}: {reason} ({place}). "
        "It is worth a report, with this line."
    )
    made.__cause__ = error if is_clean else None
    return made


def words_of(error: Exception) -> str:
    """What an error says; nothing where it fails to."""
    try:
        return str(error)
    except Exception:
        return ""


def _place_of(traceback: TracebackType | None) -> str:
    """File and line of the innermost frame, as the frames themselves are not kept."""
    place = "no place is known"
    while traceback is not None:
        code = traceback.tb_frame.f_code
        place = f"{os.path.basename(code.co_filename)}:{traceback.tb_lineno}, in {code.co_name}"
        traceback = traceback.tb_next
    return place
