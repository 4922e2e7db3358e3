"""Values of every JSON type, and documents in which something is not what it should be."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

from tests.core.strategies import FIELDS, WORDS


def deep(levels: int) -> Any:
    """An object in an object, and so on."""
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


NUMBERS = st.sampled_from([0, 1, -1, 2, 7, 402, 429, 500, 10**30, -(10**30), 0.5, -0.0, 1e308, 2**53 + 1])
NOT_FINITE = st.sampled_from([float("nan"), float("inf"), float("-inf")])
TEXTS = st.one_of(
    WORDS,
    st.text(max_size=4),
    st.sampled_from(
        [
            " ",
            "\n",
            "0",
            "null",
            "[DONE]",
            "data: [DONE]\n\n",
            "\ud800",
            "\x00",
            "x" * 20_000,
            "data:image/png;base64,AA==",
            "data:,",
            "http://[",
            "https://example.org/a",
            '{"a": 1}',
            "{}",
            "NaN",
        ]
    ),
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
SMALL = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.one_of(FIELDS, WORDS), inner, max_size=3)),
    max_leaves=5,
)
ODD: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from([None, True, 5, 0.5, "", "text", [], {}, [None], [5], [[]], ["a"], [{}], {"a": 1}]),
    SMALL,
    NOT_FINITE,
    st.builds(deep, st.sampled_from([2, 60, 150])),
    st.just([1] * 3000),
)
"""Any JSON value; the first ones are one of each type."""


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to everything inside a document."""
    found: list[tuple[Any, ...]] = []
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, inner in items:
        found.append((*path, key))
        found += places(inner, (*path, key))
    return found


def at(document: Any, path: tuple[Any, ...]) -> Any:
    """What is at a path."""
    for key in path:
        document = document[key]
    return document


@st.composite
def spoiled(draw: st.DrawFn, document: Any, *, values: st.SearchStrategy[Any] = ODD, most: int = 3) -> Any:
    """A document with some of its parts replaced, left out, doubled, swapped, or added to."""
    document = copy.deepcopy(document)

    def anything() -> Any:
        return copy.deepcopy(draw(values))  # what is sampled is shared between examples, and changed further here

    for _ in range(draw(st.integers(1, most))):
        paths = places(document)
        if not paths:
            break
        *parent, key = draw(st.sampled_from(paths))
        holder = at(document, tuple(parent))
        deed = draw(st.sampled_from(["replace", "replace", "replace", "leave out", "add", "double", "wrap", "swap"]))
        if deed == "leave out":
            del holder[key]
        elif deed == "wrap":
            holder[key] = draw(st.sampled_from([[holder[key]], {"text": holder[key]}, str(holder[key])]))
        elif deed == "add":
            inner = holder[key]
            target = inner if isinstance(inner, (dict, list)) else holder
            if isinstance(target, dict):
                target[draw(FIELDS)] = anything()
            else:
                target.insert(draw(st.integers(0, len(target))), anything())
        elif deed == "double" and isinstance(holder, list):
            holder.insert(key, copy.deepcopy(holder[key]))
        elif deed == "swap" and isinstance(holder, list):
            holder.reverse()
        else:
            holder[key] = anything()
    return document
