"""The two hosts and what follows from them."""

from __future__ import annotations

from typing import Any

import pytest

from gumloop_core import Endpoint
from gumloop_core.errors import ConfigurationError


@pytest.mark.parametrize(
    ("arguments", "chat", "models"),
    [
        ((), "https://ws.gumloop.com/api/v1/chat/completions", "https://api.gumloop.com/api/v1/models"),
        (("https://API.gumloop.com/api/v1/",), "https://ws.gumloop.com/api/v1/chat/completions", None),
        (("https://api.gumloop.com:8443/x",), "https://ws.gumloop.com:8443/x/chat/completions", None),
        (("https://gw.example/v1",), "https://gw.example/v1/chat/completions", "https://gw.example/v1/models"),
        (("https://gw.example/v1", "https://s.example"), "https://s.example/chat/completions", None),
        (("http://127.0.0.1:8000",), "http://127.0.0.1:8000/chat/completions", None),
        (("http://localhost:8000",), "http://localhost:8000/chat/completions", None),
        (("http://[::1]:8000/v1",), "http://[::1]:8000/v1/chat/completions", None),
        (
            ("https://notapi.gumloop.com.evil.example",),
            "https://notapi.gumloop.com.evil.example/chat/completions",
            None,
        ),
        ((None, "https://s.example"), "https://s.example/chat/completions", "https://api.gumloop.com/api/v1/models"),
        (
            ("https://ws.gumloop.com/api/v1/chat/completions",),
            "https://ws.gumloop.com/api/v1/chat/completions",
            "https://api.gumloop.com/api/v1/models",
        ),
        (("https://gw.example/v1/chat/completions",), "https://gw.example/v1/chat/completions", None),
        (("https://gw.example/v1/Chat/Completions/",), "https://gw.example/v1/chat/completions", None),
        (("https://a.example", "https://s.example/chat/completions"), "https://s.example/chat/completions", None),
        ((' "https://gw.example/v1"\n',), "https://gw.example/v1/chat/completions", None),
    ],
)
def test_addresses(arguments: tuple[str, ...], chat: str, models: str | None) -> None:
    endpoint = Endpoint.resolve(*arguments)
    assert endpoint.chat_url == chat
    assert models is None or endpoint.models_url == models
    assert endpoint.route_url == f"{endpoint.models_url}/route"


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUMLOOP_BASE_URL", "https://b.example")
    assert Endpoint.resolve() == Endpoint("https://b.example", "https://b.example")
    monkeypatch.setenv("GUMLOOP_STREAM_BASE_URL", "https://s.example")
    assert Endpoint.resolve() == Endpoint("https://b.example", "https://s.example")
    for blank in ("", " ", '""'):
        monkeypatch.setenv("GUMLOOP_STREAM_BASE_URL", blank)
        assert Endpoint.resolve() == Endpoint("https://b.example", "https://b.example")
        monkeypatch.setenv("GUMLOOP_BASE_URL", blank)
        assert Endpoint.resolve().chat_url == "https://ws.gumloop.com/api/v1/chat/completions"
        monkeypatch.setenv("GUMLOOP_BASE_URL", " 'https://b.example' ")
    monkeypatch.setenv("GUMLOOP_STREAM_BASE_URL", "https://s.example")
    # An argument for the one host must not send the chat to a host that was meant for another.
    assert Endpoint.resolve("https://a.example") == Endpoint("https://a.example", "https://a.example")
    assert Endpoint.resolve(None, "https://t.example") == Endpoint("https://b.example", "https://t.example")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://x.example",
        "x.example",
        "https://",
        "https://x.example:port",
        "https://x.example:99999",
        "https://[::1",
        "https://x.example?a=1",
        "https://x.example/v1/chat/completions?a=1",
        "https://x.example#a",
        "https://x.example/\x00",
        "https://x.example/a b",
        "https://x y.example",
        "https://x.example\\@evil.example",
        f"https://{'a' * 64}.example",
        "https://.example",
        "https://a..example",
    ],
)
@pytest.mark.parametrize("place", [0, 1])
def test_what_is_no_address_is_refused(url: str, place: int) -> None:
    arguments = ["https://fine.example", "https://fine.example"]
    arguments[place] = url
    with pytest.raises(ConfigurationError):
        Endpoint.resolve(*arguments)


@pytest.mark.parametrize("url", [5, b"https://x.example", ["https://x.example"]])
def test_what_is_no_text_is_named(url: Any) -> None:
    with pytest.raises(ConfigurationError, match="base_url must be a text"):
        Endpoint.resolve(url)


@pytest.mark.parametrize(
    "url",
    ["https://u:pa55word@[x", "https://u:pa55word@x.example", "ftp://u:pa55word@x.example", "u:pa55word@x.example"],
)
def test_a_password_in_an_address_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Endpoint.resolve(url)
    assert "pa55word" not in str(caught.value)


def test_plain_http_needs_saying_so() -> None:
    with pytest.raises(ConfigurationError, match="allow_insecure"):
        Endpoint.resolve("http://gw.example")
    with pytest.raises(ConfigurationError, match="allow_insecure"):
        Endpoint.resolve("http://127.0.0.1.evil.example")
    assert Endpoint.resolve("http://gw.example", allow_insecure=True).base_url == "http://gw.example"
