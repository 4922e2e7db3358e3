"""A program ends quietly with streams that it has kept half-read."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

from tests.support.byte_server import SILENCE, ByteServer
from tests.support.http_bytes import http_chunk, stream_head, text_events

KEEPS = {
    "in the main thread": "kept = begun()",
    "in a thread": "kept = []\nthread = threading.Thread(target=lambda: kept.append(begun()))\nthread.start()",
    "in a cycle": "kept = [begun()]\nkept.append(kept)",
    "in a process that was forked": (
        "kept = begun()\npid = os.fork()\nif pid:\n    os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) & 255)"
    ),
}


@pytest.mark.parametrize("keeps", KEEPS)
def test_with_a_stream_that_is_kept_half_read(keeps: str) -> None:
    """Python 3.13.0 crashed here: httpx's modules are gone when the generator is closed."""
    script = """
        import os, sys, threading
        from gumloop_core import ClientSettings, Credentials, Endpoint, GumloopClient
        client = GumloopClient(
            ClientSettings(credentials=Credentials(api_key="k", user_id="u"), endpoint=Endpoint.resolve(sys.argv[1]))
        )
        def begun():
            stream = client.stream({"model": "m", "messages": []})
            next(stream)
            return stream
    """
    with ByteServer([stream_head() + http_chunk(text_events()[0]), SILENCE]) as server:
        done = subprocess.run(
            [
                sys.executable,
                "-W",
                "ignore::DeprecationWarning",
                "-c",
                textwrap.dedent(script) + KEEPS[keeps],
                server.base_url,
            ],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")
