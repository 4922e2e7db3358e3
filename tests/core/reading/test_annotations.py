"""Annotations of an answer's text: which are citations of web pages."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gumloop_core.reading.annotations import Citation, read_citation

FIELDS = {"url": "https://a.example/1", "title": "One", "start_index": 3, "end_index": 9, "content": "words"}


@pytest.mark.parametrize(
    "annotation",
    [
        {"type": "url_citation", "url_citation": FIELDS},
        {"type": "url_citation", **FIELDS},
        {"type": "url_citation", **FIELDS, "start_index": 3.0},
        {"type": "url_citation", **{**FIELDS, "content": None}, "cited_text": "words"},
    ],
    ids=["nested", "flat", "index as a float", "cited_text"],
)
def test_a_citation_has_its_address_its_place_and_its_words(annotation: dict[str, Any]) -> None:
    assert read_citation(annotation) == Citation("https://a.example/1", "One", 3, 9, "words")


def test_an_address_is_enough() -> None:
    odd = {"url": "https://a.example", "title": ["x"], "start_index": -1, "end_index": True, "content": 5}
    assert read_citation({"type": "url_citation", "url_citation": odd}) == Citation("https://a.example")


@pytest.mark.parametrize(
    "annotation",
    [
        {"type": "file", "file": {"hash": "f"}},
        {"type": "url_citation"},
        {"type": "url_citation", "url_citation": {"url": ""}},
        {"type": ["url_citation"], **FIELDS},
        {**FIELDS},
    ],
)
def test_what_is_no_citation_is_none(annotation: dict[str, Any]) -> None:
    assert read_citation(annotation) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*FIELDS, "url_citation"]), inner),
    max_leaves=8,
)


@given(JSON)
def test_any_json_is_a_citation_or_none(junk: Any) -> None:
    for annotation in (junk, {"type": "url_citation", "url_citation": junk}):
        citation = read_citation(annotation)
        assert citation is None or citation.url
