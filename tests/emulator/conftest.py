"""A shorter name for the package's own fixture, and an end for what other makers' clients leave behind."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator

import pytest

from gumloop_emulator import Emulator


@pytest.fixture
def server(gumloop_emulator: Emulator) -> Emulator:
    return gumloop_emulator


@pytest.fixture(scope="module", autouse=True)
def nothing_left_to_others() -> Iterator[None]:
    """Collect what a module's clients leave, quietly.

    The vendor's SDK and openai's leave a stream's response unread behind ``[DONE]``. Its generators fail when they are
    collected after their event loop, in whatever test runs then.
    """
    yield
    hook = sys.unraisablehook
    sys.unraisablehook = lambda _: None
    try:
        gc.collect()
    finally:
        sys.unraisablehook = hook
