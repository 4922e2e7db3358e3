"""The pytest plugin: the fixture `gumloop_emulator`, and the server behind it.

Every pytest run that finds this distribution loads the plugin, so importing it must stay cheap: starlette and
uvicorn are imported when a test asks for the fixture.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gumloop_core.emulator.server import Emulator


@pytest.fixture(scope="session")
def gumloop_emulator_server() -> Iterator[Emulator]:
    """One running emulator for the session; with pytest-xdist, one for each worker."""
    with Emulator() as server:
        yield server


@pytest.fixture
def gumloop_emulator(gumloop_emulator_server: Emulator) -> Iterator[Emulator]:
    """A running emulator without requests, queued answers and totals of other tests."""
    gumloop_emulator_server.clear()
    yield gumloop_emulator_server
    gumloop_emulator_server.clear()
