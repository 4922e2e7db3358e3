"""What the tests for secrets share."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest

from gumloop_core.http import rest_of_body, retry
from tests.security.shown import KEY


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry at once."""
    monkeypatch.setattr(retry, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(retry, "LONGEST_RETRY_AFTER", 0.002)
    monkeypatch.setattr(rest_of_body, "LONGEST_SECONDS", 0.05)


@pytest.fixture(autouse=True)
def debug_logs(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Everything is logged, at the finest level, and nothing of it may show the key."""
    with caplog.at_level(logging.DEBUG):
        yield
    for record in caplog.records:
        if KEY in record.getMessage() or KEY in repr(vars(record)):
            pytest.fail("the key was logged by " + record.name)


@pytest.fixture
def environment_key(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Put the key into the environment."""
    return lambda: monkeypatch.setenv("GUMLOOP_API_KEY", KEY)
