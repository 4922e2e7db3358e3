"""The reader of unfinished JSON: true, monotone, and linear."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gumloop_core.reading import partial_json
from gumloop_core.reading.partial_json import PartialJSON
from tests.contract.llama_index.suite.structured import grows

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda values: st.lists(values, max_size=4) | st.dictionaries(st.text(max_size=5), values, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text(max_size=5), VALUES, max_size=5)


def read(pieces: list[str]) -> list[Any]:
    """What is certain after each piece that brought something new."""
    reader = PartialJSON()
    return [reader.snapshot() for piece in pieces if reader.feed(piece)]


def cut(text: str, size: int) -> list[str]:
    return [text[place : place + size] for place in range(0, len(text), size)]


@settings(max_examples=300, deadline=None)
@given(value=OBJECTS, size=st.integers(1, 7), ascii_only=st.booleans(), indent=st.sampled_from([None, 1]))
def test_the_end_is_the_document_and_the_way_there_only_grows(value, size: int, ascii_only: bool, indent):
    states = read(cut(json.dumps(value, ensure_ascii=ascii_only, indent=indent), size))
    assert states[-1] == value
    assert all(grows(earlier, later) for earlier, later in pairwise(states))


@settings(max_examples=200, deadline=None)
@given(text=st.text(alphabet='{}[]",:\\ tfn01.e-u/d8', max_size=60), size=st.integers(1, 5))
def test_nonsense_is_left_unread(text: str, size: int):
    states = read(cut(text, size))
    assert all(type(state) in (dict, list, str, int, float, bool, type(None)) for state in states)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": "hel', {"a": "hel"}),
        ('{"a": 12', {}),  # may go on
        ('{"a": 12,', {"a": 12}),
        ('{"a": tru', {}),
        ('{"a": true}', {"a": True}),
        ('{"a', {}),
        ('{"a": "x\\', {"a": "x"}),
        ('{"a": "x\\u00', {"a": "x"}),
        ('{"a": "\\ud83d', {"a": ""}),
        ('{"a": "\\ud83d\\ude00', {"a": "😀"}),
        ('{"a": [1, {"b": "c', {"a": [1, {"b": "c"}]}),
        ('{"a": 1} and more', {"a": 1}),
        ('{"a": 1, oops: 2, "b": 3}', {"a": 1}),
        ('{"a": {}, "b": [', {"a": {}, "b": []}),
        ('{"a": "\\x"}', {"a": ""}),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 100])
def test_what_is_certain(text: str, expected: Any, size: int):
    assert read(cut(text, size))[-1] == expected


def test_a_snapshot_does_not_change():
    reader = PartialJSON()
    reader.feed('{"a": [1, {"b": "x')
    before = reader.snapshot()
    reader.feed('y"}, 2], "c": 3}')
    assert before == {"a": [1, {"b": "x"}]}
    assert reader.snapshot() == {"a": [1, {"b": "xy"}, 2], "c": 3}


def test_a_document_that_is_too_deep_is_left_at_that():
    reader = PartialJSON()
    assert reader.feed("[" * 100_000)
    value, depth = reader.snapshot(), 0
    while value:
        value, depth = value[0], depth + 1
    assert depth == partial_json.DEEPEST


def test_every_character_is_read_once():
    """The work is linear: what has been read is not read again, however small the pieces."""

    text = json.dumps({"items": [{"title": f"number {number}", "n": number} for number in range(300)]})
    steps = 0
    reader = PartialJSON()
    inner_text, inner_token = reader._read_text, reader._read_token

    def counted(inner):
        def step(unread: str, place: int):
            nonlocal steps
            steps += 1
            assert len(unread) <= 12 + 8  # what was unread is a part of one token at most
            return inner(unread, place)

        return step

    reader._read_text, reader._read_token = counted(inner_text), counted(inner_token)
    for piece in cut(text, 8):
        reader.feed(piece)
    assert reader.snapshot() == json.loads(text)
    assert steps <= len(text)
