"""A model that talks to the emulator, and a check of every body that it sends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gumloop_core.http import retry
from gumloop_emulator import Emulator
from langchain_gumloop import ChatGumloop
from tests.support.chat_requests import check_bodies

MakeModel = Callable[..., ChatGumloop]


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry at once."""
    monkeypatch.setattr(retry, "FIRST_PAUSE", 0.001)


@pytest.fixture
def server(gumloop_emulator: Emulator) -> Iterator[Emulator]:
    """The emulator; what it was sent must fit the request model of the vendor's SDK."""
    yield gumloop_emulator
    check_bodies(gumloop_emulator)


@pytest.fixture
def chat(server: Emulator) -> MakeModel:
    """Make a model for the emulator: ``chat(temperature=0)``."""

    def make(model: str = "claude-sonnet-4-5", **fields: Any) -> ChatGumloop:
        connection = {"api_key": server.api_key, "user_id": server.user_id, "base_url": server.base_url}
        return ChatGumloop(model=model, **{**connection, **fields})

    return make
