"""The router's decision."""

from __future__ import annotations

from typing import Any

import pytest

from gumloop_core.errors import InvalidResponseError
from gumloop_core.reading.route_decision import read_route_decision


def test_decisions() -> None:
    route = {"model": "m", "fallback_models": ["n", 5], "reasoning_effort": "low", "lane": "quick"}
    decision = read_route_decision({"route": route, "candidates": [{"model": "m"}]})
    assert (decision.model, decision.fallback_models, decision.reasoning_effort) == ("m", ("n",), "low")
    assert decision.candidates == ({"model": "m"},)
    assert decision.raw["route"]["lane"] == "quick"


@pytest.mark.parametrize("odd", [None, 5, "x", {}, True])
def test_odd_fields_of_a_decision(odd: Any) -> None:
    decision = read_route_decision({"route": {"model": "m", "fallback_models": odd}, "candidates": odd})
    assert (decision.fallback_models, decision.candidates) == ((), ())


@pytest.mark.parametrize("payload", [None, [], {}, {"route": None}, {"route": {}}, {"route": {"model": None}}])
def test_what_is_no_decision(payload: Any) -> None:
    with pytest.raises(InvalidResponseError, match="router"):
        read_route_decision(payload)
