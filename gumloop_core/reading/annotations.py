"""Annotations of an answer's text: citations of web pages read, everything else left as it came. No I/O.

A ``url_citation`` comes nested, ``{"type": "url_citation", "url_citation": {"url", "title", "start_index",
"end_index", "content"}}`` (OpenAI's chat completions, OpenRouter), or flat, with the fields beside ``type``
(OpenAI's responses, which some gateways pass on).
"""

from __future__ import annotations

from typing import Any, NamedTuple

_LARGEST_INDEX = 2**53
"""Beyond this no number is a place in a text, and JSON readers lose precision."""


class Citation(NamedTuple):
    """A web page that an answer's text refers to.

    Attributes:
        url: The page's address.
        title: The page's title; ``None`` when the server did not say.
        start_index: Where in the text the citation begins, in characters from 0; ``None`` when not said.
        end_index: Where it ends, exclusive; ``None`` when not said.
        cited_text: The words of the page that the answer rests on; ``None`` when not said.
    """

    url: str
    title: str | None = None
    start_index: int | None = None
    end_index: int | None = None
    cited_text: str | None = None


def read_citation(annotation: Any) -> Citation | None:
    """Read an annotation as a citation of a web page.

    Args:
        annotation: One entry of ``annotations``, any JSON value.

    Returns:
        The citation; ``None`` for an annotation of another type, for one without an address, and for what is no
        annotation. Of a citation, fields of the wrong type are left out.
    """
    if not isinstance(annotation, dict) or annotation.get("type") != "url_citation":
        return None
    nested = annotation.get("url_citation")
    fields = nested if isinstance(nested, dict) else annotation
    url = _text(fields.get("url"))
    if url is None:
        return None
    cited = _text(fields.get("content"))
    return Citation(
        url,
        title=_text(fields.get("title")),
        start_index=_index(fields.get("start_index")),
        end_index=_index(fields.get("end_index")),
        cited_text=_text(fields.get("cited_text")) if cited is None else cited,
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _index(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and 0 <= value <= _LARGEST_INDEX else None
