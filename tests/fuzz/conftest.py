"""The models that all examples share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gumloop_core.concurrency import bound
from gumloop_core.http import retry
from tests.fuzz.roads import Roads


@pytest.fixture(scope="package", autouse=True)
def short_pauses() -> Iterator[None]:
    """Wait for nothing: many examples are refusals, and all come from one account."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retry, "FIRST_PAUSE", 0.001)
        patch.setattr(bound, "LONGEST_SETTLING", 0.0)
        yield


@pytest.fixture(scope="session")
def roads() -> Iterator[Roads]:
    """The roads of both adapters."""
    made = Roads()
    yield made
    made.close()
