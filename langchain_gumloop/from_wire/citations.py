"""The annotations of an answer, as the annotations of LangChain's text block."""

from __future__ import annotations

from typing import Any

from gumloop_core.reading.annotations import read_citation
from gumloop_core.wire import JSONObject

_FIELDS = ("url", "title", "start_index", "end_index", "cited_text")


def annotation_blocks(annotations: Any) -> list[JSONObject]:
    """One of LangChain's annotations for each of the server's.

    Args:
        annotations: The list as received.

    Returns:
        A ``citation`` for each citation of a web page; a ``non_standard_annotation`` with the raw value for each
        other one, files that were parsed for example.
    """
    return [_annotation_block(annotation) for annotation in annotations] if isinstance(annotations, list) else []


def _annotation_block(annotation: Any) -> JSONObject:
    citation = read_citation(annotation)
    if citation is None:
        return {"type": "non_standard_annotation", "value": annotation}
    block: JSONObject = {"type": "citation"}
    for field in _FIELDS:
        value = getattr(citation, field)
        if value is not None:
            block[field] = value
    return block


def file_annotations(annotations: Any) -> list[JSONObject]:
    """Those of a list of raw annotations that the wire wants back: of files that it parsed, to spare it doing so again.

    See OpenRouter's page on PDF inputs, under skipping parsing costs.
    """
    if not isinstance(annotations, list):
        return []
    return [one for one in annotations if isinstance(one, dict) and one.get("type") == "file"]


def raw_annotations(block: Any) -> list[Any]:
    """The raw annotations that a text block carries, of those that are not standard."""
    annotations = block.get("annotations")
    if not isinstance(annotations, list):
        return []
    entries = [one for one in annotations if isinstance(one, dict)]
    return [entry.get("value") for entry in entries if entry.get("type") == "non_standard_annotation"]
