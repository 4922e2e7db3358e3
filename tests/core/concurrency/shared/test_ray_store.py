"""Slots on a real Ray cluster of this machine, among its workers."""

from __future__ import annotations

import importlib.util
import logging
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from gumloop_core import EnvSecret, RayLimits
from gumloop_core.concurrency.shared.ray_store import RayStore
from gumloop_core.errors import ConfigurationError
from tests.core.concurrency.shared.processes import ROOT
from tests.core.concurrency.shared.ray_worker import Worker, client_of
from tests.support.busy_server import BusyServer
from tests.support.core_driver import KEY, body
from tests.support.http_bytes import TEXT

LONGEST = 40.0
"""Seconds after which a call of Ray's is held to hang."""

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="needs Ray, which has no build for this Python here"
)
pytestmark = pytest.mark.timeout(180)  # starting Ray takes half a minute on a busy machine


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A cluster whose processes find the tests, and a key in their environment."""
    import ray

    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "KEY_OF_A_TEST": "key-of-a-test",
            "PYTHONPATH": str(ROOT),
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
        }.items():
            patch.setenv(name, value)
        ray.init(
            num_cpus=1,
            include_dashboard=False,
            object_store_memory=80 << 20,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
        yield ray
        ray.shutdown()


def worker(ray: Any) -> Any:
    """A worker of the cluster; it ends with its last handle."""
    return ray.remote(Worker).options(num_cpus=0).remote()


@needs_ray
def test_limits_need_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    monkeypatch.setattr(ray, "is_initialized", lambda: False)  # another test's cluster may be there
    with (
        BusyServer(0.02) as server,
        pytest.raises(ConfigurationError, match=r"RayLimits needs a cluster: call ray\.init\(\)"),
    ):
        client_of(server.base_url, RayLimits(), "key").complete(body())


@needs_ray
def test_workers_of_a_cluster_share_the_slots(cluster: Any) -> None:
    workers = worker(cluster), worker(cluster)
    with BusyServer(0.02) as server:
        errors = [each.call.remote(server.base_url, RayLimits(), 20, 3) for each in workers]
        assert cluster.get(errors, timeout=LONGEST) == [[], []]
        assert server.answered == 40
        assert 1 < server.most <= 3


@needs_ray
def test_slots_that_are_forgotten_are_begun_anew(cluster: Any) -> None:
    one = worker(cluster)
    with BusyServer(0.0) as server:
        assert cluster.get(one.call.remote(server.base_url, RayLimits(), 2, 3), timeout=LONGEST) == []
        cluster.kill(cluster.get_actor("gumloop-slots", namespace="gumloop"))
        assert cluster.get(one.call.remote(server.base_url, RayLimits(), 2, 3), timeout=LONGEST) == []


@needs_ray
def test_slots_of_a_killed_worker_come_back_with_its_lease(cluster: Any) -> None:
    one, other = worker(cluster), worker(cluster)
    with BusyServer(60.0) as server:
        limits = RayLimits(lease=1.0)
        one.call.remote(server.base_url, limits, 2, 2)
        end = time.monotonic() + LONGEST
        while server.in_flight < 2:
            assert time.monotonic() < end, "it did not come to that"
            time.sleep(0.01)
        cluster.kill(one)
        server.seconds = 0.0
        client = client_of(server.base_url, limits, EnvSecret("KEY_OF_A_TEST"))
        assert cluster.get(other.complete.remote(client), timeout=LONGEST) == TEXT
        keys = {request.headers["authorization"] for request in server.requests}
    assert keys == {f"Bearer {KEY}", "Bearer key-of-a-test"}


def test_the_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    modules: dict[str, Any] = sys.modules
    monkeypatch.setitem(modules, "ray", None)
    with pytest.raises(ConfigurationError, match=r"gumloop-llms\[ray\]"):
        RayStore("name", "namespace")
