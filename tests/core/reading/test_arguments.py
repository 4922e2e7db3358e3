"""The arguments of a finished call: an object, or why they are none."""

from __future__ import annotations

from typing import Any

import pytest

from gumloop_core.reading.arguments import read_arguments, was_cut_off

CUT_OFF = ["length", "content_filter", "max_tokens", "MAX_TOKENS", "model_length", "FinishReason.SAFETY", "max-tokens"]


@pytest.mark.parametrize("reason", ["tool_calls", "stop", None, "function_call", "new"])
@pytest.mark.parametrize(
    ("text", "arguments"),
    [('{"a": 1}', {"a": 1}), ("{}", {}), ("", {}), (" \n", {}), ("null", {}), ('{"a": "\\ud800"}', {"a": "\ud800"})],
)
def test_arguments_that_are_an_object(text: str, arguments: object, reason: str | None) -> None:
    assert read_arguments(text, reason) == (arguments, "")


@pytest.mark.parametrize("text", ["{", '{"path": "/home/me/old', '{"a": 1', "{nope", "[1]", "1", '"x"', "{" * 5000])
@pytest.mark.parametrize("reason", ["tool_calls", None, *CUT_OFF])
def test_arguments_that_are_none(text: str, reason: str | None) -> None:
    arguments, problem = read_arguments(text, reason)
    assert arguments is None
    assert problem


@pytest.mark.parametrize("text", ["", " ", "null"])
@pytest.mark.parametrize("reason", CUT_OFF)
def test_no_text_is_no_arguments_only_where_the_answer_was_not_cut_off(text: str, reason: str) -> None:
    arguments, problem = read_arguments(text, reason)
    assert arguments is None
    assert reason in problem
    assert read_arguments('{"a": 1}', reason) == ({"a": 1}, "")


@pytest.mark.parametrize(
    "reason", ["stop", "tool_calls", "STOP", "end_turn", "", None, "error", 5, ["length"], {"a": 1}]
)
def test_reasons_that_cut_nothing_off(reason: Any) -> None:
    """What another integration left in a message may be of any type."""
    assert not was_cut_off(reason)
    assert read_arguments("", reason) == ({}, "")
