"""Objects of httpx and of httpx2 are told apart, whatever they are called."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest

from gumloop_core.http.base_client import checked_client
from gumloop_core.http.http_library import library_of

ROOT = Path(__file__).resolve().parents[3]

ALIASED = """
import httpx2

httpx2.alias_httpx()

from gumloop_core.errors import APIConnectionError
from tests.support.byte_server import CLOSE, ByteServer
from tests.support.core_driver import AsyncCore, SyncCore, settings_for, streamed_text
from tests.support.http_bytes import completion, streamed, whole

answer = whole(completion())
for kind in (SyncCore, AsyncCore):
    with ByteServer(answer, streamed(), [answer[:-30], CLOSE]) as server:
        driver = kind(settings_for(server.base_url, max_retries=0, timeout=httpx2.Timeout(9)))
        print(driver.complete().text == streamed_text(driver.stream()))
        try:
            driver.complete()
        except APIConnectionError as error:
            print(type(error.__cause__).__module__, server.connections)
        driver.stop()
"""

LIBRARIES = pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"])


def made_of(library: Any) -> list[Any]:
    request = library.Request("GET", "https://a.example")
    return [
        library.Client(),
        library.AsyncClient(),
        library.Timeout(5),
        request,
        library.Response(200),
        library.ReadTimeout("", request=request),
        library.StreamConsumed(),
        library.InvalidURL("x"),
    ]


@LIBRARIES
def test_what_a_library_makes_is_its_own(library: Any) -> None:
    for thing in made_of(library):
        assert library_of(thing) is library
        assert library_of(type(thing)) is library
        assert library_of(type("Mine", (type(thing),), {})) is library


@LIBRARIES
def test_a_class_that_says_it_is_anothers_is_known(library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The openai SDK takes ``Timeout`` for its own, and says so in the class."""
    monkeypatch.setattr(library.Timeout, "__module__", "openai")
    assert library_of(library.Timeout(5)) is library


@LIBRARIES
def test_a_class_that_was_replaced_is_known(library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some tools that trace put a subclass in the place of ``Client``."""
    made_before = library.Client()
    monkeypatch.setattr(library, "Client", type("TracedClient", (library.Client,), {}))
    assert library_of(library.Client()) is library
    assert library_of(made_before) is library
    assert checked_client(library.Client(), "http_client") is not None


@pytest.mark.parametrize("thing", [None, 5.0, object, "httpx", Path(), ValueError("httpx")])
def test_what_is_of_neither(thing: Any) -> None:
    assert library_of(thing) is None


def test_a_library_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx2", None)  # importing it fails
    assert library_of(httpx.Timeout(5)) is httpx
    assert library_of(5) is None


@pytest.mark.skipif(not hasattr(httpx2, "alias_httpx"), reason="this version of httpx2 does not take httpx's place")
def test_a_process_in_which_httpx_is_httpx2() -> None:
    """The pool is httpx2's then, and an answer that breaks off is still none."""
    run = subprocess.run([sys.executable, "-c", ALIASED], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["True", "httpx2 1"] * 2
