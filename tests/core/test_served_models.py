"""What endpoints have said of the models that they serve."""

from __future__ import annotations

from typing import Any

import pytest

from gumloop_core.model_facts import model_facts
from gumloop_core.reading.model_list import read_model_groups
from gumloop_core.served_models import has_any, keep, known_facts
from tests.support.model_lists import model_list

URL = "http://served-models.test/models"


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gumloop_core.served_models._served", {})


def test_the_endpoints_word_comes_first_and_the_table_fills_the_rest() -> None:
    keep(URL, read_model_groups(model_list("gpt-5", "acme/new", architecture={})))
    known, told = model_facts("gpt-5"), known_facts("gpt-5", URL)
    assert known is not None
    assert told is not None
    assert told["context_window"] == 5000 < known["context_window"]
    assert told["image_input"] == known["image_input"]
    assert known_facts("acme/new", URL) == {
        "context_window": 5000,
        "max_output_tokens": 700,
        "tool_calling": False,
        "reasoning": True,
        "structured_output": False,
    }


def test_a_prompts_limit_of_the_table_does_not_outlive_a_window_that_was_told() -> None:
    keep(URL, read_model_groups(model_list("gpt-5")))
    told = known_facts("gpt-5", URL)
    assert told is not None
    assert told.get("max_input_tokens", 0) <= told["context_window"]


def test_another_endpoint_has_not_said_it() -> None:
    keep(URL, read_model_groups(model_list("acme/new")))
    assert known_facts("acme/new", "http://elsewhere.test/models") is None
    assert known_facts("acme/new") is None
    assert known_facts("gpt-5") == model_facts("gpt-5")


def test_the_newest_list_counts() -> None:
    keep(URL, read_model_groups(model_list("a")))
    keep(URL, read_model_groups(model_list("b")))
    assert known_facts("a", URL) is None
    assert known_facts("b", URL)


def test_a_list_of_names_says_nothing_more() -> None:
    assert not has_any()
    groups = read_model_groups({"model_groups": [{"groupLabel": "G", "options": [{"value": "a", "label": "A"}]}]})
    keep(URL, groups)
    assert known_facts("a", URL) is None


@pytest.mark.parametrize("model", [None, 5, ["a"]])
def test_nothing_is_known_of_what_is_no_model(model: Any) -> None:
    keep(URL, read_model_groups(model_list("a")))
    assert known_facts(model, URL) is None
