"""Entries of lists that LangChain would add up by their indices."""

from __future__ import annotations

import pytest
from langchain_core.messages import AIMessage, HumanMessage, merge_message_runs

from gumloop_emulator import Answer, Emulator
from langchain_gumloop.from_wire.list_indices import with_float_indices, with_integer_indices
from tests.langchain.answers import DETAILS, PIXEL_URL, added, streamed, unary
from tests.langchain.conftest import MakeModel

NEW = {"type": "brand_new", "index": 0, "x": [1]}


@pytest.mark.parametrize("output_version", ["v0", "v1"])
def test_two_answers_that_become_one_message_keep_their_entries_apart(
    server: Emulator, chat: MakeModel, output_version: str
) -> None:
    model = chat(output_version=output_version)
    other = [{**DETAILS[0], "text": "And again.", "signature": "other=="}]
    image = {"image_url": {"url": PIXEL_URL}}
    server.queue(
        unary(content="a", reasoning_details=DETAILS, annotations=[NEW], images=[image]),
        streamed({"content": "b"}, {"reasoning_details": other, "annotations": [NEW], "images": [image]}),
        Answer(text="ok"),
    )
    first, second = model.invoke("x"), added(list(model.stream("x")))
    (merged,) = merge_message_runs([first, AIMessage(**{**second.__dict__, "type": "ai"})])
    assert merged.additional_kwargs["reasoning_details"] == [*DETAILS, *other]
    assert merged.additional_kwargs["annotations"] == [NEW, NEW]
    model.invoke([HumanMessage("x"), merged, HumanMessage("y")])
    sent = server.last_body["messages"][1]
    assert sent["reasoning_details"] == [*DETAILS, *other]
    assert [type(entry["index"]) for entry in sent["reasoning_details"]] == [int, int, int]
    assert [one["image_url"]["url"] for one in sent["images"]] == [PIXEL_URL, PIXEL_URL]


def test_whole_numbers_become_floats_and_come_back() -> None:
    entries = [{"index": 0, "a": 1}, {"index": 2**53}, {"index": True}, {"index": "x"}, {}, "text", None]
    floats = with_float_indices(entries)
    assert floats == entries
    assert type(floats[0]["index"]) is float
    assert [type(entry["index"]) for entry in floats[1:4]] == [int, bool, str]
    back = with_integer_indices(floats)
    assert back == entries
    assert type(back[0]["index"]) is int
    assert with_integer_indices([{"index": 0.5}]) == [{"index": 0.5}]


def test_lists_within_an_object_too() -> None:
    value = {"tool_results": [{"index": 3}], "other": {"index": 3}}
    assert type(with_float_indices(value)["tool_results"][0]["index"]) is float
    assert type(with_float_indices(value)["other"]["index"]) is int
