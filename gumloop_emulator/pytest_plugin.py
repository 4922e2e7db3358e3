"""The fixture `gumloop_emulator`; a conftest asks for it by `pytest_plugins = ["gumloop_emulator.pytest_plugin"]`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from gumloop_emulator.server import Emulator


@pytest.fixture(scope="session")
def gumloop_emulator_server() -> Iterator[Emulator]:
    """One running emulator for the session; with pytest-xdist, one for each worker."""
    from gumloop_emulator.server import Emulator

    with Emulator() as server:
        yield server


@pytest.fixture
def gumloop_emulator(gumloop_emulator_server: Emulator) -> Iterator[Emulator]:
    """A running emulator without requests, scripts, recordings and totals of other tests."""
    gumloop_emulator_server.clear()
    yield gumloop_emulator_server
    gumloop_emulator_server.clear()
