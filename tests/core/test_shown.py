"""A caller's value in an error's words."""

from __future__ import annotations

import pytest

from gumloop_core.shown import named, shown, with_article


class Silent:
    def __repr__(self) -> str:
        raise RuntimeError("no words")


def test_it_is_as_python_writes_it_and_short() -> None:
    assert shown({"a": [1, "x"]}) == "{'a': [1, 'x']}"
    assert len(shown("x" * 10_000)) <= 200
    assert len(shown(10**4_000)) <= 200
    assert len(shown(list(range(10_000)))) < 200


def test_what_cannot_be_written_is_named_by_its_class() -> None:
    assert "Silent" in shown(Silent())
    holds_itself: list[object] = []
    holds_itself.append(holds_itself)
    assert shown(holds_itself)


@pytest.mark.parametrize(
    ("value", "name"),
    [(5, "an int"), ("x", "a str"), ([], "a list"), (Silent(), "a Silent"), (OSError(), "an OSError")],
)
def test_a_class_has_its_article(value: object, name: str) -> None:
    assert named(value) == name


def test_a_user_has_the_article_of_its_sound() -> None:
    assert (with_article("user"), with_article("answer")) == ("a user", "an answer")
