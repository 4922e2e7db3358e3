"""LangChain's own conformance suites, run whole against the emulator, without the network.

- The suite downloads an image, a PDF and a sound with ``httpx.get`` to send them on. ``no_downloads`` answers these
  from :mod:`tests.contract.langchain.media`; nothing else of httpx is touched, so requests to the emulator are real.
- ``langchain_core.load`` reads only classes that LangChain itself lists; ``known_to_load`` lists ours for the length of
  a test, as a pull request to LangChain would.
- ``test_stream_time`` plays the committed cassette, without a server. ``record_cassette.py`` makes it anew.
- Every body that the emulator receives must fit the request model of the vendor's SDK.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from langchain_tests.conftest import CustomPersister, CustomSerializer
from vcr import VCR
from vcr.cassette import Cassette

from gumloop_emulator import Emulator
from tests.contract.langchain.media import file_at
from tests.contract.langchain.record_cassette import CASSETTES, NAME
from tests.support.chat_requests import check_bodies


@pytest.fixture
def server(gumloop_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """An emulator that the environment points at."""
    for name, value in gumloop_emulator.environment().items():
        monkeypatch.setenv(name, value)
    yield gumloop_emulator
    check_bodies(gumloop_emulator)


@pytest.fixture(autouse=True)
def no_downloads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer the suite's downloads from here."""
    monkeypatch.setenv("LANGCHAIN_TESTS_USER_AGENT", "gumloop-llms tests")

    def get(url: str, **_: Any) -> httpx.Response:
        return httpx.Response(200, content=file_at(url), request=httpx.Request("GET", url))

    monkeypatch.setattr(httpx, "get", get)


@pytest.fixture(autouse=True)
def known_to_load(monkeypatch: pytest.MonkeyPatch) -> None:
    """List ``ChatGumloop`` among the classes that ``langchain_core.load`` reads."""
    load = importlib.import_module("langchain_core.load.load")
    path = ("langchain_gumloop", "chat_models", "ChatGumloop")
    monkeypatch.setattr(load, "ALL_SERIALIZABLE_MAPPINGS", {**load.ALL_SERIALIZABLE_MAPPINGS, path: path})
    monkeypatch.setattr(load, "_default_class_paths_cache", {})


@pytest.fixture
def vcr() -> Iterator[Cassette]:
    """The one cassette that there is, played and never recorded."""
    player = VCR()
    player.register_persister(CustomPersister())
    player.register_serializer("yaml.gz", CustomSerializer())
    options = {"record_mode": "none", "match_on": ["method", "uri", "body"], "allow_playback_repeats": True}
    with player.use_cassette(str(CASSETTES / f"{NAME}.yaml.gz"), serializer="yaml.gz", **options) as cassette:
        yield cassette
