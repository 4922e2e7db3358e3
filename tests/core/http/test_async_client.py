"""What only the asynchronous client does; all that both do is in `test_client.py`."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from gumloop_core import Credentials
from gumloop_core.errors import (
    ConfigurationError,
)
from tests.support.byte_server import ByteServer
from tests.support.core_driver import AsyncCore, settings_for
from tests.support.http_bytes import completion, whole


def test_an_asynchronous_token_source() -> None:
    async def fetch() -> str:
        await asyncio.sleep(0)
        return "fetched"

    with ByteServer(whole(completion())) as server:
        driver = AsyncCore(settings_for(server.base_url, credentials=Credentials(access_token=fetch)))
        driver.complete()
        driver.stop()
        assert server.requests[0].headers["authorization"] == "Bearer fetched"


def test_an_async_client_of_another_event_loop_is_named() -> None:
    with ByteServer(whole(completion())) as server:
        http_client = httpx.AsyncClient()
        first = AsyncCore(settings_for(server.base_url), http_client)
        first.complete()
        first.loop.close()
        second = AsyncCore(settings_for(server.base_url), http_client)
        with pytest.raises(ConfigurationError, match="another event loop"):
            second.complete()
        second.loop.close()
