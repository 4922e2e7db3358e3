"""Answers of ``GET /models`` that say more of the models than Gumloop documents, as OpenRouter's do."""

from __future__ import annotations

from typing import Any

DESCRIBED: dict[str, Any] = {
    "context_length": 6000,
    "architecture": {"input_modalities": ["text", "image", "file"], "output_modalities": ["text"]},
    "top_provider": {"context_length": 5000, "max_completion_tokens": 700, "is_moderated": False},
    "supported_parameters": ["temperature", "reasoning"],
}


def model_list(*values: str, **fields: Any) -> dict[str, Any]:
    """A list of models, each described."""
    described = {**DESCRIBED, **fields}
    return {"model_groups": [{"groupLabel": "G", "options": [{"value": value, **described} for value in values]}]}
