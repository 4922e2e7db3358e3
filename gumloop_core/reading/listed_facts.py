"""What an entry of the model list says of its model. No I/O.

Of Gumloop's entries only the id, the label and the status are documented, and the rest is declared open. Its wire is
OpenRouter's, so the fields that describe a model in OpenRouter's list are read where an entry has them:
https://openrouter.ai/docs/api-reference/list-available-models.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gumloop_core.json_text import positive_count
from gumloop_core.model_facts import ModelFacts


def listed_facts(entry: Mapping[str, Any]) -> ModelFacts:
    """What an entry says; nothing is concluded from a field that is missing or odd."""
    provider, architecture = _mapping(entry.get("top_provider")), _mapping(entry.get("architecture"))
    facts = ModelFacts()
    window = positive_count(provider.get("context_length")) or positive_count(entry.get("context_length"))
    if window is not None:
        facts["context_window"] = window
    length = positive_count(provider.get("max_completion_tokens"))
    if length is not None:
        facts["max_output_tokens"] = length
    read = _names(architecture.get("input_modalities"))
    if read is not None:
        facts["image_input"] = "image" in read
        facts["pdf_input"] = "file" in read
        facts["audio_input"] = "audio" in read
    drawn = _names(architecture.get("output_modalities"))
    if drawn is not None:
        facts["image_output"] = "image" in drawn
    taken = _names(entry.get("supported_parameters"))
    if taken is not None:
        facts["tool_calling"] = "tools" in taken
        facts["reasoning"] = "reasoning" in taken
        facts["structured_output"] = "structured_outputs" in taken
    return facts


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _names(value: Any) -> frozenset[str] | None:
    """The names in a list, ``None`` for what is no list of names or an empty one, which says nothing."""
    if not isinstance(value, list) or not value or not all(isinstance(name, str) for name in value):
        return None
    return frozenset(value)
