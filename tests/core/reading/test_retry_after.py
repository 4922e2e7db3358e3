"""How long a server asks to wait."""

from __future__ import annotations

import math
from typing import Any

import httpx
import pytest

from gumloop_core import GumloopClient
from gumloop_core.errors import APIStatusError
from gumloop_core.reading.retry_after import longest_retry_after, read_retry_after
from gumloop_core.reading.status_errors import status_error
from tests.support.core_driver import body, settings_for
from tests.support.http_bytes import event


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        (" 1.5 ", 1.5),
        ("-3", 0.0),
        ("1e400", math.inf),
        ("nan", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("Wed, 21 Oct 2015 07:28:10 GMT", 10.0),
        ("Wed, 21 Oct 2015 07:27:00 GMT", 0.0),
        ("Wed, 21 Oct 2015 07:28:10 -0000", 10.0),
        ("Wednesday, 21-Oct-15 07:28:10 GMT", 10.0),
        ("Wed Oct 21 07:28:10 2015", 10.0),
        ("Wed, 99 Oct 2015 07:28:10 GMT", None),
        ("Wed, 21 Oct 99999 07:28:10 GMT", None),
        ("Wed, 21 Oct 0001 07:28:10 GMT", 0.0),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert read_retry_after(header, now=1445412480.0) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([], None),
        (["2", "5"], 5.0),
        (["5", "soon"], 5.0),
        (["2, 5"], 5.0),
        (["2", "Wed, 21 Oct 2015 07:28:10 GMT"], 10.0),
        (["soon, later"], None),
        (["nan", "-1"], 0.0),
    ],
)
def test_of_several_headers_the_longest_wish_counts(headers: list[str], seconds: float | None) -> None:
    assert longest_retry_after(headers, now=1445412480.0) == seconds


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        ({"metadata": {"headers": {"Retry-After": "7"}}}, 7.0),
        ({"metadata": {"headers": {"retry-after": 7}}}, 7.0),
        ({"metadata": {"headers": {"Retry-After": ["3", "7"]}}}, 7.0),
        ({"metadata": {"retry_after_seconds": 1.5}}, 1.5),
        ({"retry_after": 0}, 0.0),
        ({"retry_after": -3}, 0.0),
        ({"retry_after": "nan"}, None),
        ({"retry_after": True}, None),
        ({"retry_after": None}, None),
        ({"retry_after": 10**400}, None),
        ({"retry_after": {"a": 1}}, None),
        ({"metadata": {"headers": "Retry-After: 7"}}, None),
        ({"metadata": {"headers": {"X-RateLimit-Reset": "1741305600000"}}}, None),
        ({"details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"}]}, 34.0),
        ({"details": [{"retryDelay": "0.5s"}, 5, None]}, 0.5),
    ],
)
def test_a_wish_in_the_body(error: dict[str, Any], seconds: float | None) -> None:
    """OpenRouter's errors hold their provider's headers, Google's a ``RetryInfo``."""
    for status in (200, 429, 503):
        for shape in (
            {"error": {"code": 429, "message": "m", **error}},
            {"error": "busy", "message": "m", **error},
            [{"error": {"code": 429, "message": "m", **error}}],
        ):
            assert status_error(status, shape).retry_after == seconds


def test_the_header_wins_over_the_body() -> None:
    assert status_error(429, {"error": {"message": "m", "retry_after": 9}}, retry_after=2.0).retry_after == 2.0


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("status", [200, 429, 503])
def test_the_error_tells_it(status: int, stream: bool) -> None:
    failure = {"error": {"code": 429, "message": "m", "metadata": {"headers": {"Retry-After": "7"}}}}

    def answer(_request: httpx.Request) -> httpx.Response:
        if stream and status == 200:
            return httpx.Response(200, content=b": wait\n\n" + event(failure))
        headers = [("retry-after", "5"), ("retry-after", "8")] if status == 503 else []
        return httpx.Response(status, headers=headers, json=failure)

    client = GumloopClient(
        settings_for("http://127.0.0.1:9", max_retries=0), httpx.Client(transport=httpx.MockTransport(answer))
    )
    with pytest.raises(APIStatusError) as caught:
        list(client.stream(body(stream=True))) if stream else client.complete(body())
    assert caught.value.retry_after == (8.0 if status == 503 else 7.0)
