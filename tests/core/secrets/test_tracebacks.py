"""Frames that could show a secret are dropped, and the callers' are kept."""

from __future__ import annotations

import httpcore
import httpx

from gumloop_core.secrets.tracebacks import forget_frames


def _frames(error: BaseException | None) -> int:
    count = 0
    traceback = error.__traceback__ if error is not None else None
    while traceback is not None:
        traceback, count = traceback.tb_next, count + 1
    return count


def test_frames_of_the_http_library_are_dropped_and_the_callers_are_kept() -> None:
    try:
        try:
            raise LookupError("the caller's")
        except LookupError:
            httpx.Client(transport=httpx.HTTPTransport()).get("http://127.0.0.1:1/", timeout=1)
    except httpx.ConnectError as caught:
        error = caught
    below = error.__cause__
    assert isinstance(below, httpcore.ConnectError)
    callers: BaseException | None = error
    while callers is not None and not isinstance(callers, LookupError):
        callers = callers.__context__
    assert _frames(below) > 0
    before = _frames(callers)
    assert before > 0
    forget_frames(error)
    assert _frames(error) == _frames(below) == _frames(below.__cause__) == 0
    assert _frames(callers) == before
