"""What all tests share: no credentials, hosts or proxies from the machine they run on."""

from __future__ import annotations

import os

import pytest

pytest_plugins = ["gumloop_emulator.pytest_plugin"]

_NOT_FROM_HERE = ("GUMLOOP_", "TRACEPARENT", "TRACESTATE", "LANGSMITH_", "LANGCHAIN_")


@pytest.fixture(autouse=True)
def clean_environment(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what would change the requests, but for tests of the vendor's service."""
    if request.node.get_closest_marker("live"):
        return
    for name in list(os.environ):
        if name.upper().startswith(_NOT_FROM_HERE) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
