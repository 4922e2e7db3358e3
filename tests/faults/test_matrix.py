"""Run the failure matrix: by the core and by both adapters, unary and streamed."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gumloop_core import errors
from tests.faults.matrix import (
    ADAPTERS_FAULTS,
    CONNECTION,
    FAULTS,
    GROUPS,
    MODES,
    Answers,
    Fault,
    Outcome,
    one_of_each_kind,
    serve,
)
from tests.support.byte_server import ByteServer, unused_port
from tests.support.core_driver import ALL_CLIENTS
from tests.support.drivers import (
    DRIVERS,
    EVENT_DRIVERS,
    HTTPX2_DRIVERS,
    OVER_HTTPX,
    PASSED_DRIVERS,
    Driver,
)


def of_core(drivers: dict[str, type[Driver]]) -> dict[str, type[Driver]]:
    """Those of the drivers that drive the core."""
    return {name: kind for name, kind in drivers.items() if name.startswith("core")}


def of_adapters(drivers: dict[str, type[Driver]]) -> dict[str, type[Driver]]:
    """Those of the drivers that drive an adapter."""
    return {name: kind for name, kind in drivers.items() if not name.startswith("core")}


def cells(faults: list[Fault], drivers: dict[str, type[Driver]]) -> list[Any]:
    """Every fault by every driver, whole and streamed."""
    return [
        pytest.param(fault, driver, mode, id=f"{fault.name}-{name}-{mode}")
        for fault in faults
        for name, driver in drivers.items()
        for mode in MODES
        if mode == "stream" or name not in EVENT_DRIVERS
    ]


ROADS = of_core({**DRIVERS, **OVER_HTTPX})
CELLS = [
    *cells(ADAPTERS_FAULTS, of_adapters({**DRIVERS, **EVENT_DRIVERS})),
]
if ALL_CLIENTS:
    CELLS += [*cells(FAULTS, of_core(PASSED_DRIVERS)), *cells(ADAPTERS_FAULTS, of_adapters(PASSED_DRIVERS))]
else:
    CELLS += [
        *cells(one_of_each_kind(FAULTS), of_core(HTTPX2_DRIVERS)),
        *cells(one_of_each_kind(CONNECTION), of_adapters(HTTPX2_DRIVERS)),
    ]


REASON = re.compile(
    r"(Could not connect to [^:]*|The connection to [^:]* broke|The stream broke): .*?\. (?=Check|The req|What had)",
    re.DOTALL,
)


def test_rows_have_names_of_their_own() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


def test_the_documentation_names_every_group() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reliability.md").read_text(encoding="utf-8")
    table = page.partition("| group | for example |")[2].partition("\n\n")[0]
    assert [row.split(" | ")[0].strip("| ") for row in table.splitlines()[2:]] == list(GROUPS)


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")  # v3 events are new
@pytest.mark.parametrize(("fault", "driver", "mode"), CELLS)
def test_a_cell(fault: Fault, driver: type[Driver], mode: str) -> None:
    expected: Outcome = fault.unary if mode == "unary" else fault.stream
    with serve(fault, mode) as server, address_of(fault, server) as base_url:
        model = driver(base_url, **fault.options)
        try:
            check(model, fault, mode, expected)
        finally:
            model.stop()
        if expected.requests is not None:
            assert len(server.requests) == expected.requests


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_all_roads_lead_to_the_same(fault: Fault, mode: str) -> None:
    """By the core, which has a synchronous and an asynchronous client over each; what it says is the same, too."""
    expected: Outcome = fault.unary if mode == "unary" else fault.stream
    said = {}
    for name, driver in ROADS.items():
        with serve(fault, mode) as server, address_of(fault, server) as base_url:
            model = driver(base_url, **fault.options)
            try:
                said[name] = without_reason(check(model, fault, mode, expected))
            finally:
                model.stop()
            if expected.requests is not None:
                assert len(server.requests) == expected.requests, name
    assert len(said) == 4
    if not fault.name.endswith("on connecting"):  # there it is chance when the system notices
        assert len(set(said.values())) == 1, said


def without_reason(message: str) -> str:
    """An error's words without those that are the system's or the parser's."""
    return REASON.sub(r"\1. ", message)


def check(model: Driver, fault: Fault, mode: str, expected: Outcome) -> str:
    """Hold an answer or error against what is expected; the error's words."""
    for _ in range(fault.calls - 1):
        model.ask(mode)
    pieces: list[str] = []
    if isinstance(expected, Answers):
        text = model.ask(mode, pieces=pieces)
        assert len(text) == len(expected.text)
        assert text == expected.text
        return ""
    with pytest.raises(errors.GumloopError) as caught:
        model.ask(mode, pieces=pieces)
    error = caught.value
    # An adapter's class has the core's among its bases, and none more specific than expected.
    assert next(kind for kind in type(error).__mro__ if kind.__module__ == errors.__name__) is expected.kind
    assert re.search(expected.says, str(error), re.DOTALL), str(error)
    assert str(error).endswith((".", "!", "?"))
    if expected.status is not None:
        assert isinstance(error, errors.APIStatusError)
        assert error.status_code == expected.status
    if expected.partial is None:
        assert error.partial is None
        assert "".join(pieces) == ""
    else:
        assert error.partial is not None
        assert error.partial.text == expected.partial
        if mode == "stream":
            assert "".join(pieces) == expected.partial
    return str(error)


@contextmanager
def address_of(fault: Fault, server: ByteServer) -> Iterator[str]:
    """Where to call: the server, or a place where nobody answers."""
    url = fault.address(server.base_url)
    if "{full}" in url:
        with full_listener() as port:
            yield url.replace("{full}", str(port))
    else:
        yield url.replace("{unused}", str(unused_port()))


@contextmanager
def full_listener() -> Iterator[int]:
    """A port whose queue is full, so that nobody else gets connected."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        try:
            for sock in waiting:
                sock.setblocking(False)
                sock.connect_ex(listener.getsockname())
            yield listener.getsockname()[1]
        finally:
            for sock in waiting:
                sock.close()
