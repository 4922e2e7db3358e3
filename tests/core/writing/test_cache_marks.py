"""Marks for prompt caching: on the last thing that says something, and never on the caller's own."""

from __future__ import annotations

from typing import Any

import pytest

from gumloop_core.errors import InvalidRequestError
from gumloop_core.writing.cache_marks import checked_mark, mark_last, mark_message

MARK = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}
PICTURE = {"type": "image_url", "image_url": {"url": "https://a.example/b.png"}}


def text(said: str, **more: Any) -> Any:
    return {"type": "text", "text": said, **more}


@pytest.mark.parametrize(
    ("parts", "marked"),
    [
        ([text("a"), text("b")], [text("a"), text("b", cache_control=MARK)]),
        ([text("a"), text(" \n")], [text("a", cache_control=MARK), text(" \n")]),
        ([text("a"), PICTURE], [text("a"), {**PICTURE, "cache_control": MARK}]),
        ([text("a", cache_control=HOUR)], [text("a", cache_control=HOUR)]),
    ],
    ids=["text", "empty text", "picture", "its own"],
)
def test_the_last_part_that_says_something_is_marked(parts: list[Any], marked: list[Any]) -> None:
    given = list(parts)
    before = [dict(part) for part in given]
    assert mark_last(parts, MARK)
    assert parts == marked
    assert given == before


@pytest.mark.parametrize("parts", [[], [text("")], [text(" ")]], ids=["nothing", "empty", "blank"])
def test_where_nothing_is_said_nothing_is_marked(parts: list[Any]) -> None:
    assert not mark_last(parts, MARK)
    assert "cache_control" not in str(parts)


@pytest.mark.parametrize("content", [None, "", []], ids=["none", "empty", "no parts"])
def test_a_message_without_content_stays_as_it_is(content: Any) -> None:
    message: Any = {"role": "assistant", "content": content}
    mark_message(message, MARK)
    assert message == {"role": "assistant", "content": content}


def test_a_mark_is_a_dict_of_its_own() -> None:
    mark = checked_mark(HOUR)
    assert mark == HOUR
    assert mark is not HOUR
    with pytest.raises(
        InvalidRequestError, match=r"cache_control must be a dict, \{'type': 'ephemeral'\} say, not True"
    ):
        checked_mark(True)
