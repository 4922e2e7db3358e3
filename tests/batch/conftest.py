"""Jobs over the emulator, in a folder of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from gumloop_core.http import retry
from gumloop_emulator import Emulator


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry at once."""
    monkeypatch.setattr(retry, "FIRST_PAUSE", 0.001)


@pytest.fixture
def server(gumloop_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """The emulator; models that are made without credentials find it by the environment."""
    for name, value in gumloop_emulator.environment().items():
        monkeypatch.setenv(name, value)
    return gumloop_emulator


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """A folder that is not there yet."""
    return tmp_path / "out"
