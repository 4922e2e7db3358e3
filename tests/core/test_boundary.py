"""The line that only our own errors cross: whatever is raised, wherever, neither it nor a key leaves the core."""

from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import Any

import httpx
import httpx2
import pytest

from gumloop_core import AsyncGumloopClient, Credentials, Delta, GumloopClient
from gumloop_core.errors import ConfigurationError, GumloopError, UnexpectedError
from gumloop_core.secrets.redaction import Redactor
from gumloop_core.secrets.tracebacks import forget_frames
from tests.support.core_driver import KEY, body, settings_for
from tests.support.http_bytes import TEXT, answer_events, completion

UNARY = json.dumps(completion()).encode()
STREAM = b"".join(answer_events())


class Speechless(Exception):
    """Cannot be shown."""

    def __str__(self) -> str:
        raise KeyError(KEY)

    __repr__ = __str__


class Fixed(Exception):
    """Its arguments cannot be changed."""

    @property
    def args(self) -> Any:  # type: ignore[override]
        return (KEY,)


class Slotted(Exception):
    """Keeps what it knows outside its dictionary."""

    __slots__ = ("sent",)

    def __init__(self) -> None:
        super().__init__("x")
        self.sent = {"Authorization": f"Bearer {KEY}"}


class Sent:
    def __repr__(self) -> str:
        return f"<sent with {KEY}>"


class NoGroup(Exception):
    exceptions = 5


def _in_itself() -> Exception:
    values: list[Any] = [KEY]
    values.append(values)
    return ValueError(values)


def _own_cause() -> Exception:
    error = KeyError(KEY)
    error.__cause__ = error
    return error


def _with(name: str, value: Any) -> Exception:
    error = ValueError("x")
    setattr(error, name, value)
    return error


def _caught(work: Callable[[], Any]) -> Exception:
    try:
        work()
    except Exception as error:
        return error
    raise AssertionError


def _led_to(error: Exception) -> Exception:
    try:
        raise error
    except Exception:
        return _caught(lambda: (_ for _ in ()).throw(LookupError("later")))


ERRORS: dict[str, Callable[[], Exception]] = {
    "speechless": Speechless,
    "fixed arguments": Fixed,
    "slots": Slotted,
    "a key": lambda: KeyError("x"),
    "an object": lambda: _with("request", Sent()),
    "a dictionary": lambda: _with("sent", {"Authorization": f"Bearer {KEY}"}),
    "a note": lambda: _with("__notes__", [KEY]),
    "in itself": _in_itself,
    "its own cause": _own_cause,
    "a cause with fixed arguments": lambda: _led_to(Fixed()),
    "no group": NoGroup,
    "json": lambda: _caught(lambda: json.loads(KEY + "{")),
    "unicode": lambda: _caught(lambda: (KEY + "é").encode("ascii")),
    "a file": lambda: FileNotFoundError(2, f"no {KEY}", f"/tmp/{KEY}"),
    "an import": lambda: ImportError(f"no {KEY}", name=KEY, path=KEY),
    "syntax": lambda: SyntaxError("x", (KEY, 1, 1, KEY)),
    "recursion": RecursionError,
    "the end of an iteration": lambda: StopIteration(KEY),
    "the end of an async iteration": StopAsyncIteration,
    "memory": MemoryError,
    "the end of a file": EOFError,
    "http": lambda: httpx.HTTPError(KEY),
    "a read": lambda: httpx.ReadError(KEY),
    "a consumed stream": httpx.StreamConsumed,
    "a status": lambda: httpx.HTTPStatusError(
        KEY, request=httpx.Request("GET", "http://x"), response=httpx.Response(500, text=KEY)
    ),
    "a cookie": lambda: httpx.CookieConflict(KEY),
    "httpx2: a read": lambda: httpx2.ReadError(KEY),
    "httpx2: a consumed stream": httpx2.StreamConsumed,
    "httpx2: a status": lambda: httpx2.HTTPStatusError(
        KEY, request=httpx2.Request("GET", "http://x"), response=httpx2.Response(500, text=KEY)
    ),
    "a group": lambda: ExceptionGroup("x", [ValueError(KEY)]),
    "a group's message": lambda: ExceptionGroup(KEY, [ValueError("x")]),
    "a group in a group": lambda: ExceptionGroup("x", [ExceptionGroup("y", [Fixed()])]),
}

PLACES = ("request hook", "transport", "response hook", "first read", "read", "rest", "close", "token")


def shown(error: BaseException | None) -> str:
    """All that a reporter of errors may show of one: words, attributes, causes, parts, and frames of libraries."""
    texts: list[str] = []
    seen: set[int] = set()
    pending = [error]
    while pending:
        current = pending.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        values: list[Any] = [vars(current), current.args]
        for name in dir(current):
            with suppress(Exception):  # httpx raises for a request that an error has not
                values += [getattr(current, name)] if name[:2] != "__" else []
        if not isinstance(current, Speechless):
            values += traceback.format_exception(current)
        frame = current.__traceback__
        while frame is not None:
            if "tests" not in frame.tb_frame.f_code.co_filename:
                values += [
                    value for value in frame.tb_frame.f_locals.values() if isinstance(value, (str, bytes, dict, list))
                ]
            frame = frame.tb_next
        texts += map(repr, values)
        parts = getattr(current, "exceptions", ())
        pending += [current.__cause__, current.__context__, *(parts if isinstance(parts, tuple) else ())]
    return "\n".join(texts)


class Fault:
    """A transport and hooks of a library's client, of which one place raises."""

    def __init__(self, library: Any, make: Callable[[], Exception], place: str, content: bytes) -> None:
        self.library = library
        self.make = make
        self.place = place
        self.content = content

    def at(self, *places: str) -> None:
        if self.place in places:
            raise self.make()

    def pieces(self) -> Iterator[bytes]:
        self.at("first read")
        yield self.content[:150]
        self.at("read")
        yield self.content[150:]
        self.at("rest")

    def token(self) -> str:
        self.at("token")
        return KEY

    def sync_client(self) -> Any:
        return self.library.Client(
            transport=self.library.MockTransport(lambda _request: self.answered(_SyncBody(self))),
            event_hooks={
                "request": [lambda _request: self.at("request hook")],
                "response": [lambda _response: self.at("response hook")],
            },
        )

    def async_client(self) -> Any:
        async def request_hook(_request: Any) -> None:
            self.at("request hook")

        async def response_hook(_response: Any) -> None:
            self.at("response hook")

        async def answer(_request: Any) -> Any:
            return self.answered(_AsyncBody(self))

        return self.library.AsyncClient(
            transport=self.library.MockTransport(answer),
            event_hooks={"request": [request_hook], "response": [response_hook]},
        )

    def answered(self, stream: Any) -> Any:
        self.at("transport")
        return self.library.Response(200, stream=stream)


class _SyncBody(httpx.SyncByteStream, httpx2.SyncByteStream):
    def __init__(self, fault: Fault) -> None:
        self.fault = fault

    def __iter__(self) -> Iterator[bytes]:
        return self.fault.pieces()

    def close(self) -> None:
        self.fault.at("close")


class _AsyncBody(httpx.AsyncByteStream, httpx2.AsyncByteStream):
    def __init__(self, fault: Fault) -> None:
        self.fault = fault

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.fault.pieces():
            yield piece

    async def aclose(self) -> None:
        self.fault.at("close")


def _text_of(deltas: list[Delta]) -> str:
    completed = deltas[-1].completion
    assert completed is not None
    return completed.text


def answer_through(name: str, place: str, *, stream: bool, is_async: bool) -> str:
    """The text of an answer, by one of the four roads, where this place raises."""
    library = httpx2 if name.startswith("httpx2") else httpx
    fault = Fault(library, ERRORS[name], place, STREAM if stream else UNARY)
    settings = settings_for(
        "http://127.0.0.1:9", max_retries=0, credentials=Credentials(access_token=fault.token, user_id="user-1")
    )
    if not is_async:
        client = GumloopClient(settings, fault.sync_client())
        return _text_of(list(client.stream(body(stream=True)))) if stream else client.complete(body()).text

    async def asked() -> str:
        client = AsyncGumloopClient(settings, fault.async_client())
        if stream:
            return _text_of([delta async for delta in client.stream(body(stream=True))])
        return (await client.complete(body())).text

    return asyncio.run(asked())


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("name", ERRORS)
def test_no_error_leaves_as_it_is_and_no_key_with_one(name: str, stream: bool, is_async: bool) -> None:
    for place in PLACES:
        if place == "close" or (place == "rest" and stream):  # the answer is there
            assert answer_through(name, place, stream=stream, is_async=is_async) == TEXT
            continue
        with pytest.raises(GumloopError) as caught:
            answer_through(name, place, stream=stream, is_async=is_async)
        # A token that was never handed out is not known to be one.
        assert place == "token" or KEY not in shown(caught.value), place


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("name", ERRORS)
def test_a_token_of_an_earlier_attempt_does_not_show(name: str, is_async: bool) -> None:
    asked: list[int] = []

    def token() -> str:
        asked.append(1)
        if len(asked) > 1:
            raise ERRORS[name]()
        return KEY

    settings = settings_for(
        "http://127.0.0.1:9", max_retries=2, credentials=Credentials(access_token=token, user_id="user-1")
    )

    def refuse(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(503)

    transport = httpx.MockTransport(refuse)

    def ask() -> Any:
        if is_async:
            client = AsyncGumloopClient(settings, httpx.AsyncClient(transport=transport))
            return asyncio.run(client.complete(body()))
        return GumloopClient(settings, httpx.Client(transport=transport)).complete(body())

    with pytest.raises(ConfigurationError) as caught:
        ask()
    assert len(asked) == 2
    assert KEY not in shown(caught.value)


def test_what_can_be_shown_stays_the_cause() -> None:
    with pytest.raises(UnexpectedError, match="KeyError: 'x'") as caught:
        answer_through("a key", "read", stream=True, is_async=False)
    assert isinstance(caught.value.__cause__, KeyError)
    with pytest.raises(UnexpectedError) as caught:
        answer_through("fixed arguments", "read", stream=True, is_async=False)
    assert caught.value.__cause__ is None


def test_an_error_that_shows_a_secret_leaves_the_chain() -> None:
    error = ValueError(f"of {KEY}")
    error.__cause__ = Fixed()
    error.__context__ = LookupError(KEY)
    assert forget_frames(error, Redactor([KEY]))
    assert KEY not in shown(error)
    assert error.__cause__ is None
    assert isinstance(error.__context__, LookupError)
    assert not forget_frames(Fixed(), Redactor([KEY]))
