"""What any answer must be measured by, whatever it was read from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any


def texts_in(document: Any) -> Iterator[str]:
    """All texts of a document, in its order."""
    if isinstance(document, str):
        yield document
    elif isinstance(document, dict):
        for value in document.values():
            yield from texts_in(value)
    elif isinstance(document, list):
        for value in document:
            yield from texts_in(value)


def arguments_in(document: Any) -> Iterator[Any]:
    """Everything in a document that is called arguments, in its order."""
    if isinstance(document, dict):
        for name, value in document.items():
            if name == "arguments":
                yield value
            else:
                yield from arguments_in(value)
    elif isinstance(document, list):
        for value in document:
            yield from arguments_in(value)


def is_within(piece: str, whole: str) -> bool:
    """Whether a text is a longer one with some of it left out."""
    characters = iter(whole)
    return all(character in characters for character in piece)


def assert_nothing_is_made_up(meaning: dict[str, Any], *documents: Any) -> None:
    """Text, reasoning and the arguments of calls were on the wire; a call that may run has a whole object."""
    wire = "".join(text for document in documents for text in texts_in(document))
    for field in ("text", "reasoning", "refusal"):
        assert is_within(meaning[field], wire), f"the {field} was not on the wire: {meaning[field]!r}"
    given = [value for document in documents for value in arguments_in(document)]
    written = "".join(value if isinstance(value, str) else json.dumps(value) for value in given)
    for _, _, arguments in meaning["calls"]:
        assert isinstance(arguments, dict), arguments
        if arguments:
            texts = [word for word in texts_in(_with_names(arguments)) if word.isascii() and word.isalnum()]
            assert all(is_within(word, written) for word in texts), f"arguments were not on the wire: {arguments}"


def _with_names(value: Any) -> Any:
    if isinstance(value, dict):
        return [[name, _with_names(inner)] for name, inner in value.items()]
    return [_with_names(inner) for inner in value] if isinstance(value, list) else value
