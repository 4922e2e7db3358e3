"""Usage: what was counted, and what was not said."""

from __future__ import annotations

import math
from typing import Any

import pytest

from gumloop_core.reading.usage import read_usage


@pytest.mark.parametrize(
    "payload",
    [None, [], 5, "x", {}, {"prompt_tokens": None}, {"prompt_tokens": "7"}, {"prompt_tokens": True}, {"is_byok": True}],
)
def test_no_usage(payload: Any) -> None:
    assert read_usage(payload) is None


def test_all_of_usage() -> None:
    payload = {
        "prompt_tokens": 10,
        "completion_tokens": 5.0,
        "total_tokens": 15,
        "prompt_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 2, "audio_tokens": 1},
        "completion_tokens_details": {"reasoning_tokens": 4, "audio_tokens": 0},
        "cost": 0.25,
        "cost_details": {"upstream": 0.2},
        "is_byok": False,
    }
    usage = read_usage(payload)
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (10, 5, 15)
    assert (usage.cached_tokens, usage.cache_write_tokens, usage.prompt_audio_tokens) == (3, 2, 1)
    assert (usage.reasoning_tokens, usage.completion_audio_tokens) == (4, 0)
    assert (usage.cost, usage.cost_details, usage.is_byok) == (0.25, {"upstream": 0.2}, False)
    assert usage.raw is payload


def test_usage_with_holes() -> None:
    usage = read_usage({"prompt_tokens": 1, "completion_tokens": 2, "prompt_tokens_details": [], "cost": "x"})
    assert usage is not None
    assert (usage.total_tokens, usage.cached_tokens, usage.cost) == (3, None, None)
    usage = read_usage({"cost": 1, "total_tokens": 2.5, "prompt_tokens": math.nan, "completion_tokens": math.inf})
    assert usage is not None
    assert (usage.cost, usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (1, 0, 0, 0)
    assert read_usage({"cost": math.nan}) is None
