"""Which error a status, a body or a chunk means, and what it says."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from gumloop_core import Completion, errors
from gumloop_core.errors import (
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    GumloopError,
    InsufficientCreditsError,
    NotFoundError,
    NotSupportedError,
    PermissionDeniedError,
    ProviderError,
    RateLimitError,
    RequestTooLargeError,
    ServerError,
)
from gumloop_core.reading.status_errors import status_error
from tests.support.counting import calls_made

CLASSES = {
    400: BadRequestError,
    401: AuthenticationError,
    402: InsufficientCreditsError,
    403: PermissionDeniedError,
    404: NotFoundError,
    405: APIStatusError,
    409: APIStatusError,
    413: RequestTooLargeError,
    418: APIStatusError,
    422: BadRequestError,
    429: RateLimitError,
    500: ServerError,
    501: NotSupportedError,
    502: ProviderError,
    503: ServerError,
    529: ServerError,
}

SHAPES = {
    "error object": {"error": {"code": "some_code", "message": "what happened", "type": "t", "param": "p"}},
    "code and message": {"error": "some_code", "message": "what happened", "metadata": {"a": 1}},
    "oauth": {"error": "some_code", "error_description": "what happened"},
    "detail": {"error": "some_code", "detail": "what happened"},
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("status", CLASSES)
def test_statuses_in_every_shape(status: int, shape: str) -> None:
    error = status_error(status, SHAPES[shape])
    assert type(error) is CLASSES[status]
    assert (error.status_code, error.code) == (status, "some_code")
    assert str(error).startswith(f"{status} some_code")
    assert "what happened" in str(error)
    assert error.body == SHAPES[shape]
    assert error.message == str(error)
    assert isinstance(error, GumloopError)


def test_the_plans_shape() -> None:
    error = status_error(403, {"error": "tier_required_pro", "minimum_tier": "pro", "seats": 5, "more": {"a": 1}})
    assert error.code == "tier_required_pro"
    assert "minimum_tier pro, seats 5" in str(error)


def test_an_error_says_what_to_do() -> None:
    assert "GUMLOOP_API_KEY" in str(status_error(401, {}))
    assert "GUMLOOP_USER_ID" in str(status_error(403, {}))
    assert "concurrency" in str(status_error(429, {}))
    assert "Add credits" in str(status_error(402, {}))
    assert "base_url" in str(status_error(404, {}))


@pytest.mark.parametrize(
    "body", [None, "", [], 5, True, {}, {"error": None}, {"error": {}}, {"error": []}, {"message": 5}]
)
def test_bodies_that_say_nothing(body: Any) -> None:
    assert str(status_error(500, body)) in ("500: no reason was given.", "500: message 5.")


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        ("Bad gateway", "502: Bad gateway."),
        ("upstream\n\n  connect   error", "502: upstream connect error."),
        ("<html><head><TITLE lang=en> 502\nBad </TITLE></head><body>x</body>", "502: 502 Bad (a page from a proxy"),
        ("<p>No <b>route</b></p>", "502: No route (a page from a proxy"),
        ("<title>never closed", "502: never closed (a page from a proxy"),
        ("x" * 1000, "502: " + "x" * 300 + "."),
    ],
)
def test_pages_from_proxies(page: str, shown: str) -> None:
    error = status_error(502, page)
    assert str(error).startswith(shown)
    assert error.body == page


@pytest.mark.parametrize("page", ["<" * 64_000, "<title" * 10_000, "<title>" * 9_000, "<a" * 32_000])
def test_hostile_pages_are_read_in_few_steps(page: str) -> None:
    """Patterns that look back would take minutes here; the suite's timeout is the judge."""
    for _ in range(50):
        assert len(str(status_error(502, page))) < 500


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"error": {"code": 402, "message": "m"}}, 402),
        ({"error": {"code": "429", "message": "m"}}, 429),
        ({"error": {"type": "overloaded_error", "message": "m"}}, 529),
        ({"error": "rate_limit_exceeded"}, 429),
        ({"error": {"code": 200, "message": "m"}}, 200),
        ({"error": {"code": 9999, "message": "m"}}, 200),
        ({"error": {"code": "new_code", "message": "m"}}, 200),
        ({"error": {"code": "²", "message": "m"}}, 200),
        ({"error": {"code": "4" * 5000, "message": "m"}}, 200),
        ({"error": {"code": 10**400, "message": "m"}}, 200),
        ({"error": {"code": float("nan"), "message": "m"}}, 200),
        ({"error": {"code": None, "message": "m"}}, 200),
        ({"error": {"code": ["x"], "message": "m"}}, 200),
    ],
)
def test_the_status_of_an_error_inside_an_answer(body: Any, status: int) -> None:
    error = status_error(200, body)
    assert error.status_code == status
    assert isinstance(error, CLASSES.get(status, APIStatusError))


def test_the_http_status_wins_over_a_code_in_the_body() -> None:
    assert status_error(400, {"error": {"code": 500, "message": "m"}}).status_code == 400


MESSAGES = [
    {"role": "system", "content": "s"},
    {"role": "assistant", "content": None, "tool_calls": [{"id": "c1"}, {"id": "c2"}, {}]},
    {"role": "tool", "content": "t", "tool_call_id": "c9"},
]


@pytest.mark.parametrize(
    ("error", "caller_indices", "index", "shown"),
    [
        ({"param": "messages[2].tool_call_id", "message": "m"}, None, 2, "is message 2 of the ones you passed"),
        ({"param": "messages[2]", "message": "m"}, [-1, 0, 0], 0, "is message 0 of the ones you passed"),
        ({"param": "messages[0]", "message": "m"}, [-1, 0, 1], None, "the adapter put in front of yours"),
        ({"message": "messages.1.content: bad"}, None, 1, "(assistant calling 'c1', 'c2', None)"),
        ({"message": "Invalid 'messages[2]'"}, None, 2, "(tool answering 'c9')"),
        ({"message": "messages[3] is not there"}, None, None, None),
        ({"message": "messages[" + "9" * 5000 + "]"}, None, None, None),
        ({"message": "messages[-1]"}, None, None, None),
        ({"message": "tools[2] is bad", "param": "tools[2]"}, None, None, None),
    ],
)
def test_messages_that_are_named(error: Any, caller_indices: Any, index: int | None, shown: str | None) -> None:
    got = status_error(400, {"error": error}, messages=MESSAGES, caller_indices=caller_indices)
    assert got.message_index == index
    if shown is None:
        assert "you passed" not in str(got)
    else:
        assert shown in str(got)


def test_long_words_are_cut_in_the_message_and_kept_in_the_body() -> None:
    long = "word " * 100_000
    for body in ({"error": {"message": long}}, {"error": "c", "message": long}, {"error": "c", "note": long}):
        error = status_error(500, body)
        assert len(str(error)) < 5000
        assert error.body is body


def test_words_that_try_to_be_code_are_words() -> None:
    words = "%s {0} {error.__class__} \x1b[31mred\x1b[0m ${jndi:ldap://x} \ud800"
    error = status_error(500, {"error": {"message": words}})
    assert words.replace("\ud800", "?") in str(error)
    assert error.body["error"]["message"] == words


ALL = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, GumloopError) and not issubclass(kind, APIStatusError)
]


@pytest.mark.parametrize("kind", ALL)
def test_errors_cross_processes(kind: type[GumloopError]) -> None:
    error = kind("what happened", partial=Completion(text="half"))
    for same in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(same) is kind
        assert (str(same), same.message, same.partial) == ("what happened", "what happened", Completion(text="half"))


def test_status_errors_cross_processes() -> None:
    error = status_error(429, SHAPES["error object"], retry_after=7.0, partial=Completion(text="half"))
    same = pickle.loads(pickle.dumps(error))
    assert type(same) is RateLimitError
    assert same.__dict__ == error.__dict__
    assert same.args == error.args


def test_work_is_linear_in_the_message() -> None:
    def make(size: int) -> Any:
        return lambda: status_error(400, {"error": {"message": "messages context tokens " * size}})

    assert calls_made(make(2000)) <= calls_made(make(200)) + 10
