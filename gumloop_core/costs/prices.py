"""What tokens cost where the server does not say, by the price list of ``genai-prices``.

The list comes with that package (the extra ``costs``); nothing is fetched. How new it is follows from the version that
is installed.
"""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from importlib import import_module
from types import ModuleType

from gumloop_core.answer import Usage

MOST_UNKNOWN = 1000
"""Names that are remembered to be on no list."""

# Where each was looked for in vain: to find that out takes a millisecond, and a job asks after each answer.
_unknown: dict[tuple[str, str | None], object] = {}


def reported_cost(usage: Usage) -> float | None:
    """The cost in USD that the server told; ``None`` where it told none, or none that can be."""
    cost = usage.cost
    return cost if cost is not None and 0 <= cost < float("inf") else None


def estimated_cost(usage: Usage, model: str, answered_by: str | None = None) -> float | None:
    """What tokens cost by the price list, in USD.

    Args:
        usage: The token counts.
        model: The model that was asked for.
        answered_by: The model that the answer names. Its price counts; that of ``model`` only where this is a longer
            name of the same.

    Returns:
        The estimate. ``None`` where the list has no such model, the counts are missing or contradict each other, or
        ``genai-prices`` is not installed.
    """
    prices = _price_list()
    if prices is None or not (usage.prompt_tokens or usage.completion_tokens):
        return None
    names = [answered_by or model]
    if answered_by is not None and _bare(model) in answered_by:
        names.append(model)
    for name in names:
        # An id with a prefix is one of OpenRouter's; without it, the one of the model's own maker.
        tries = [(name, "openrouter"), (_bare(name), None)] if "/" in name else [(name, None)]
        for reference, provider in tries:
            with suppress(Exception):  # no such model, counts that contradict each other, a list that is broken
                return _price(prices, usage, reference, provider)
    return None


def _price(prices: ModuleType, usage: Usage, model: str, provider: str | None) -> float:
    price_list = prices.data_snapshot.get_snapshot()  # a program may replace it with a newer one
    if _unknown.get((model, provider)) is price_list:
        raise LookupError(model)
    counts = prices.Usage(
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        cache_read_tokens=usage.cached_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        input_audio_tokens=usage.prompt_audio_tokens,
        output_audio_tokens=usage.completion_audio_tokens,
    )
    try:
        return float(prices.calc_price(counts, model, provider_id=provider).total_price)
    except LookupError as error:
        if type(error) is LookupError:  # no mere KeyError
            if len(_unknown) >= MOST_UNKNOWN:
                _unknown.clear()
            _unknown[model, provider] = price_list
        raise


@lru_cache(maxsize=1)
def _price_list() -> ModuleType | None:
    """The package with the prices, loaded when the first price is asked for; ``None`` where it is not installed."""
    try:
        return import_module("genai_prices")
    except ModuleNotFoundError as error:
        if error.name != "genai_prices":
            raise
        return None


def _bare(model: str) -> str:
    return model.rpartition("/")[2]
