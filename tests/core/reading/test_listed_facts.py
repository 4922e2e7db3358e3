"""What an entry of the model list says of its model."""

from __future__ import annotations

from typing import Any

import pytest

from gumloop_core.reading.listed_facts import listed_facts
from tests.support.model_lists import DESCRIBED


def test_an_entry_that_describes_its_model() -> None:
    assert listed_facts({"value": "m", **DESCRIBED}) == {
        "context_window": 5000,
        "max_output_tokens": 700,
        "image_input": True,
        "pdf_input": True,
        "audio_input": False,
        "image_output": False,
        "tool_calling": False,
        "reasoning": True,
        "structured_output": False,
    }


def test_the_window_of_the_model_where_none_is_given_for_its_provider() -> None:
    assert listed_facts({"context_length": 6000, "top_provider": {"context_length": None}}) == {"context_window": 6000}


@pytest.mark.parametrize(
    "entry",
    [
        {"value": "m", "label": "M", "status": "available"},
        {"context_length": True, "top_provider": [], "architecture": "text", "supported_parameters": "tools"},
        {"context_length": "9", "top_provider": {"max_completion_tokens": 0}, "supported_parameters": []},
        {"context_length": -1, "architecture": {"input_modalities": [5], "output_modalities": None}},
    ],
)
def test_nothing_is_concluded_from_what_is_missing_or_odd(entry: dict[str, Any]) -> None:
    assert listed_facts(entry) == {}
