"""The model list, the router's decision, and what is known of each model."""

from __future__ import annotations

from typing import Any

import pytest

from gumloop_core.errors import InsufficientCreditsError, InvalidRequestError, InvalidResponseError
from gumloop_core.model_facts import model_facts
from gumloop_core.reading.model_list import read_model_groups
from gumloop_core.reading.route_decision import read_route_decision
from gumloop_core.writing.route_body import route_body


def test_groups() -> None:
    option = {"value": "m", "label": "M", "status": "available", "new": 1}
    odd = [None, 5, {}, {"value": 5}, {"value": "n", "label": None, "status": 5}]
    (group, empty) = read_model_groups(
        {"model_groups": [{"groupLabel": "G", "options": [option, *odd]}, None, {"options": 5}]}
    )
    assert (group.label, [model.value for model in group.options]) == ("G", ["m", "n"])
    assert (group.options[0].label, group.options[0].status, group.options[0].raw) == ("M", "available", option)
    assert (group.options[1].label, group.options[1].status) == ("n", None)
    assert (empty.label, empty.options) == ("", ())


@pytest.mark.parametrize("payload", [None, [], "x", {}, {"model_groups": None}, {"model_groups": {}}])
def test_what_is_no_model_list(payload: Any) -> None:
    with pytest.raises(InvalidResponseError, match="model list"):
        read_model_groups(payload)


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


def test_route_bodies() -> None:
    assert route_body("hi", None, {}, None) == {"input": "hi"}
    assert route_body("hi", ("a",), {"history": []}, "t") == {
        "input": "hi",
        "models": ["a"],
        "history": [],
        "team_id": "t",
    }


@pytest.mark.parametrize(
    ("input", "models", "options", "refusal"),
    [
        (5, None, {}, "input must be a text or a list"),
        (None, None, {}, "input must be a text or a list"),
        ("x", "abc", {}, "models must be a list of texts, not str"),
        ("x", 5, {}, "models must be a list of texts, not int"),
        ("x", None, {"history": {1}}, "history is a set"),
        ([{"text": {1}}], None, {}, r"input\[0\]\.text is a set"),
    ],
)
def test_what_the_router_cannot_be_asked(input: Any, models: Any, options: dict[str, Any], refusal: str) -> None:
    with pytest.raises(InvalidRequestError, match=refusal):
        route_body(input, models, options, None)


@pytest.mark.parametrize("read", [read_model_groups, read_route_decision])
def test_an_error_under_a_status_that_is_none(read: Any) -> None:
    with pytest.raises(InsufficientCreditsError, match="no credits"):
        read({"error": {"code": 402, "message": "no credits"}})


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
