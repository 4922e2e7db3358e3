"""Prices of models by the names that the endpoint and its answers give them, offline."""

from __future__ import annotations

import sys
from typing import Any

import genai_prices
import pytest

from gumloop_core.answer import Usage
from gumloop_core.costs import prices
from gumloop_core.costs.prices import estimated_cost

USAGE = Usage(1_000_000, 100_000, 1_100_000)


def price(model: str, provider: str | None = None, **more: int) -> float:
    counts = genai_prices.Usage(input_tokens=1_000_000, output_tokens=100_000, **more)
    return float(genai_prices.calc_price(counts, model, provider_id=provider).total_price)


@pytest.mark.parametrize(
    ("model", "answered_by", "priced_as"),
    [
        ("claude-sonnet-4-5", None, ("claude-sonnet-4-5", None)),
        ("anything", "claude-sonnet-4-5", ("claude-sonnet-4-5", None)),
        ("gpt-4o", "gpt-4o-2024-11-20", ("gpt-4o", None)),
        ("openai/gpt-4o", None, ("openai/gpt-4o", "openrouter")),
        ("nobody/claude-sonnet-4-5", None, ("claude-sonnet-4-5", None)),
        ("gpt-4o", "a-house-of-gpt-4o-somewhere", ("gpt-4o", None)),
    ],
)
def test_names(model: str, answered_by: str | None, priced_as: tuple[str, str | None]) -> None:
    assert estimated_cost(USAGE, model, answered_by) == price(*priced_as)


@pytest.mark.parametrize(
    ("model", "answered_by"),
    [("nobody-knows-it", None), ("gpt-4o", "nobody-knows-it"), ("auto", "nobody/knows-it"), ("", None)],
)
def test_no_price_is_made_up(model: str, answered_by: str | None) -> None:
    assert estimated_cost(USAGE, model, answered_by) is None


def test_a_model_that_a_newer_list_has_is_found_there(monkeypatch: pytest.MonkeyPatch) -> None:
    bundled = genai_prices.data_snapshot.get_snapshot()
    older = genai_prices.data_snapshot.DataSnapshot(
        [provider for provider in bundled.providers if provider.id != "anthropic"], from_auto_update=False
    )
    monkeypatch.setattr(genai_prices.data_snapshot, "_custom_snapshot", older)
    looked_for: list[str] = []
    calc_price = genai_prices.calc_price

    def counted(counts: Any, model: str, **options: Any) -> Any:
        looked_for.append(model)
        return calc_price(counts, model, **options)

    monkeypatch.setattr(genai_prices, "calc_price", counted)
    assert [estimated_cost(USAGE, "claude-sonnet-4-5") for _ in range(3)] == [None] * 3
    assert len(looked_for) == 1
    monkeypatch.setattr(genai_prices.data_snapshot, "_custom_snapshot", bundled)
    assert estimated_cost(USAGE, "claude-sonnet-4-5") == price("claude-sonnet-4-5")


def test_cached_tokens_have_their_own_price() -> None:
    cached = Usage(1_000_000, 100_000, 1_100_000, cached_tokens=900_000)
    assert estimated_cost(cached, "claude-sonnet-4-5") == price("claude-sonnet-4-5", cache_read_tokens=900_000)
    assert price("claude-sonnet-4-5", cache_read_tokens=900_000) < price("claude-sonnet-4-5")


@pytest.mark.parametrize("model", ["claude-sonnet-4-6", "anthropic/claude-sonnet-4.6"])
@pytest.mark.parametrize(
    ("read", "written", "cached", "kept", "charged"),
    [(2572, 63, 0, 2569, 0.01058775), (2649, 100, 2569, 79, 0.00256995), (2572, 100, 2240, 329, 0.00341475)],
    ids=["written", "read", "read in part"],
)
def test_what_openrouter_charged_for_cached_prompts(
    model: str, read: int, written: int, cached: int, kept: int, charged: float
) -> None:
    # pydantic-ai's cassette test_openrouter_cache_all_settings_real_api
    usage = Usage(read, written, read + written, cached_tokens=cached, cache_write_tokens=kept)
    assert estimated_cost(usage, model) == pytest.approx(charged)


@pytest.mark.parametrize("usage", [Usage(5, 1, 6, cached_tokens=10), Usage(0, 0, 100), Usage(-5, 1, 6)])
def test_counts_that_make_no_sense_have_no_price(usage: Usage) -> None:
    assert estimated_cost(usage, "claude-sonnet-4-5") is None


def test_without_the_price_list_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    prices._price_list.cache_clear()
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    assert estimated_cost(USAGE, "claude-sonnet-4-5") is None
    prices._price_list.cache_clear()
