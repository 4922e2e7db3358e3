"""Short pauses, so that the matrix counts attempts instead of waiting for them."""

from __future__ import annotations

import pytest

from gumloop_core.http import rest_of_body, retry


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry at once, whatever a server asks for; ``tests/core`` looks at the pauses themselves."""
    monkeypatch.setattr(retry, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(retry, "LONGEST_RETRY_AFTER", 0.002)
    monkeypatch.setattr(rest_of_body, "LONGEST_SECONDS", 0.05)
