"""Fields of an answer, in whatever form they came."""

from __future__ import annotations

from typing import Any

import pytest

from gumloop_core.reading.fields import excerpt, image_url, kind_of, read_parts, text_id
from tests.support.http_bytes import completion
from tests.support.read_answers import answered


def test_numbers_as_ids() -> None:
    call = {"id": 5, "function": {"name": "f", "arguments": "{}"}}
    got = answered({**completion(None, tool_calls=[call]), "id": 7})
    assert (got.id, got.tool_calls[0].id) == ("7", "5")


def test_content_in_parts() -> None:
    image = {"type": "image_url", "image_url": "u"}
    thought = {"type": "thinking", "thinking": "t"}
    parts = ["a", None, {"text": "b"}, image, thought, 5, {"type": "new"}]
    assert read_parts(parts) == ("ab", [thought], [image], [5, {"type": "new"}])


@pytest.mark.parametrize("entry", ["u", {"url": "u"}, {"image_url": "u"}, {"image_url": {"url": "u"}}])
def test_an_images_address(entry: Any) -> None:
    assert image_url(entry) == "u"


@pytest.mark.parametrize("entry", ["", 5, None, [], {}, {"url": ""}, {"image_url": {"url": 5}}, {"image_url": None}])
def test_no_address(entry: Any) -> None:
    assert image_url(entry) is None


@pytest.mark.parametrize(("value", "read"), [(7, "7"), ("7", "7"), ("", None), (True, None), (None, None), (1.5, None)])
def test_an_id_is_text(value: Any, read: str | None) -> None:
    assert text_id(value) == read


def test_what_made_no_sense_is_named_and_cut() -> None:
    kinds = [None, [], "", True, 1, 1.5, {}]
    expected = ["null", "an array", "a string", "a boolean", "a number", "a number", "something else"]
    assert [kind_of(value) for value in kinds] == expected
    assert excerpt(b"\xff<html>") == "'\ufffd<html>'"
    assert excerpt(b"x" * 201) == repr("x" * 200) + " …"
