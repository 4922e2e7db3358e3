"""What is known of each model."""

from __future__ import annotations

from typing import Any

import pytest

from gumloop_core.model_facts import model_facts


@pytest.mark.parametrize("model", [None, 5, ["m"]])
def test_nothing_is_known_of_what_is_no_model(model: Any) -> None:
    assert model_facts(model) is None


def test_facts() -> None:
    facts = model_facts("claude-sonnet-4-5")
    assert facts is not None
    assert facts["tool_calling"] is True
    assert model_facts("anthropic/claude-sonnet-4-5") == facts
    assert model_facts("no/such-model") is None
    assert model_facts("") is None
