"""The package's own fixture, and a shorter name for it."""

from __future__ import annotations

import pytest

from gumloop_emulator import Emulator
from gumloop_emulator.pytest_plugin import gumloop_emulator, gumloop_emulator_server  # noqa: F401 - they are fixtures


@pytest.fixture
def server(gumloop_emulator: Emulator) -> Emulator:  # noqa: F811
    return gumloop_emulator
