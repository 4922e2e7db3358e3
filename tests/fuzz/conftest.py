"""The models that all examples share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fuzz.roads import Roads


@pytest.fixture(scope="session")
def roads() -> Iterator[Roads]:
    """The roads of both adapters."""
    made = Roads()
    yield made
    made.close()
