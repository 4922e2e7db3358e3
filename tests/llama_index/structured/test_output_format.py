"""Classes as schemas of the answer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

import pytest
from llama_index.core.llms import ChatMessage
from pydantic import UUID4, BaseModel, Field, HttpUrl
from pydantic.v1 import BaseModel as V1Model

from gumloop_core.errors import InvalidRequestError
from gumloop_emulator import Answer, Emulator
from llama_index_gumloop.structured.output_format import output_format
from tests.llama_index.structured.test_prediction import KINDS, PROMPT, Car, Cat, Colour, Dog, Wheel, _predict


def test_a_format_is_made_once():
    assert output_format(Car) is output_format(Car)


class Tree(BaseModel):
    label: str
    left: Tree | None = None


class Advertisement(BaseModel):
    """An advertisement."""

    paint: Colour = Field(description="The colour of the roof.")
    wheel: Wheel | None = Field(None, description="The spare one.")
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    tags: set[str]
    pair: tuple[int, str]
    site: HttpUrl
    identity: UUID4
    tree: Tree


ADVERTISEMENT = {
    "paint": "red",
    "wheel": None,
    "pet": {"kind": "cat", "lives": None},
    "tags": ["a"],
    "pair": [1, "x"],
    "site": "https://example.org/",
    "identity": "7f0c3b1e-3c55-4c0f-9d8a-2f6d1f2b9e11",
    "tree": {"label": "oak", "left": {"label": "twig", "left": None}},
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_field_in_a_strict_schema(server: Emulator, llm, kind: str):
    """The emulator refuses what OpenAI's strict routes refuse."""
    server.queue(Answer(text=json.dumps(ADVERTISEMENT)))
    made = _predict(llm, kind, Advertisement, what="cars")
    assert (made.pet, made.pair, made.tree.left.label) == (Cat(kind="cat"), (1, "x"), "twig")
    sent = server.last_body["response_format"]["json_schema"]
    assert sent["strict"] is True
    assert sent["schema"]["properties"]["paint"]["description"] == "The colour of the roof."
    assert sent["schema"]["properties"]["wheel"]["description"] == "The spare one."


@pytest.mark.parametrize("annotation", [dict[str, int], Any, list, list[Any]])
def test_what_strict_mode_cannot_say_is_not_claimed(server: Emulator, llm, annotation: Any):
    class Holder(BaseModel):
        part: annotation

    server.queue(Answer(text='{"part": {"a": 1}}' if annotation == dict[str, int] else '{"part": []}'))
    llm.structured_predict(Holder, PROMPT, what="parts")
    sent = server.last_body["response_format"]["json_schema"]
    assert (sent["strict"], sent["schema"]) == (False, Holder.model_json_schema())


class TypedWheel(TypedDict):
    size: int


@dataclass
class DataWheel:
    size: int


class OldWheel(V1Model):
    size: int


NO_CLASSES = [list[Wheel], TypedWheel, DataWheel, OldWheel, Wheel(size=1), OldWheel(size=1), Wheel | Car, {}, 5, None]


@pytest.mark.parametrize("mode", ["default", "function", "llm"])
@pytest.mark.parametrize("given", NO_CLASSES, ids=str)
def test_what_is_no_class_is_told_what_to_pass(server: Emulator, make_llm, given: Any, mode: str):
    llm = make_llm(pydantic_program_mode=mode)
    for kind in KINDS:
        with pytest.raises(InvalidRequestError, match=r"pass Wheel|derives from pydantic\.BaseModel"):
            _predict(llm, kind, given, what="wheels")
    with pytest.raises(InvalidRequestError, match=r"pass Wheel|derives from pydantic\.BaseModel"):
        llm.as_structured_llm(given)
    if given is not None and given != {}:
        with pytest.raises(InvalidRequestError, match=r"pass Wheel|derives from pydantic\.BaseModel"):
            llm.chat([ChatMessage("A wheel!")], response_format=given)
    assert not server.requests


def test_a_chat_takes_a_class_as_response_format(server: Emulator, llm):
    server.queue(Answer(text='{"size": 3, "note": "x"}'))
    llm.chat([ChatMessage("A wheel!")], response_format=Wheel)
    sent = server.last_body["response_format"]["json_schema"]
    assert sent["strict"] is True
    assert sent["schema"]["properties"]["note"]["type"] == "string"  # nobody takes a null back
    wire = {"type": "json_object"}
    llm.chat([ChatMessage("Give JSON")], response_format=wire)
    assert server.last_body["response_format"] == wire
