"""What all tests share: no credentials, hosts or proxies from the machine they run on."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import pytest
import trustme

from gumloop_core.concurrency import accounts

pytest_plugins = ["gumloop_emulator.pytest_plugin"]

_NOT_FROM_HERE = ("GUMLOOP_", "TRACEPARENT", "TRACESTATE", "LANGSMITH_", "LANGCHAIN_")


def pytest_collection() -> None:
    """Collect the tests without collecting garbage, of which this makes little."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Have the garbage collector pass over all that is loaded by now: else each of its rounds takes half a second."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def few_certificates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have every HTTP client trust one certificate: reading the system's takes each of them a tenth of a second."""
    path = tmp_path_factory.mktemp("certificates") / "authority.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(path))
        yield


@pytest.fixture(autouse=True)
def clean_environment(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what would change the requests, but for tests of the vendor's service."""
    if request.node.get_closest_marker("live"):
        return
    for name in list(os.environ):
        if name.upper().startswith(_NOT_FROM_HERE) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def nothing_learned() -> None:
    """Forget what was learned of servers that had the same port."""
    accounts._limiters.clear()
