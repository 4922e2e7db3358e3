"""Slots on a real Ray cluster of this machine, among its workers."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from typing import Any

import pytest

from gumloop_core.concurrency.shared.ray_store import RayStore
from gumloop_core.errors import ConfigurationError
from tests.core.concurrency.shared.processes import ROOT
from tests.support.core_driver import KEY
from tests.support.http_bytes import TEXT


@pytest.mark.timeout(180)
@pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="needs Ray, which has no build for this Python here"
)
def test_workers_of_a_cluster_share_the_slots() -> None:
    # One test, since a cluster takes seconds to start.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(
        [sys.executable, "-m", "tests.core.concurrency.shared.ray_job"],
        cwd=ROOT,
        env={**environment, "RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0"},
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["without a cluster"].startswith("ConfigurationError: RayLimits needs a cluster: call ray.init()")
    assert said["shared"]["errors"] == [[], []]
    assert said["shared"]["answered"] == 40
    assert 1 < said["shared"]["most"] <= 3
    assert said["slots forgotten"] == []
    assert said["after a worker's death"] == TEXT
    assert said["keys"] == [f"Bearer {KEY}", "Bearer key-of-a-test"]


def test_the_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    modules: dict[str, Any] = sys.modules
    monkeypatch.setitem(modules, "ray", None)
    with pytest.raises(ConfigurationError, match=r"gumloop-llms\[ray\]"):
        RayStore("name", "namespace")
