"""The vendor's service itself. Run with ``GUMLOOP_API_KEY`` (and ``GUMLOOP_USER_ID``) set; each test costs a little."""

from __future__ import annotations

import os

import pytest
from pydantic import BaseModel

from langchain_gumloop import ChatGumloop
from llama_index_gumloop import Gumloop

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(not os.environ.get("GUMLOOP_API_KEY"), reason="GUMLOOP_API_KEY is not set"),
]

MODEL = os.environ.get("GUMLOOP_MODEL", "claude-haiku-4-5")
QUESTION = "What is the capital of Canada? Answer with its name alone."


class Capital(BaseModel):
    """A country's capital."""

    country: str
    city: str


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def test_langchain_answers() -> None:
    assert "Ottawa" in ChatGumloop(model=MODEL).invoke(QUESTION).text


def test_langchain_streams_with_usage() -> None:
    first, *others = ChatGumloop(model=MODEL).stream(QUESTION)
    whole = sum(others, start=first)
    assert "Ottawa" in whole.text
    assert whole.usage_metadata


async def test_langchain_calls_a_tool() -> None:
    message = await ChatGumloop(model=MODEL).bind_tools([add], tool_choice="add").ainvoke("What is 19 plus 23?")
    assert message.tool_calls[0]["args"] == {"a": 19, "b": 23}


def test_langchain_keeps_to_a_schema() -> None:
    capital = ChatGumloop(model=MODEL).with_structured_output(Capital).invoke("The capital of Canada?")
    assert capital == Capital(country="Canada", city="Ottawa")


def test_llama_index_answers() -> None:
    assert "Ottawa" in Gumloop(model=MODEL).complete(QUESTION).text


async def test_llama_index_streams_with_usage() -> None:
    responses = [response async for response in await Gumloop(model=MODEL).astream_complete(QUESTION)]
    assert "Ottawa" in responses[-1].text
    assert responses[-1].raw["usage"]["total_tokens"] > 0


def test_the_model_list_is_read() -> None:
    groups = ChatGumloop(model=MODEL)._sync().models()
    assert any(option.value for group in groups for option in group.options)
