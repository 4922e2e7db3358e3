"""Errors of tool calls and predictions: ours, and what the framework's users catch."""

from __future__ import annotations

import pickle

import pytest

from gumloop_core.errors import GumloopError, InvalidResponseError, UnexpectedError
from llama_index_gumloop import errors


@pytest.mark.parametrize(
    ("kind", "words_of_the_framework"),
    [
        (errors.NoToolCallError, ValueError),
        (errors.UnknownToolError, KeyError),
        (errors.StructuredOutputError, ValueError),
        (errors.RefusalError, errors.StructuredOutputError),
        (errors.LengthLimitError, errors.StructuredOutputError),
    ],
)
def test_each_is_ours_and_the_frameworks(kind: type[GumloopError], words_of_the_framework: type[Exception]):
    assert issubclass(kind, words_of_the_framework)
    assert issubclass(kind, InvalidResponseError)
    error = kind("what happened.")
    assert str(error) == "what happened."
    assert str(pickle.loads(pickle.dumps(error))) == "what happened."


def test_a_prediction_keeps_our_errors_and_value_errors():
    for error in (errors.RefusalError("no."), ValueError("of the framework")):
        assert errors.prediction_error(error) is error


def test_a_predictions_unknown_tool_is_named_and_all_else_is_unexpected():
    unknown = errors.prediction_error(KeyError("subtract"))
    assert isinstance(unknown, errors.UnknownToolError)
    assert "'subtract'" in str(unknown)
    assert isinstance(errors.prediction_error(OSError("disk")), UnexpectedError)
