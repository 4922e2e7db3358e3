"""No failed or interrupted call shows the key, not even where the server echoes it."""

from __future__ import annotations

import asyncio
import base64
import inspect
import io
import json
import re
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import httpx2
import pytest
from rich.console import Console
from rich.traceback import Traceback

from gumloop_core.errors import APIStatusError, GumloopError
from tests.faults.matrix import ADAPTERS_FAULTS, FAULTS, MODES, Fault, Raises, serve
from tests.faults.test_matrix import address_of
from tests.security.shown import KEY, pickled, shown_by_error
from tests.support.byte_server import CLOSE, RESET, SILENCE, ByteServer
from tests.support.drivers import DRIVERS, OVER_HTTPX, Driver
from tests.support.http_bytes import (
    completion,
    event,
    head,
    stream_head,
    streamed,
    text_events,
    whole,
)

ROADS = ["core-sync", "core-async", "core-sync-over-httpx", "core-async-over-httpx"]
SOME_DRIVERS = ["core-sync", "langchain-sync", "llamaindex-async", *ROADS[2:]]
ALL_DRIVERS = {**DRIVERS, **OVER_HTTPX}


def make(name: str, base_url: str, **options: Any) -> Driver:
    """A driver with the key of these tests."""
    if name.startswith("core"):
        from gumloop_core import Credentials

        return ALL_DRIVERS[name](base_url, credentials=Credentials(api_key=KEY, user_id="u"), **options)
    return ALL_DRIVERS[name](base_url, api_key=KEY, **options)


def failure(driver: Driver, mode: str) -> BaseException:
    """The error of a call; its frames begin here."""
    pieces: list[str] = []
    try:
        driver.ask(mode, pieces=pieces)
    except BaseException as error:
        return error
    pytest.fail("the call did not fail")


def is_telling(fault: Fault) -> bool:
    """One row of each kind: the statuses differ in nothing that could show a key."""
    raises = isinstance(fault.unary, Raises) or isinstance(fault.stream, Raises)
    return raises and not fault.name[:3].isdigit() and "MB" not in fault.name and not fault.options.get("timeout")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("fault", [fault for fault in FAULTS if is_telling(fault)], ids=lambda fault: fault.name)
def test_the_faults_of_the_matrix(fault: Fault, mode: str) -> None:
    if not isinstance(fault.unary if mode == "unary" else fault.stream, Raises):
        return
    for name in SOME_DRIVERS if fault in ADAPTERS_FAULTS else ROADS:
        with serve(fault, mode) as server, address_of(fault, server) as base_url:
            driver = make(name, base_url, **{"max_retries": 1, **fault.options})
            shown = shown_by_error(failure(driver, mode))
            driver.stop()
            assert KEY not in shown


def echoes(request: Any) -> dict[str, Any]:
    """Answers that repeat the key that they were sent, in every place where an error shows something."""
    key = request.headers["authorization"].removeprefix("Bearer ")
    words = f"The key {key} is unknown"
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in key)
    filler = b"x" * (64 * 1024 - len(key) // 2 - 40)
    return {
        "words": whole(words.encode(), 401),
        "page": whole(f"<html><title>{words}</title><pre>Authorization: {key}</pre></html>".encode(), 502),
        "error": whole(
            {"error": {"code": key, "message": words, "param": key, "metadata": {"raw": words}, key: key}}, 400
        ),
        "flat error": whole({"error": key, "message": words, "note": [key]}, 403),
        "escaped": whole(f'{{"error": {{"message": "{escaped}"}}}}'.encode(), 400),
        "headers": whole(b"no", 400, x_echo=key, www_authenticate=f"Bearer {key}"),
        "redirect": whole(b"", 302, location=f"https://evil.invalid/?key={key}"),
        "cut at the end of what is kept": [head(400) + b'{"error": "' + filler + key.encode() + b'"}', CLOSE],
        "broken off": [head(400, content_length="999") + b"no " + key.encode()[:-3], RESET],
        "page under 200": whole(f"<html>{words}".encode(), content_type=f"text/html; key={key}"),
        "words under 200": whole(words.encode()),
        "cut excerpt": whole(b"w" * (200 - len(key) // 2) + key.encode() + b"more"),
        "error under 200": whole({"error": {"code": key, "message": words}}),
        "no completion": whole({key: key, "object": key}),
        "error chunk": streamed([text_events()[0], event({"error": {"code": key, "message": words}})]),
        "garbage event": streamed([text_events()[0], event(f"{{{words}")]),
        "cut garbage": streamed([text_events()[0], event("{" + "w" * (199 - len(key) // 2) + key + "more")]),
        "no event": streamed([f": {words}\n\n".encode()]),
        "not HTTP": [f"{key}\r\n{key}: {key}\r\n\r\n".encode(), CLOSE],
        "odd header": [f"HTTP/1.1 200 OK\r\n{key} {key}\r\n\r\n".encode(), CLOSE],
        "odd chunk": [stream_head() + f"{key}\r\n".encode(), CLOSE],
    }


class _Names:
    headers = {"authorization": "Bearer x"}


def who_meets(echo: str) -> list[str]:
    """The core masks; an adapter hands on the core's error or makes its own of it, one for each class."""
    is_enough = echo in ("error", "not HTTP", "no completion", "error chunk", "garbage event")
    return [*DRIVERS, *ROADS[2:]] if is_enough else ROADS


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("echo", "name"), [(echo, name) for echo in echoes(_Names) for name in who_meets(echo)])
def test_a_server_that_echoes_the_key(echo: str, name: str, mode: str) -> None:
    with ByteServer(lambda request: echoes(request)[echo]) as server:
        driver = make(name, server.base_url, max_retries=0)
        error = failure(driver, mode)
        driver.stop()
        assert KEY in server.requests[0].headers["authorization"]
    assert isinstance(error, GumloopError)
    shown = shown_by_error(error)
    pickle_bytes = pickled(error)
    partial = repr(error.partial)
    assert KEY not in shown
    assert KEY[:-4] not in shown, "most of the key shows"
    assert KEY not in pickle_bytes
    assert KEY not in partial


def test_an_answer_may_say_what_it_likes() -> None:
    """An answer is data: what it says is not changed, should it happen to be a key."""
    with ByteServer(lambda request: whole(completion(request.headers["authorization"]))) as server:
        driver = make("core-sync", server.base_url)
        assert driver.ask("unary").endswith(KEY)


HEADER = "header-canary/3f9a+51d2"
USER = "user-canary-8842"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("spelt", "name"),
    [
        *(("whole", name) for name in SOME_DRIVERS),
        *((spelt, "core-sync") for spelt in ("URL", "JSON", "base64", "cut")),
    ],
)
def test_a_server_that_echoes_other_secrets(name: str, mode: str, spelt: str) -> None:
    """The values of headers whose names say secret, and the user id."""

    def echo(request: Any) -> bytes:
        def spell(value: str) -> str:
            forms = {
                "whole": value,
                "URL": quote(value, safe=""),
                "JSON": value.replace("/", "\\/"),
                "base64": base64.b64encode(b"x:" + value.encode()).decode(),
                "cut": value[:-4],
            }
            return forms[spelt]

        sent = [request.headers[name] for name in ("x-gateway-token", "x-auth-key")]
        words = ", ".join(map(spell, sent)) if spelt != "cut" else spell(sent[0])
        return whole(f"refused: {words}".encode(), 400, x_note=words)

    with ByteServer(echo) as server:
        headers = {"X-Gateway-Token": HEADER, "x-plain": "plain value"}
        if name.startswith("core"):
            from gumloop_core import Credentials

            options: Any = {"credentials": Credentials(api_key=KEY, user_id=USER)}
        else:
            options = {"api_key": KEY, "user_id": USER}
        driver = ALL_DRIVERS[name](server.base_url, default_headers=headers, max_retries=0, **options)
        error = failure(driver, mode)
        driver.stop()
    assert isinstance(error, APIStatusError)
    assert error.response is not None
    # Not the variables of frames: the user id is a plain field of a model, and shows in its repr.
    shown = str([str(error), error.args, error.body, error.response.headers, error.response.text]) + pickled(error)
    for secret in (HEADER, USER):
        for form in (secret, quote(secret, safe=""), secret[:-4], base64.b64encode(secret.encode()).decode()[4:-4]):
            assert form not in shown
    assert "**********" in str(error)


def odd_failure(library: Any, place: str) -> BaseException:
    """An error that nobody foresees, with the request within reach of each frame."""

    def handler(request: Any) -> Any:
        headers = dict(request.headers)
        try:
            raise OSError(headers["authorization"])
        except OSError as error:
            if place == "group":
                raise ExceptionGroup("many", [error, ValueError(headers["authorization"])]) from None
            if place == "chained":
                raise OverflowError("too large") from error
            raise library.ReadError(headers["authorization"], request=request) from error

    def hook(response: Any) -> None:
        raise ZeroDivisionError(str(response.request.headers.raw))

    if place == "hook":
        client = library.Client(
            transport=library.MockTransport(lambda _request: library.Response(200)), event_hooks={"response": [hook]}
        )
    else:
        client = library.Client(transport=library.MockTransport(handler))
    with client:
        return failure(make("core-sync", "http://127.0.0.1:1", http_client=client, max_retries=0), "unary")


@pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"])
@pytest.mark.parametrize("place", ["group", "chained", "hook", "request"])
def test_an_error_that_nobody_foresaw(library: Any, place: str) -> None:
    error = odd_failure(library, place)
    assert isinstance(error, GumloopError)
    assert error.__cause__ is not None
    parts = getattr(error.__cause__, "exceptions", [])
    assert len(parts) == (2 if place == "group" else 0)
    for shown in (error, *parts):
        assert KEY not in shown_by_error(shown)


# -- interruptions: nothing is translated, so the HTTP library's own frames would show ------------------------------


OF_HTTPX = ("httpx", "httpcore", "h11")
OUR_OWN = ("gumloop_core.http.socket_connection", "gumloop_core.http.http11", "gumloop_core.http.sockets")


def interrupted(driver: Driver, mode: str, place: int, modules: tuple[str, ...]) -> tuple[BaseException | None, int]:
    """Interrupt a call where the HTTP library begins its ``place``-th function; what was raised, and how far it got."""
    count = 0

    def profile(frame: Any, what: str, _argument: Any) -> None:
        nonlocal count
        if what == "call" and frame.f_globals.get("__name__", "").startswith(modules):
            # An object that is half made has no repr, and what is raised in a generator's end is not raised at all.
            is_odd = frame.f_code.co_name.startswith("__") or frame.f_code.co_flags & inspect.CO_GENERATOR
            if is_odd or not _is_below_send(frame, modules):
                return
            count += 1
            if count == place:
                sys.setprofile(None)
                raise KeyboardInterrupt

    sys.setprofile(profile)
    try:
        driver.ask(mode)
    except BaseException as error:
        return error, count
    finally:
        sys.setprofile(None)
    return None, count


def _is_below_send(frame: Any, modules: tuple[str, ...]) -> bool:
    while frame is not None:
        if frame.f_code.co_name in ("send", "iter_raw", "pieces") and frame.f_globals["__name__"].startswith(modules):
            return True
        frame = frame.f_back
    return False


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("name", "modules"), [("core-sync-over-httpx", OF_HTTPX), ("core-sync", OUR_OWN)], ids=["httpx", "our own"]
)
def test_an_interrupt_in_the_functions_of_the_http_library(name: str, modules: tuple[str, ...], mode: str) -> None:
    answer = whole(completion()) if mode == "unary" else streamed()
    with ByteServer(answer) as server:
        driver = make(name, server.base_url, max_retries=0)
        functions = interrupted(driver, mode, -1, modules)[1]
        assert functions > (100 if modules is OF_HTTPX else 10)
        for place in range(1, functions, functions // 60 or 1):
            driver.stop()  # a new connection each time: its making is a part of the call
            error, _ = interrupted(driver, mode, place, modules)
            if error is None:
                continue
            assert isinstance(error, (KeyboardInterrupt, GumloopError))
            shown = shown_by_error(error)
            assert KEY not in shown, f"interrupted in function {place}"
        driver.stop()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", [name for name in ALL_DRIVERS if "-async" in name])
def test_a_cancellation_at_any_step(name: str, mode: str) -> None:
    async def cancelled_after(driver: Driver, steps: int) -> BaseException | None:
        pieces: list[str] = []
        task = asyncio.ensure_future(driver.aunary("Hi", pieces) if mode == "unary" else driver.astream("Hi", pieces))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        try:
            await task
        except BaseException as error:
            return error
        return None

    first = whole(completion()) if mode == "unary" else streamed()
    with ByteServer(first, [SILENCE]) as server:
        driver = make(name, server.base_url, max_retries=0)
        driver.ask(mode)
        for steps in range(12):
            error = driver.run(cancelled_after(driver, steps))
            assert isinstance(error, asyncio.CancelledError)
            shown = shown_by_error(error)
            assert KEY not in shown, f"cancelled after {steps} steps"
        driver.stop()


# -- what pytest and rich print of a failed test or program ---------------------------------------------------------


def as_pytest_prints(error: BaseException) -> str:
    """A failed test's report with ``--showlocals --tb=long -vv``."""
    report = pytest.ExceptionInfo.from_exception(error).getrepr(
        showlocals=True, style="long", tbfilter=False, truncate_locals=False, truncate_args=False
    )
    return str(report)


def as_rich_prints(error: BaseException) -> str:
    """A program's traceback after ``rich.traceback.install(show_locals=True)``."""
    console = Console(file=io.StringIO(), width=300)
    trace = Traceback.from_exception(
        type(error),
        error,
        error.__traceback__,
        width=300,
        show_locals=True,
        locals_max_length=1000,
        locals_max_string=10_000,
    )
    with console.capture() as captured:
        console.print(trace)
    return captured.get()


VARIABLE = re.compile(r"\bself += ")
"""Something of which a report shows that it lists the variables of frames."""

FAILING: dict[str, Any] = {
    "reset": [RESET],
    "402": streamed([text_events()[0], event({"error": {"code": 402, "message": "no"}})]),
}


@pytest.mark.parametrize("printed", [as_pytest_prints, as_rich_prints])
@pytest.mark.parametrize("name", ["langchain-sync", "llamaindex-async"])
@pytest.mark.parametrize("script", FAILING)
def test_what_is_printed_of_a_failure(script: str, name: str, printed: Callable[[BaseException], str]) -> None:
    with ByteServer(FAILING[script]) as server:
        driver = make(name, server.base_url, max_retries=0)
        out = printed(failure(driver, "stream"))
        driver.stop()
    assert VARIABLE.search(out)
    assert (KEY in out) is False


@pytest.mark.parametrize("printed", [as_pytest_prints, as_rich_prints])
def test_what_is_printed_of_a_call_that_took_too_long(printed: Callable[[BaseException], str]) -> None:
    async def wait(driver: Driver) -> None:
        await asyncio.wait_for(driver.aunary("Hi", []), 0.2)

    with ByteServer([SILENCE]) as server:
        driver = make("langchain-async", server.base_url)
        try:
            driver.run(wait(driver))
        except TimeoutError as caught:
            out = printed(caught)
        driver.stop()
    assert VARIABLE.search(out)
    assert (KEY in out) is False


def test_these_tests_would_see_a_key() -> None:
    """A key in a variable of a frame, in a cause, or in a request's headers is found."""
    import httpx

    def holding(_value: str) -> None:
        raise ValueError("no")

    for work in (
        lambda: holding(json.dumps([KEY])),
        lambda: httpx.Client(headers={"authorization": KEY}, trust_env=False).get("http://127.0.0.1:1/"),
    ):
        error = _raised(work)
        assert KEY in shown_by_error(error)


def _raised(work: Callable[[], Any]) -> BaseException:
    try:
        work()
    except Exception as error:
        return error
    raise AssertionError
