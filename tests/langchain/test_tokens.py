"""Estimates of tokens."""

from __future__ import annotations

from langchain_core.messages import HumanMessage

from tests.langchain.conftest import MakeModel


def test_tokens_are_counted_without_a_tokenizer(chat: MakeModel) -> None:
    model = chat()
    assert model.get_num_tokens("one two three four") > 0
    assert model.get_num_tokens_from_messages([HumanMessage("one two three four")]) > 0
