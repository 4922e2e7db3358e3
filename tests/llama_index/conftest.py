"""What the adapter's tests share: a server whose every received body is checked, and a model that talks to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gumloop_emulator import Emulator
from llama_index_gumloop import Gumloop
from tests.support.chat_requests import check_bodies

MakeLLM = Callable[..., Gumloop]


@pytest.fixture
def server(gumloop_emulator: Emulator) -> Iterator[Emulator]:
    """The emulator; every body it received must be a request in the eyes of the vendor's SDK."""
    yield gumloop_emulator
    check_bodies(gumloop_emulator)


@pytest.fixture
def make_llm(server: Emulator) -> MakeLLM:
    """Make a model for the server: ``make_llm(temperature=0.5)``."""

    def make(**options: Any) -> Gumloop:
        settings = {"model": "claude-sonnet-4-5", "max_retries": 0, "timeout": 10.0, **options}
        return Gumloop(api_key=server.api_key, user_id=server.user_id, base_url=server.base_url, **settings)

    return make


@pytest.fixture
def llm(make_llm: MakeLLM) -> Gumloop:
    """A model for the server."""
    return make_llm()
