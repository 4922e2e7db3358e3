"""A shorter name for the package's own fixture."""

from __future__ import annotations

import pytest

from gumloop_emulator import Emulator


@pytest.fixture
def server(gumloop_emulator: Emulator) -> Emulator:
    return gumloop_emulator
