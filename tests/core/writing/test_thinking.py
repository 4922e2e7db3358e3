"""A forced tool and thinking, which Claude's routes refuse together (langchain-ai/langchain#35544)."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from gumloop_core.writing.body import build_body, merge_options

NAMED = {"type": "function", "function": {"name": "add"}}
TOOLS = [{"type": "function", "function": {"name": "add"}}]


def sent(model: str, **options: Any) -> Any:
    given = merge_options({"tools": TOOLS, **options})
    return build_body(model, [{"role": "user", "content": "x"}], given).get("tool_choice")


@pytest.mark.parametrize("choice", ["required", NAMED, {"type": "any"}, {"type": "tool", "name": "add"}], ids=str)
@pytest.mark.parametrize("model", ["claude-sonnet-4-5", "anthropic/claude-opus-4.5", "us.Claude-x"])
@pytest.mark.parametrize(
    "thought",
    [
        {"reasoning": {"effort": "high"}},
        {"reasoning": {"max_tokens": 2000}},
        {"reasoning": {"enabled": True}},
        {"extra_body": {"thinking": {"type": "enabled", "budget_tokens": 2000}}},
        {"extra_body": {"reasoning": {"effort": "low"}}},
        {"extra_body": {"reasoning_effort": "low"}},
    ],
    ids=str,
)
def test_the_choice_is_dropped_with_a_warning(model: str, choice: Any, thought: dict[str, Any]) -> None:
    with pytest.warns(UserWarning, match="tool_choice .* is left out"):
        assert sent(model, tool_choice=choice, **thought) is None


@pytest.mark.parametrize(
    ("model", "choice", "options"),
    [
        ("gpt-5-mini", "required", {"reasoning": {"effort": "high"}}),
        ("claude-sonnet-4-5", "required", {}),
        ("claude-sonnet-4-5", NAMED, {"reasoning": {}}),
        ("claude-sonnet-4-5", NAMED, {"reasoning": {"effort": "none"}}),
        ("claude-sonnet-4-5", NAMED, {"reasoning": {"enabled": False, "effort": "high"}}),
        ("claude-sonnet-4-5", NAMED, {"reasoning": {"exclude": True}}),
        ("claude-sonnet-4-5", "auto", {"reasoning": {"effort": "high"}}),
        ("claude-sonnet-4-5", "none", {"reasoning": {"effort": "high"}}),
        ("claude-sonnet-4-5", {"type": "auto"}, {"reasoning": {"effort": "high"}}),
        ("claude-sonnet-4-5", NAMED, {"extra_body": {"thinking": {"type": "disabled"}}}),
    ],
)
def test_any_other_choice_is_sent(model: str, choice: Any, options: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert sent(model, tool_choice=choice, **options) == choice
