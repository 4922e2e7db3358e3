"""One model in worker processes: forked, spawned, and sent into process pools."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.faults.workers import ask, failing, make
from tests.support.byte_server import ByteServer
from tests.support.core_driver import KEY
from tests.support.http_bytes import TEXT, completion, streamed, whole

ADAPTERS = ["langchain", "llamaindex"]


def answer(request: Any) -> bytes:
    return streamed() if "stream" in request.json else whole(completion())


def check_requests(server: ByteServer, processes: int) -> None:
    """Four calls a turn, all with the key; a connection belongs to one process, none writes into another's."""
    assert len(server.requests) == 4 * processes
    assert server.connections >= 2
    assert {request.headers["authorization"] for request in server.requests} == {f"Bearer {KEY}"}


@pytest.mark.timeout(120)
@pytest.mark.skipif(sys.platform == "win32", reason="this system can only spawn")
@pytest.mark.parametrize("adapter", ADAPTERS)
def test_forked_workers(adapter: str) -> None:
    script = Path(__file__).with_name("workers.py")
    with ByteServer(answer) as server:
        done = subprocess.run(
            [sys.executable, str(script), adapter, server.base_url],
            env={**os.environ, "GUMLOOP_API_KEY": KEY, "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        *texts, error, last = done.stdout.splitlines()
        assert [*texts, last] == [TEXT] * 8
        assert error.startswith("APIConnectionError Could not connect")
        check_requests(server, 8)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_spawned_worker(adapter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has the model as a pickle, imports all anew, and finds the key in its environment."""
    monkeypatch.setenv("GUMLOOP_API_KEY", KEY)
    with ByteServer(answer) as server:
        model = make(adapter, server.base_url)
        assert ask(model) == TEXT
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            assert pool.submit(ask, model).result(timeout=100) == TEXT
            error = pool.submit(failing, model).exception(timeout=100)
        assert type(error).__name__ == "APIConnectionError"
        assert str(error).startswith("Could not connect")
        assert ask(model) == TEXT
        check_requests(server, 3)
        model.close()
