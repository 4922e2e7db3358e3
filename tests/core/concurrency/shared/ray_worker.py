"""What a worker of a Ray cluster does in the tests; a module that its process can import."""

from __future__ import annotations

from typing import Any

from gumloop_core import Credentials, GumloopClient, RayLimits
from tests.core.concurrency.shared.worker import call
from tests.support.core_driver import body, settings_for


class Worker:
    """Makes calls in a process of its own."""

    def call(self, base_url: str, limits: RayLimits, calls: int, cap: int | None) -> list[str]:
        return call(base_url, limits, calls, cap)

    def complete(self, client: GumloopClient) -> str:
        return str(client.complete(body()).text)


def client_of(base_url: str, limits: RayLimits, key: Any) -> GumloopClient:
    credentials = Credentials(api_key=key, user_id="user-1")
    return GumloopClient(settings_for(base_url, limits=limits, max_concurrency=2, credentials=credentials))
