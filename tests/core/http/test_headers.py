"""Headers that callers set: what can be sent, and what shows."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import httpx
import pytest

from gumloop_core.errors import ConfigurationError, InvalidRequestError
from gumloop_core.http.headers import call_headers, checked_headers
from gumloop_core.secrets.redaction import MASK

SECRET = "gl-canary-0123456789"


def test_headers_that_can_be_sent() -> None:
    assert checked_headers(None) == {}
    assert checked_headers({"X-A": " b\n", "x-empty": "", "x-tab": "a\tb"}) == {
        "X-A": "b",
        "x-empty": "",
        "x-tab": "a\tb",
    }
    assert checked_headers(httpx.Headers({"X-A": "b"})) == {"x-a": "b"}


@pytest.mark.parametrize("headers", [[("a", "b")], "a: b", 5, ("a",)])
def test_what_is_no_mapping_is_refused(headers: Any) -> None:
    with pytest.raises(ConfigurationError, match="default_headers must be a dict"):
        checked_headers(headers)


@pytest.mark.parametrize("value", [None, 5, b"bytes", True, "é", "a\r\nx-evil: 1", "a\x00"])
def test_a_value_that_cannot_be_sent_names_the_header(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="'x-a'"):
        checked_headers({"x-fine": "b", "x-a": value})


@pytest.mark.parametrize("name", ["", "a b", "a:", ":authority", "é", None, 5, b"x-a"])
def test_a_name_that_cannot_be_sent_is_named(name: Any) -> None:
    with pytest.raises(ConfigurationError, match="cannot be the name of a header"):
        checked_headers({name: "b"})


@pytest.mark.parametrize(
    "name",
    ["Content-Length", "content-length", "Transfer-Encoding", "HOST", "Connection", "Keep-Alive", "Upgrade", "TE"],
)
def test_headers_that_follow_from_the_request_are_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        checked_headers({name: "1"})


def test_no_value_shows() -> None:
    assert SECRET not in repr(checked_headers({"x-a": SECRET}))
    with pytest.raises(ConfigurationError) as caught:
        checked_headers({"x-a": SECRET, "x-b": f"{SECRET}é"})
    assert SECRET not in str(caught.value)


NAMES = ["X-Api-Key", "Authorization", "cookie", "x-gateway-token", "CF-Access-Client-Secret", "x-session-id"]


@pytest.mark.parametrize("name", NAMES)
def test_a_calls_headers_are_masked_for_all_but_the_request(name: str) -> None:
    headers = call_headers({name: SECRET, "x-tenant": "acme"})
    for same in (headers, copy.copy(headers), copy.deepcopy({"a": headers})["a"], call_headers(headers)):
        assert json.loads(json.dumps(same)) == {name: MASK, "x-tenant": MASK}
        assert same.without_secrets == {name: MASK, "x-tenant": "acme"}
        assert SECRET not in repr(same)
        assert checked_headers(same) == {name: SECRET, "x-tenant": "acme"}
    with pytest.raises(pickle.PicklingError, match="extra_headers"):
        pickle.dumps(headers)


def test_a_calls_headers_without_a_secret_are_pickled() -> None:
    loaded = pickle.loads(pickle.dumps(call_headers({"x-tenant": "acme"})))
    assert checked_headers(loaded) == {"x-tenant": "acme"}


def test_a_calls_headers_that_cannot_be_sent_are_the_requests_fault() -> None:
    with pytest.raises(InvalidRequestError, match="extra_headers: the header 'Host'"):
        call_headers({"Host": "x"})
