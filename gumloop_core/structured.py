"""Structured answers: the JSON document in an answer, whole or while it arrives. No I/O.

Models that know no ``response_format`` put words or a Markdown fence around the document, so it is looked for. A
document that was cut off is never taken for a whole one, and neither is a part of one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple, TypeAlias

from gumloop_core.json_text import decode_text
from gumloop_core.reading.arguments import was_cut_off
from gumloop_core.reading.partial_json import ANY, PartialJSON, Shape

RootType: TypeAlias = Literal["object", "array"] | None
"""What the document must be at its root; ``None`` for anything."""

Problem: TypeAlias = Literal["refusal", "content_filter", "length", "empty", "not_json"]
"""Why there is no document: the model refused; a filter or the token limit cut the answer off; there is no text, or it
holds no JSON."""

_LONGEST_SHOWN = 300

# Each alternative ends where the text does at the latest, so that no character is read twice.
_TEXT_OR_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
_BEGINNING = re.compile(r'\{(?=\s*["}])|\[(?=\s*[\[\]{"\d\-tfn])')
_FENCE_LABEL = re.compile(r"```[ \t]*[A-Za-z]*\s*")


class Document(NamedTuple):
    """What was found in an answer.

    Attributes:
        value: The JSON document; ``None`` where there is a problem.
        problem: Why there is none, ``None`` if there is one.
        reason: The problem in words; empty if there is none.
    """

    value: Any
    problem: Problem | None = None
    reason: str = ""


def read_document(
    text: str, finish_reason: str | None, *, refusal: str | None = None, root_type: RootType = None
) -> Document:
    """Read the JSON document of a whole answer.

    Args:
        text: The answer's text.
        finish_reason: Why the answer ended. A document that was complete by then is taken.
        refusal: The model's words, if it refused.
        root_type: What the document must be, where it has to be looked for among words.
    """
    if refusal:
        return Document(None, "refusal", f"The model refused: {refusal}")
    cut_off = was_cut_off(finish_reason)
    try:
        value = decode_text(text)
    except ValueError:
        pass
    else:
        if not cut_off or isinstance(value, (dict, list, str)):  # a number may have been about to go on
            return Document(value)
    found = _found(text, root_type, cut_off)
    if found:
        return (
            Document(found[0]) if found.count(found[0]) == len(found) else Document(None, "not_json", _several(found))
        )
    if finish_reason == "length":
        reason = "The answer was cut off at the token limit before its JSON was whole. Raise max_completion_tokens."
        return Document(None, "length", reason)
    if finish_reason == "content_filter":
        return Document(None, "content_filter", "A content filter stopped the answer before its JSON was whole.")
    if not text.strip():
        return Document(None, "empty", "The model's answer is empty.")
    return Document(None, "not_json", f"The model's answer is not JSON: {_shown(text)}.")


def _found(text: str, root_type: RootType, cut_off: bool) -> list[Any]:
    """The documents within a text, in the time of reading it once."""
    documents: list[Any] = []
    place = 0
    while (beginning := _BEGINNING.search(text, place)) is not None:
        begin = beginning.start()
        if root_type == "object" and text[begin] == "[":
            place = begin + 1  # a list of objects, or a mark like [1]
            continue
        end = _end_of_brackets(text, begin)
        if end is None:
            # What is inside is no document of its own.
            return [] if cut_off else documents
        place = end
        if root_type != "array" or text[begin] == "[":
            try:
                documents.append(decode_text(text[begin:end]))
            except ValueError:
                continue
    if documents or root_type is not None:
        return documents
    label = _FENCE_LABEL.match(text.strip())
    if label is None:
        return []
    try:
        return [decode_text(text.strip()[label.end() :].removesuffix("```"))]
    except ValueError:
        return []


def _end_of_brackets(text: str, begin: int) -> int | None:
    """Where what opens at a place is closed, ``None`` if it is not."""
    depth = 0
    for token in _TEXT_OR_BRACKET.finditer(text, begin):
        mark = token.group()
        if mark in ("{", "["):
            depth += 1
        elif mark in ("}", "]"):
            depth -= 1
            if depth == 0:
                return token.end()
    return None


def _several(found: list[Any]) -> str:
    return f"The model's answer holds {len(found)} JSON documents, and which one is meant is not clear."


def _shown(text: str) -> str:
    return repr(text) if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]!r} …"


class PartialDocument:
    """Reads the document of an answer while it arrives; see :class:`gumloop_core.reading.partial_json.PartialJSON`.

    Words and a fence before the document are read over.

    Args:
        root_type: What the document must be at its root.
        shape: What to make of its arrays and objects.
    """

    def __init__(self, root_type: RootType = None, shape: Shape = ANY) -> None:
        self._reader = PartialJSON(shape)
        self._openings = {"object": "{", "array": "["}.get(root_type or "", "{[")
        self._has_begun = False

    def feed(self, piece: str) -> bool:
        """Read the next piece; returns whether there is more to show than before."""
        if not self._has_begun:
            places = [place for place in map(piece.find, self._openings) if place >= 0]
            if not places:
                return False
            self._has_begun = True
            piece = piece[min(places) :]
        return self._reader.feed(piece)

    def snapshot(self) -> Any:
        """What is certain so far, ``None`` if that is nothing."""
        return self._reader.snapshot()

    def snapshots(self) -> Iterator[Any]:
        """What is certain so far, and then the same without unfinished items of lists."""
        return self._reader.snapshots()


class Paced:
    """Says when work that grows with the answer is due again, so that all of it together grows with the answer too.

    Validating a growing object at each of its pieces takes quadratic time. Done again once the text has grown by a
    32nd, it takes linear time, and a short answer is still shown at every piece.
    """

    def __init__(self) -> None:
        self._length = self._due = 0

    def is_due(self, piece: str) -> bool:
        """Count a piece; returns whether the work is due."""
        self._length += len(piece)
        if self._length < self._due:
            return False
        self._due = self._length + self._length // 32
        return True
