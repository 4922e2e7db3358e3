"""Citations of web pages: an answer's annotations as the framework's blocks."""

from __future__ import annotations

from typing import Any

from llama_index.core.base.llms.types import CitationBlock, TextBlock

from gumloop_core.reading.annotations import read_citation


def citation_blocks(annotations: Any) -> list[CitationBlock]:
    """A block for each annotation that cites a web page.

    Args:
        annotations: The ``annotations`` of an answer, as received. All of them stay in the message's
            ``additional_kwargs``, and go back from there.
    """
    blocks: list[CitationBlock] = []
    for annotation in annotations if isinstance(annotations, list) else ():
        citation = read_citation(annotation)
        if citation is not None:
            places = {"start_index": citation.start_index, "end_index": citation.end_index}
            blocks.append(
                CitationBlock(
                    cited_content=TextBlock(text=citation.cited_text or ""),
                    source=citation.url,
                    title=citation.title or "",
                    additional_location_info={name: place for name, place in places.items() if place is not None},
                )
            )
    return blocks


def cited_sources(annotations: Any) -> set[str]:
    """The addresses of the web pages that annotations cite."""
    citations = map(read_citation, annotations if isinstance(annotations, list) else ())
    return {citation.url for citation in citations if citation is not None}
