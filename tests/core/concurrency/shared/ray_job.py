"""Shares slots on a Ray cluster that it starts here; run as a module, so that the test runner has no cluster in it.

Writes what came of it as JSON.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from typing import Any

import ray

from gumloop_core import Credentials, EnvSecret, GumloopClient, RayLimits
from tests.core.concurrency.shared.worker import call
from tests.support.busy_server import BusyServer
from tests.support.core_driver import body, settings_for

LONGEST = 40.0
"""Seconds after which a call of Ray's is held to hang."""


class Worker:
    """Makes calls in a process of its own."""

    def ready(self) -> bool:
        return True

    def call(self, base_url: str, limits: RayLimits, calls: int, cap: int | None) -> list[str]:
        return call(base_url, limits, calls, cap)

    def complete(self, client: GumloopClient) -> str:
        return str(client.complete(body()).text)


def client_of(base_url: str, limits: RayLimits, key: Any) -> GumloopClient:
    credentials = Credentials(api_key=key, user_id="user-1")
    return GumloopClient(settings_for(base_url, limits=limits, max_concurrency=2, credentials=credentials))


def main() -> None:
    os.environ["KEY_OF_A_TEST"] = "key-of-a-test"  # before Ray begins, whose workers have its environment
    said: dict[str, Any] = {}
    with BusyServer(0.02) as server:
        try:
            client_of(server.base_url, RayLimits(), "key").complete(body())
        except Exception as error:
            said["without a cluster"] = f"{type(error).__name__}: {error}"
    ray.init(
        num_cpus=1,
        include_dashboard=False,
        object_store_memory=80 << 20,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    one, other = (ray.remote(Worker).options(num_cpus=0).remote() for _ in range(2))
    ray.get([one.ready.remote(), other.ready.remote()], timeout=LONGEST)

    with BusyServer(0.02) as server:
        errors = [worker.call.remote(server.base_url, RayLimits(), 20, 3) for worker in (one, other)]
        said["shared"] = {
            "errors": ray.get(errors, timeout=LONGEST),
            "answered": server.answered,
            "most": server.most,
        }

    with BusyServer(0.0) as server:
        ray.kill(ray.get_actor("gumloop-slots", namespace="gumloop"))
        said["slots forgotten"] = ray.get(one.call.remote(server.base_url, RayLimits(), 2, 3), timeout=LONGEST)

    with BusyServer(60.0) as server:
        limits = RayLimits(lease=1.0)
        one.call.remote(server.base_url, limits, 2, 2)
        for _ in range(1000):
            if server.in_flight == 2:
                break
            time.sleep(0.01)
        ray.kill(one)
        server.seconds = 0.0
        client = client_of(server.base_url, limits, EnvSecret("KEY_OF_A_TEST"))
        said["after a worker's death"] = ray.get(other.complete.remote(client), timeout=LONGEST)
        said["keys"] = sorted({request.headers["authorization"] for request in server.requests})
    ray.shutdown()
    sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main()
