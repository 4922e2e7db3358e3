"""The document in a structured answer: found among words, never made of half an answer, read in linear time."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from gumloop_core import structured
from gumloop_core.structured import Paced, PartialDocument, read_document

SONG = {"title": "x"}


@pytest.mark.parametrize(
    "text",
    [
        '{"title": "x"}',
        ' \n{"title": "x"}\n ',
        'Here it is: {"title": "x"}',
        '{"title": "x"} I hope that {this} helps.',
        '{"title": "x"}\n\n{"title": "x"}',
        '```json\n{"title": "x"}\n```',
        '```JSON\n{"title": "x"}\n```',
        '``` Json   \n{"title": "x"}\n  ```',
        '```\n{"title": "x"}```',
        '~~~\n{"title": "x"}\n~~~',
        'Sure.\n```json5\n{"title": "x"}\n```\nAnything else?',
        'As in [1], {name} and {"a"}: {"title": "x"}',
        'It is [{"title": "x"}].',
    ],
)
@pytest.mark.parametrize("finish_reason", ["stop", "length", "content_filter", "tool_calls", None])
def test_a_whole_object_is_found(text: str, finish_reason: str | None) -> None:
    assert read_document(text, finish_reason, root_type="object") == (SONG, None, "")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[1, 2]", [1, 2]),
        ('The list: ["a"]', ["a"]),
        ("```json\n[1]\n```", [1]),
        ("5", 5),
        ('```json\n"a"\n```', "a"),
        ("null", None),
    ],
)
def test_other_documents_are_read(text: str, value: Any) -> None:
    assert read_document(text, "stop") == (value, None, "")
    if isinstance(value, list):
        assert read_document(text, "stop", root_type="array").value == value


@pytest.mark.parametrize(
    ("text", "finish_reason", "problem"),
    [
        ('{"title": "x', "length", "length"),
        ('{"title": "x', "content_filter", "content_filter"),
        ('{"title": "x', "stop", "not_json"),
        ('{"list": [{"title": "x"}, {"title"', "length", "length"),
        ('{"list": [{"title": "x"}, {"title"', "stop", "not_json"),
        ('{"a": oops, "b": {"title": "x"}}', "stop", "not_json"),
        ('For example {"title": "x"}. So: {"title": "lo', "length", "length"),
        ("12", "length", "length"),
        ("", "length", "length"),
        ("", "stop", "empty"),
        (" \n", None, "empty"),
        ("I cannot.", "stop", "not_json"),
        ('{"title": "x"} or {"title": "y"}', "stop", "not_json"),
        ("[" * 5000, "stop", "not_json"),
        ('{"a": ' * 5000, "stop", "not_json"),
    ],
)
def test_anything_else_is_no_document(text: str, finish_reason: str | None, problem: str) -> None:
    document = read_document(text, finish_reason, root_type="object")
    assert (document.value, document.problem) == (None, problem)
    assert document.reason
    assert len(document.reason) < 400


def test_a_refusal_comes_first() -> None:
    document = read_document('{"title": "x"}', "stop", refusal="No.")
    assert (document.value, document.problem, document.reason) == (None, "refusal", "The model refused: No.")


LONG = ["{", "[", " ", "```", "``` ", "{ ", '{"a":', '{"', '{"\\"', '"\\', "[1]", "[[1]", "{}", "{[", '{"a', "\n"]


@pytest.mark.parametrize("text", LONG, ids=repr)
def test_every_character_is_looked_at_a_few_times_at_most(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fence of old took time quadratic in spaces."""
    steps = 0

    class Counting:
        def __init__(self, pattern: re.Pattern[str]) -> None:
            self._pattern = pattern

        def search(self, text: str, place: int = 0) -> re.Match[str] | None:
            nonlocal steps
            found = self._pattern.search(text, place)
            steps += (found.end() if found is not None else len(text)) - place
            return found

        def finditer(self, text: str, place: int = 0) -> Any:
            nonlocal steps
            for found in self._pattern.finditer(text, place):
                steps += found.end() - place
                place = found.end()
                yield found
            steps += len(text) - place

    for name in ("_BEGINNING", "_TEXT_OR_BRACKET"):
        monkeypatch.setattr(structured, name, Counting(getattr(structured, name)))
    for root_type in (None, "object", "array"):
        for finish_reason in ("stop", "length"):
            long = text * 20_000
            steps = 0
            read_document(long, finish_reason, root_type=root_type)  # type: ignore[arg-type]
            assert steps <= 4 * len(long)


@pytest.mark.parametrize("size", [1, 3, 100])
def test_words_before_a_document_that_arrives_are_read_over(size: int) -> None:
    text = 'Here it is:\n```json\n{"title": "long", "n": [1]}\n```'
    document = PartialDocument("object")
    pieces = [text[place : place + size] for place in range(0, len(text), size)]
    states = [document.snapshot() for piece in pieces if document.feed(piece)]
    assert states[-1] == {"title": "long", "n": [1]}
    assert states[0] == {} or size == 100


def test_snapshots_without_unfinished_items() -> None:
    document = PartialDocument()
    document.feed('{"a": [{"b": [{"c": 1}, {"d": "x')
    assert list(document.snapshots()) == [
        {"a": [{"b": [{"c": 1}, {"d": "x"}]}]},
        {"a": [{"b": [{"c": 1}]}]},
        {"a": []},
    ]


@pytest.mark.parametrize("length", [100, 10_000, 1_000_000])
def test_work_that_is_paced_grows_with_the_text(length: int) -> None:
    pace, done = Paced(), 0
    for place in range(0, length, 5):
        if pace.is_due("12345"):
            done += place
    assert done <= 40 * length


def test_a_document_of_many_brackets_is_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read = 0

    def counted(text: str) -> Any:
        nonlocal read
        read += len(text)
        return json.loads(text)

    monkeypatch.setattr(structured, "decode_text", counted)
    text = "Words " + json.dumps([{"a": number} for number in range(500)])
    assert len(read_document(text, "stop", root_type="array").value) == 500
    assert read <= 2 * len(text)
