"""What the router is asked."""

from __future__ import annotations

from typing import Any

import pytest

from gumloop_core.errors import InvalidRequestError
from gumloop_core.writing.route_body import route_body


def test_route_bodies() -> None:
    assert route_body("hi", None, {}, None) == {"input": "hi"}
    assert route_body("hi", ("a",), {"history": []}, "t") == {
        "input": "hi",
        "models": ["a"],
        "history": [],
        "team_id": "t",
    }


@pytest.mark.parametrize(
    ("input", "models", "options", "refusal"),
    [
        (5, None, {}, "input must be a text or a list"),
        (None, None, {}, "input must be a text or a list"),
        ("x", "abc", {}, "models must be a list of texts, not str"),
        ("x", 5, {}, "models must be a list of texts, not int"),
        ("x", None, {"history": {1}}, "history is a set"),
        ([{"text": {1}}], None, {}, r"input\[0\]\.text is a set"),
    ],
)
def test_what_the_router_cannot_be_asked(input: Any, models: Any, options: dict[str, Any], refusal: str) -> None:
    with pytest.raises(InvalidRequestError, match=refusal):
        route_body(input, models, options, None)
