"""What LangChain can know of a model without asking it."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest
from langchain_core.language_models.model_profile import ModelProfile

from gumloop_core.catalog import model_facts
from langchain_gumloop import ChatGumloop
from langchain_gumloop.profiles import profile_of

SLUGS = [
    "claude-sonnet-4-5",
    "claude-haiku-4-5",
    "claude-opus-4-5",
    "gpt-4o-mini",
    "gemini-2.5-pro",
    "gemini-2.5-flash",
    "gpt-image-1.5",
    "google/gemini-3.1-flash-image-preview",
    "moonshotai/kimi-k2.6",
]


@pytest.mark.parametrize("slug", SLUGS)
def test_the_public_models_are_known(slug: str) -> None:
    profile = ChatGumloop(model=slug).profile
    assert profile is not None
    assert profile["image_inputs"] is True
    assert profile["image_outputs"] is ("image" in slug)


def test_figures_of_a_model() -> None:
    profile = ChatGumloop(model="claude-sonnet-4-5").profile
    assert profile == {
        "max_input_tokens": 200_000,
        "max_output_tokens": 64_000,
        "image_inputs": True,
        "pdf_inputs": True,
        "audio_inputs": False,
        "image_outputs": False,
        "reasoning_output": True,
        "tool_calling": True,
        "structured_output": True,
    }


def test_a_prompt_limit_below_the_window_is_the_one_that_counts() -> None:
    facts, profile = model_facts("gpt-5"), profile_of("gpt-5")
    assert facts is not None
    assert profile is not None
    assert profile["max_input_tokens"] == facts["max_input_tokens"] < facts["context_window"]


def test_an_unknown_model_has_no_profile() -> None:
    assert ChatGumloop(model="someone/something-new").profile is None


def test_a_profile_of_ones_own_wins() -> None:
    assert ChatGumloop(model="claude-sonnet-4-5", profile={"max_input_tokens": 9}).profile == {"max_input_tokens": 9}


def test_a_profile_can_be_changed_without_changing_others() -> None:
    model = ChatGumloop(model="claude-sonnet-4-5")
    assert model.profile is not None
    model.profile["max_input_tokens"] = 9
    assert ChatGumloop(model="claude-sonnet-4-5").profile["max_input_tokens"] == 200_000  # type: ignore[index]


def test_all_figures_are_ones_that_langchain_knows() -> None:
    document = json.loads(files("gumloop_core").joinpath("models.json").read_text(encoding="utf-8"))
    assert document["source"]
    assert document["date"]
    for slug in document["models"]:
        profile = profile_of(slug)
        assert profile
        assert profile.keys() <= ModelProfile.__annotations__.keys()
