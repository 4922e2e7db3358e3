"""Chunks that are copied from a template are, in every attribute, those that LangChain would have validated."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from langchain_core.outputs import ChatGenerationChunk
from pydantic import BaseModel

from langchain_gumloop.from_wire import unvalidated as fast_chunks
from langchain_gumloop.from_wire.chunks import StreamedChunk

METADATA = {"model_provider": "gumloop"}


def state(model: BaseModel) -> dict[str, Any]:
    return {
        "fields": {name: value for name, value in model.__dict__.items() if name != "message"},
        "order": list(model.__dict__),
        "set": model.__pydantic_fields_set__,
        "extra": model.__pydantic_extra__,
        "private": model.__pydantic_private__,
        "type": type(model),
    }


def validated_text(text: str) -> ChatGenerationChunk:
    return ChatGenerationChunk(message=StreamedChunk(content=text, response_metadata=METADATA.copy()))


def validated_piece(arguments: str) -> ChatGenerationChunk:
    piece = {"name": None, "args": arguments, "id": None, "index": 1, "type": "tool_call_chunk"}
    message = StreamedChunk(content="", response_metadata=METADATA.copy(), tool_call_chunks=[piece])
    # LangChain completes each piece by itself and shows what it makes of it, usually as an invalid call.
    message.tool_calls = []
    message.invalid_tool_calls = []
    return ChatGenerationChunk(message=message)


PAIRS = [
    pytest.param(fast_chunks.text_chunk("Hé 🍁"), validated_text("Hé 🍁"), id="text"),
    pytest.param(fast_chunks.tool_arguments_chunk(1, '{"a'), validated_piece('{"a'), id="arguments"),
]


def test_this_langchain_is_one_that_the_templates_are_for() -> None:
    assert fast_chunks._CAN_COPY


@pytest.mark.parametrize(("fast", "validated"), PAIRS)
def test_every_attribute_is_that_of_the_validated_chunk(
    fast: ChatGenerationChunk, validated: ChatGenerationChunk
) -> None:
    assert state(fast) == state(validated)
    assert state(fast.message) == state(validated.message)
    assert fast == validated
    assert fast.model_dump() == validated.model_dump()
    assert repr(fast) == repr(validated)


@pytest.mark.parametrize(("fast", "validated"), PAIRS)
def test_they_survive_what_chunks_go_through(fast: ChatGenerationChunk, validated: ChatGenerationChunk) -> None:
    for copied in (pickle.loads(pickle.dumps(fast)), copy.deepcopy(fast), fast.model_copy(deep=True)):
        assert state(copied) == state(validated)
    other = validated_text("!")
    assert (fast + other).message == (validated + other).message
    assert (other + fast).message == (other + validated).message


@pytest.mark.parametrize(
    "make", [lambda: fast_chunks.text_chunk("x"), lambda: fast_chunks.tool_arguments_chunk(0, "x")]
)
def test_no_two_chunks_share_a_container(make: Any) -> None:
    one, other = make(), make()
    for left, right in ((one, other), (one.message, other.message)):
        for name, value in left.__dict__.items():
            if isinstance(value, (dict, list, set)):
                assert value is not right.__dict__[name], name
        assert left.__pydantic_fields_set__ is not right.__pydantic_fields_set__
    one.message.id = "changed"
    one.message.response_metadata["changed"] = True
    assert "id" not in other.message.__pydantic_fields_set__
    assert other.message.response_metadata == METADATA


def test_a_langchain_with_other_containers_gets_validated_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    class Changed(StreamedChunk):
        notes: list[str] = []

    template = ChatGenerationChunk(message=Changed(content=""))
    assert not fast_chunks._can_copy(template)
    monkeypatch.setattr(fast_chunks, "_CAN_COPY", False)
    assert fast_chunks.text_chunk("x") == validated_text("x")
    piece = fast_chunks.tool_arguments_chunk(1, '{"a": 1}')
    assert piece.message.tool_call_chunks[0]["args"] == '{"a": 1}'
