"""Drivers for the core's two clients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gumloop_core.http import retry
from tests.support.byte_server import ByteServer
from tests.support.core_driver import (
    ALL_CLIENTS,
    PASSING,
    AsyncCore,
    CoreDriver,
    SyncCore,
    over_httpx,
    settings_for,
)

Connect = Callable[..., CoreDriver]


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry at once: the tests count attempts, they do not wait for them."""
    monkeypatch.setattr(retry, "FIRST_PAUSE", 0.001)


POOLED: dict[str, type[CoreDriver]] = {
    "sync": SyncCore,
    "async": AsyncCore,
    "sync-over-httpx": over_httpx(SyncCore),
    "async-over-httpx": over_httpx(AsyncCore),
}
KINDS = {**POOLED, **PASSING} if ALL_CLIENTS else POOLED


THE_POOLS = pytest.mark.parametrize("connect", POOLED.values(), ids=POOLED, indirect=True)
"""Is for what clients that are passed have not: environment variables, and an end."""


@pytest.fixture(params=KINDS.values(), ids=KINDS)
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    """Make a client for a server: ``connect(server, **settings)``."""
    made: list[CoreDriver] = []

    def connect(server: ByteServer | str, *, http_client: Any = None, **options: Any) -> CoreDriver:
        base_url = server if isinstance(server, str) else server.base_url
        driver: CoreDriver = request.param(settings_for(base_url, **options), http_client)
        made.append(driver)
        return driver

    yield connect
    for driver in made:
        driver.stop()
