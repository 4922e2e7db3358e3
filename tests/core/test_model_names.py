"""A model's name in the spellings that people use for it."""

from __future__ import annotations

import pytest

from gumloop_core.model_names import spelled, spellings


@pytest.mark.parametrize(
    ("name", "same"),
    [("Claude-Sonnet-4.5", "claude-sonnet-4-5"), ("~z-ai/glm-latest", "z-ai/glm-latest"), ("a@20250101", "a-20250101")],
)
def test_names_are_compared_by_their_words(name: str, same: str) -> None:
    assert spelled(name) == same
    assert spelled(same) == same


def test_the_closest_name_comes_first() -> None:
    assert next(spellings("x-ai/Grok-4.5:free")) == ("x-ai/grok-4-5:free", "")
    assert next(spellings("gpt-4o-2024-05-13")) == ("gpt-4o-2024-05-13", "")


def names(model: str) -> list[str]:
    return [name for name, _ in spellings(model)]


def test_endings_of_routes_are_left_out_and_told() -> None:
    assert ("openai/gpt-5", "free") in spellings("openai/gpt-5:free")
    assert ("openai/gpt-5", "nitro") in spellings("openai/gpt-5:nitro")
    assert all(":" in name for name in names("gpt-oss:20b"))


@pytest.mark.parametrize("dated", ["m-20250929", "m-2025-09-29", "m@20250929", "m-09-2025", "m-latest"])
def test_dates_are_left_out(dated: str) -> None:
    assert "m" in names(dated)


@pytest.mark.parametrize("version", ["m-0613", "m-2507", "m-20259999", "m-4-5", "m-120b"])
def test_what_is_no_date_stays(version: str) -> None:
    assert set(names(version)) == {version, f"{version}-latest"}


def test_the_words_of_a_claude_come_in_either_order() -> None:
    assert "anthropic/claude-3-7-sonnet" in names("anthropic/claude-sonnet-3.7")
    assert "claude-sonnet-4" in names("claude-4-sonnet-20250514")


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("openrouter/openai/gpt-5", "openai/gpt-5"),
        ("openrouter/auto", "openrouter/auto"),
        ("models/gemini-2.5-pro", "gemini-2-5-pro"),
        ("gumloop/gpt-5", "gpt-5"),
        ("mistral/mistral-nemo", "mistralai/mistral-nemo"),
        ("acme/gpt-5", "acme/gpt-5"),
    ],
)
def test_the_vendor_is_called_as_in_the_slugs(name: str, first: str) -> None:
    assert next(spellings(name))[0] == first
