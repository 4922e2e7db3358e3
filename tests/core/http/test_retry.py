"""What is tried again, and when."""

from __future__ import annotations

import math
from typing import Any

import pytest

from gumloop_core.errors import (
    APIConnectionError,
    APITimeoutError,
    ConfigurationError,
    GumloopError,
    InvalidResponseError,
    ProviderError,
    StreamError,
    UnexpectedError,
)
from gumloop_core.http import retry
from gumloop_core.http.retry import is_retryable, pause_before_retry
from gumloop_core.reading.status_errors import status_error


@pytest.fixture(autouse=True)
def real_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_PAUSE", 0.5)


@pytest.mark.parametrize("status", range(400, 600))
def test_statuses(status: int) -> None:
    error = status_error(status, {"error": {"message": "x"}})
    assert is_retryable(error) is (status in {408, 409, 429} or (status >= 500 and status != 501))


@pytest.mark.parametrize("status", [429, 500, 502, 520, 524, 529, 530, 599, 402, 501])
def test_the_status_that_an_error_inside_an_answer_names(status: int) -> None:
    for code in (status, str(status)):
        error = status_error(200, {"error": {"code": code, "message": "x"}})
        assert is_retryable(error) is (status not in (402, 501))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"error": {"message": "Provider returned error"}}, True),
        ({"error": "busy"}, True),
        ({"error": {"code": "some_code", "message": "x"}}, True),
        ({"error": {"code": "invalid_request_error", "message": "x"}}, False),
        ({"error": {"message": "prompt is too long: 9 tokens > 8 maximum"}}, False),
    ],
)
def test_an_error_inside_an_answer_that_names_no_status(body: dict[str, Any], expected: bool) -> None:
    assert is_retryable(status_error(200, body)) is expected


def test_a_finish_reason_of_error() -> None:
    """Gemini's MALFORMED_FUNCTION_CALL, which the next attempt seldom repeats."""
    assert is_retryable(ProviderError("x", status_code=200))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (APIConnectionError("x"), True),
        (APITimeoutError("x"), True),
        (StreamError("x"), False),
        (InvalidResponseError("x"), False),
        (ConfigurationError("x"), False),
        (UnexpectedError("x"), False),
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


@pytest.mark.parametrize(("asked", "least"), [(0.0, 0.25), (0.3, 0.3), (3.0, 3.0), (3600.0, 60.0), (math.inf, 60.0)])
def test_a_wish_of_the_server_is_honoured_up_to_a_minute(asked: float, least: float) -> None:
    """Never sooner than our own backoff either, and not all at one instant."""
    error = status_error(429, {"error": {"message": "x"}}, retry_after=asked)
    pauses = [pause_before_retry(error, 1, 2) or 0.0 for _ in range(60)]
    assert all(least <= pause <= max(0.5, least) + 0.5 for pause in pauses)
    assert max(pauses) - min(pauses) > 0.1
    assert len(set(pauses)) == 60


def test_later_attempts_after_a_wish_spread_further() -> None:
    error = status_error(429, {"error": {"message": "x"}}, retry_after=1.0)
    pauses = [pause_before_retry(error, 4, 9) or 0.0 for _ in range(60)]
    assert all(2.0 <= pause <= 8.0 for pause in pauses)
