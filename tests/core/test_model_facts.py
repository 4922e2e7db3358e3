"""What is known of each model."""

from __future__ import annotations

import subprocess
import sys
from pkgutil import get_data
from typing import Any

import pytest
from pydantic_core import from_json

from gumloop_core.model_facts import ModelFacts, model_facts
from gumloop_core.model_names import spelled

DOCUMENT = from_json(get_data("gumloop_core", "models.json") or b"")
ROUTED: dict[str, str] = DOCUMENT["routed"]
NATIVE: dict[str, dict[str, str]] = DOCUMENT["native"]


def read(row: str) -> dict[str, Any]:
    numbers = {"context_window", "max_input_tokens", "max_output_tokens"}
    values = zip(DOCUMENT["fields"], row.split(","), strict=True)
    return {field: int(value) if field in numbers else bool(int(value)) for field, value in values if value}


@pytest.mark.parametrize("model", [None, 5, ["m"], b"gpt-5", {"model": "gpt-5"}])
def test_nothing_is_known_of_what_is_no_model(model: Any) -> None:
    assert model_facts(model) is None


@pytest.mark.parametrize(
    "model", ["", "/", ":", ":free", "no/such-model", "someone/gpt-5", "gpt-5/", "gpt-5:none", "é" * 9999]
)
def test_nothing_is_made_up_for_an_unknown_name(model: str) -> None:
    assert model_facts(model) is None


def test_facts() -> None:
    assert model_facts("claude-sonnet-4-5") == {
        "context_window": 200_000,
        "max_output_tokens": 64_000,
        "image_input": True,
        "pdf_input": True,
        "audio_input": False,
        "image_output": False,
        "reasoning": True,
        "tool_calling": True,
        "structured_output": True,
    }


def test_every_row_is_found_under_its_own_name() -> None:
    assert len(ROUTED) > 371
    for slug, row in ROUTED.items():
        assert model_facts(slug) == read(row), slug
    for vendor, rows in NATIVE.items():
        for name, row in rows.items():
            assert model_facts(name) == read(row), (vendor, name)


def test_every_model_is_found_without_its_vendor_and_with_dashes_for_dots() -> None:
    for slug in ROUTED:
        assert model_facts(slug.rpartition("/")[2]), slug
        assert model_facts(slug.replace(".", "-")) == model_facts(slug), slug
    for vendor, rows in NATIVE.items():
        for name in rows:
            assert model_facts(f"{vendor}/{name}"), (vendor, name)


def test_no_two_rows_are_spelled_alike() -> None:
    own = [spelled(name) for rows in NATIVE.values() for name in rows]
    for names in ([spelled(slug) for slug in ROUTED], own):
        assert len(names) == len(set(names))
    routed_alone = [spelled(slug.rpartition("/")[2]) for slug in ROUTED]
    assert len(routed_alone) == len(set(routed_alone))


def test_every_field_has_its_description() -> None:
    assert set(DOCUMENT["fields"]) == set(ModelFacts.__annotations__)


def test_with_the_vendor_the_route_is_meant_and_without_it_the_vendors_own_model() -> None:
    route, own = model_facts("anthropic/claude-sonnet-4.5"), model_facts("claude-sonnet-4-5")
    assert route is not None
    assert own is not None
    assert route["context_window"] > own["context_window"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("GPT-4o-Mini", "gpt-4o-mini"),
        ("claude-sonnet-4.5", "claude-sonnet-4-5"),
        ("claude-4.5-sonnet", "claude-sonnet-4-5"),
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("claude-sonnet-4-5@20250929", "claude-sonnet-4-5"),
        ("claude-haiku-4-5-latest", "claude-haiku-4-5"),
        ("gpt-5-2025-08-07", "gpt-5"),
        ("models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("gemini/gemini-2.5-pro", "google/gemini-2.5-pro"),
        ("openrouter/openai/gpt-5", "openai/gpt-5"),
        ("xai/grok-4.5", "x-ai/grok-4.5"),
        ("openai/gpt-5:nitro", "openai/gpt-5"),
        ("z-ai/glm-4.6:thinking", "z-ai/glm-4.6"),
        ("kimi-k2.6:exacto", "kimi-k2.6"),
        ("anthropic/claude-opus-latest", "~anthropic/claude-opus-latest"),
    ],
)
def test_a_name_is_known_as_people_write_it(written: str, meant: str) -> None:
    facts = model_facts(meant)
    assert facts
    assert model_facts(written) == facts


def test_a_version_with_limits_of_its_own_keeps_them() -> None:
    dated, current = model_facts("gpt-4o-2024-05-13"), model_facts("gpt-4o")
    assert dated is not None
    assert current is not None
    assert dated["max_output_tokens"] < current["max_output_tokens"]


@pytest.mark.parametrize("variant", ["free", "extended"])
def test_limits_of_a_variant_that_is_not_in_the_table_are_not_known(variant: str) -> None:
    facts, base = model_facts(f"openai/gpt-5:{variant}"), model_facts("openai/gpt-5")
    assert facts is not None
    assert base is not None
    limits = {"context_window", "max_input_tokens", "max_output_tokens", "structured_output"}
    assert facts == {field: value for field, value in base.items() if field not in limits}


def test_a_variant_that_is_in_the_table_has_its_own_limits() -> None:
    slug = next(slug for slug in ROUTED if slug.endswith(":free") and slug.removesuffix(":free") in ROUTED)
    assert model_facts(slug) == read(ROUTED[slug])


def test_the_table_is_read_when_it_is_needed() -> None:
    program = (
        "import gumloop_core.model_facts as facts; import langchain_gumloop.profiles\n"
        "assert facts._table.cache_info().currsize == 0\n"
        "facts.model_facts('gpt-5'); assert facts._table.cache_info().currsize == 1"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
