"""What is known of each model, from ``models.json`` beside this."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files
from typing import Any, TypedDict


class ModelFacts(TypedDict, total=False):
    """What is known of a model; a missing field is not known.

    Fields:
        context_window: Tokens that prompt and completion may have together.
        max_input_tokens: Tokens that a prompt may have, where that is less.
        max_output_tokens: Tokens that a completion may have.
        image_input: Whether it reads images.
        pdf_input: Whether it reads PDF files.
        audio_input: Whether it hears audio.
        image_output: Whether it draws images.
        reasoning: Whether it can think first.
        tool_calling: Whether it calls tools.
        structured_output: Whether it keeps to a JSON Schema.
    """

    context_window: int
    max_input_tokens: int
    max_output_tokens: int
    image_input: bool
    pdf_input: bool
    audio_input: bool
    image_output: bool
    reasoning: bool
    tool_calling: bool
    structured_output: bool


@lru_cache(maxsize=1)
def _table() -> dict[str, ModelFacts]:
    document = json.loads(files("gumloop_core").joinpath("models.json").read_text(encoding="utf-8"))
    models: dict[str, ModelFacts] = document["models"]
    return models


def model_facts(model: Any) -> ModelFacts | None:
    """What is known of a model, ``None`` for one that is not in the table.

    Args:
        model: The id, with or without the prefix of a provider (``google/…``).
    """
    if not isinstance(model, str):
        return None
    table = _table()
    facts = table.get(model)
    return table.get(model.rpartition("/")[2]) if facts is None else facts
