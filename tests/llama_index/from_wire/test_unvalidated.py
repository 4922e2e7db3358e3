"""Objects that are made without validation are, in every attribute, those that it would have made."""

from __future__ import annotations

import pytest
from llama_index.core.llms import ChatMessage

from gumloop_emulator import Emulator
from llama_index_gumloop.from_wire import unvalidated as filled
from llama_index_gumloop.from_wire.unvalidated import UnvalidatedObjects, ValidatedObjects, is_same, samples
from tests.llama_index.from_wire.test_answers import RICH, USER


def test_filled_objects_are_validated_ones():
    assert is_same(samples(UnvalidatedObjects), samples(ValidatedObjects))
    assert filled.OBJECTS is UnvalidatedObjects


@pytest.mark.parametrize("slot", ["__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__"])
def test_the_comparison_of_objects_sees_every_difference(slot: str):
    one, other = (ValidatedObjects.text_response("a", "b", {}) for _ in range(2))
    assert is_same(one, other)
    changed = {"__dict__": {**one.__dict__, "delta": "c"}, "__pydantic_fields_set__": {"raw"}}
    object.__setattr__(
        one.message.blocks[0] if slot == "__pydantic_extra__" else one, slot, changed.get(slot, {"x": 1})
    )
    assert not is_same(one, other)


def test_filled_objects_live_on():
    for response in samples(UnvalidatedObjects):
        assert type(response).model_validate_json(response.model_dump_json()).message == response.message
        copied = response.model_copy(deep=True)
        copied.message.blocks.append("changed")
        copied.message.additional_kwargs["changed"] = True
        copied.delta = "changed"
        assert response.delta == "text"
        assert "changed" not in repr(response)


def test_every_streamed_object_is_a_valid_one(server: Emulator, llm):
    server.queue(RICH)
    for response in llm.stream_chat(USER):
        remade = type(response)(
            message=ChatMessage(
                **{name: getattr(response.message, name) for name in response.message.model_fields_set}
            ),
            **{name: getattr(response, name) for name in response.model_fields_set - {"message"}},
        )
        assert remade == response
