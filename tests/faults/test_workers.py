"""One model in worker processes: forked, spawned, and sent into process pools."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.byte_server import ByteServer
from tests.support.core_driver import KEY
from tests.support.http_bytes import TEXT, completion, streamed, whole


@pytest.mark.timeout(120)
@pytest.mark.parametrize("how", ["fork", "spawn"])
@pytest.mark.parametrize("adapter", ["langchain", "llamaindex"])
def test_workers(adapter: str, how: str) -> None:
    if sys.platform == "win32" and how != "spawn":
        pytest.skip("this system can only spawn")
    script = Path(__file__).with_name("workers.py")
    with ByteServer(lambda request: streamed() if "stream" in request.json else whole(completion())) as server:
        done = subprocess.run(
            [sys.executable, str(script), adapter, how, server.base_url],
            env={**os.environ, "GUMLOOP_API_KEY": KEY, "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        workers = 6 if how == "fork" else 1
        *texts, error, last = done.stdout.splitlines()
        assert [*texts, last] == [TEXT] * (workers + 2)
        assert error.startswith("APIConnectionError Could not connect")
        assert len(server.requests) == 4 * (workers + 2)
        # A connection belongs to one process: parent and workers must never write into the same one.
        assert server.connections >= 2
        assert {request.headers["authorization"] for request in server.requests} == {f"Bearer {KEY}"}
