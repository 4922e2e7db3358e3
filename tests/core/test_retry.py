"""What is tried again, and when."""

from __future__ import annotations

import math

import pytest

from gumloop_core import retry
from gumloop_core.errors import (
    APIConnectionError,
    APITimeoutError,
    ConfigurationError,
    GumloopError,
    InvalidResponseError,
    StreamError,
    status_error,
)
from gumloop_core.retry import is_retryable, pause_before_retry, read_retry_after


@pytest.fixture(autouse=True)
def real_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_PAUSE", 0.5)


@pytest.mark.parametrize("status", range(400, 600))
def test_statuses(status: int) -> None:
    error = status_error(status, {"error": {"message": "x"}})
    assert is_retryable(error) is (status in {408, 409, 429, 500, 502, 503, 504})


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (APIConnectionError("x"), True),
        (APITimeoutError("x"), True),
        (StreamError("x"), False),
        (InvalidResponseError("x"), False),
        (ConfigurationError("x"), False),
        (GumloopError("x"), False),
    ],
)
def test_other_errors(error: GumloopError, expected: bool) -> None:
    assert is_retryable(error) is expected


def test_the_pause_doubles_with_jitter_and_ends() -> None:
    error = APIConnectionError("x")
    for attempt, longest in [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (5, 8.0), (6, 8.0), (2000, 8.0)]:
        pauses = {pause_before_retry(error, attempt, 5000) for _ in range(50)}
        assert len(pauses) > 1
        assert all(pause is not None and longest / 2 <= pause <= longest for pause in pauses)
    assert pause_before_retry(error, 3, 2) is None
    assert pause_before_retry(error, 1, 0) is None
    assert pause_before_retry(StreamError("x"), 1, 2) is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        (" 1.5 ", 1.5),
        ("-3", 0.0),
        ("1e400", math.inf),
        ("nan", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("Wed, 21 Oct 2015 07:28:10 GMT", 10.0),
        ("Wed, 21 Oct 2015 07:27:00 GMT", 0.0),
        ("Wed, 21 Oct 2015 07:28:10 -0000", 10.0),
        ("Wednesday, 21-Oct-15 07:28:10 GMT", 10.0),
        ("Wed Oct 21 07:28:10 2015", 10.0),
        ("Wed, 99 Oct 2015 07:28:10 GMT", None),
        ("Wed, 21 Oct 99999 07:28:10 GMT", None),
        ("Wed, 21 Oct 0001 07:28:10 GMT", 0.0),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert read_retry_after(header, now=1445412480.0) == seconds


@pytest.mark.parametrize(("asked", "pause"), [(0.0, 0.0), (3.0, 3.0), (3600.0, 60.0), (math.inf, 60.0)])
def test_a_wish_of_the_server_is_honoured_up_to_a_minute(asked: float, pause: float) -> None:
    error = status_error(429, {"error": {"message": "x"}}, retry_after=asked)
    assert pause_before_retry(error, 1, 2) == pause
