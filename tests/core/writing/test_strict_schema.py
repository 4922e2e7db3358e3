"""Schemas for the strict mode: what is in its subset, and how others are brought into it.

The rules are those of OpenAI's guide to structured outputs, "Supported schemas".
"""

from __future__ import annotations

import copy
import json
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Generic, Literal, Optional, TypeVar

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import UUID4, BaseModel, ConfigDict, Field, HttpUrl, StringConstraints

from gumloop_core.reading.nulls import without_added_nulls
from gumloop_core.writing.strict_schema import strict_form
from gumloop_core.writing.strict_subset import DEEPEST_NESTING, FORMATS, fault_in
from gumloop_emulator.contract import check_schema
from gumloop_emulator.failures import Refused
from tests.support.strategies import schemas

Item = TypeVar("Item")


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Wheel(BaseModel):
    """A wheel, as the class says."""

    size: int


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


class Tree(BaseModel):
    label: str
    left: Optional[Tree] = Field(None, description="What is smaller.")  # noqa: UP045 - people still write it
    children: list[Tree] = Field(default=[], description="What is below.")


class Box(BaseModel, Generic[Item]):
    thing: Item


class Advertisement(BaseModel):
    paint: Colour = Field(description="The colour of the roof.")
    trim: Colour = Colour.RED
    wheel: Wheel = Field(description="The spare one.", title="Spare")
    maybe: Wheel | None = Field(None, description="If there is another.")
    literal: Literal["a", 1] | None = None
    tags: set[str]
    pair: tuple[int, str]
    url: HttpUrl
    identity: UUID4
    day: date
    price: Decimal
    code: Annotated[str, StringConstraints(pattern="^a+$", min_length=1)]
    pet: Cat | Dog = Field(discriminator="kind")
    tree: Tree
    box: Box[int]


def strict_of(model: type[BaseModel], **options: Any) -> dict[str, Any]:
    strict, fault = strict_form(model.model_json_schema(), is_checked=True, **options)
    assert strict is not None, fault
    return strict


def test_what_stands_beside_a_reference_is_kept() -> None:
    """Strict routes refuse ``$ref`` with anything beside it (pydantic-ai#6591, openai-python#1637)."""
    properties = strict_of(Advertisement)["properties"]
    assert properties["paint"]["description"] == "The colour of the roof."
    assert properties["paint"]["enum"] == ["red", "blue"]
    assert properties["wheel"] == {
        "description": "The spare one.",
        "title": "Spare",
        "anyOf": [{"$ref": "#/$defs/Wheel"}],
    }
    assert properties["maybe"]["description"] == "If there is another."
    assert strict_of(Advertisement)["$defs"]["Wheel"]["description"] == "A wheel, as the class says."


def test_recursion_stays_a_reference() -> None:
    strict = strict_of(Tree)
    assert strict["type"] == "object"
    left = strict["properties"]["left"]
    assert left["description"] == "What is smaller."
    assert left["anyOf"] == [{"$ref": "#/$defs/Tree"}, {"type": "null"}]
    assert strict["properties"]["children"]["items"] == {"$ref": "#/$defs/Tree"}


def test_everything_that_pydantic_writes_comes_into_the_subset() -> None:
    schema = Advertisement.model_json_schema()
    before = copy.deepcopy(schema)
    strict = strict_of(Advertisement)
    assert schema == before
    check_schema(strict, "schema", strict=True)
    written = json.dumps(strict)
    for word in ("oneOf", "discriminator", "uniqueItems", "prefixItems", "minLength", "uri", "uuid4", "default"):
        assert f'"{word}"' not in written
    assert strict["properties"]["day"]["format"] == "date"
    assert strict["properties"]["code"]["pattern"] == "^a+$"
    assert strict["properties"]["pet"]["anyOf"] == [{"$ref": "#/$defs/Cat"}, {"$ref": "#/$defs/Dog"}]


def described(**parts: Any) -> dict[str, Any]:
    return {"type": "object", "properties": parts, "required": list(parts)}


NOT_STRICT: dict[str, tuple[dict[str, Any], str]] = {
    "a mapping": (described(a={"type": "object", "additionalProperties": {"type": "string"}}), "properties.a: "),
    "an open object": ({**described(), "additionalProperties": True}, "the schema: "),
    "anything": (described(a={}), "properties.a: "),
    "anything by name": (described(a={"title": "A", "description": "Whatever."}), "properties.a: "),
    "true": (described(a=True), "properties.a: "),
    "items of anything": (described(a={"type": "array", "items": {}}), "properties.a.items: "),
    "a bare list": (described(a={"type": "array"}), "properties.a.items: "),
    "two of all": (described(a={"allOf": [{"type": "string"}, {"pattern": "a"}]}), "properties.a.allOf: "),
    "not": (described(a={"type": "string", "not": {"const": "x"}}), "properties.a.not: "),
    "if": ({**described(), "if": {}, "then": {}}, "if: "),
    "patternProperties": ({**described(), "patternProperties": {}}, "patternProperties: "),
    "dependentRequired": ({**described(), "dependentRequired": {}}, "dependentRequired: "),
    "an alternative of requirements": (
        {**described(a={"type": "string"}), "anyOf": [{"required": ["a"]}]},
        "anyOf: ",
    ),
    "alternatives at the root": ({"anyOf": [described()]}, "anyOf: "),
    "a list at the root": ({"type": "array", "items": {"type": "string"}}, "type: "),
    "required without property": ({**described(), "required": ["x"]}, "required: "),
    "required is a number": ({**described(), "required": 5}, "required: "),
    "required is unhashable": ({**described(), "required": [{}]}, "required: "),
    "anyOf is a number": (described(a={"anyOf": 5}), "properties.a.anyOf: "),
    "properties is a list": ({"type": "object", "properties": []}, "properties: "),
    "enum is a number": (described(a={"enum": 5}), "properties.a.enum: "),
    "enum of objects": (described(a={"enum": [{}]}), "properties.a: "),
    "an unknown type": (described(a={"type": "text"}), "properties.a.type: "),
    "a reference to nowhere": (described(a={"$ref": "#/$defs/X"}), "properties.a.$ref: "),
    "a reference elsewhere": (described(a={"$ref": "https://example.org/a"}), "properties.a.$ref: "),
    "a reference to a property": (described(a={"$ref": "#/properties/b"}, b={"type": "null"}), "properties.a.$ref: "),
    "too many values": (described(a={"enum": [f"v{number}" for number in range(1001)]}), "properties.a.enum: "),
    "too long an enum": (
        described(a={"enum": [f"{number:0100}" for number in range(260)]}),
        "properties.a.enum: ",
    ),
    "too many properties": (described(**{f"p{number}": {"type": "null"} for number in range(5001)}), "properties: "),
    "too long names": (described(**{f"{number:0500}": {"type": "null"} for number in range(300)}), "the schema: "),
}


@pytest.mark.parametrize("is_checked", [False, True])
@pytest.mark.parametrize("name", NOT_STRICT)
def test_what_has_no_strict_form_is_named(name: str, is_checked: bool) -> None:
    schema, place = NOT_STRICT[name]
    before = copy.deepcopy(schema)
    strict, fault = strict_form(schema, is_checked=is_checked)
    assert strict is None
    assert fault.startswith(place), fault
    assert schema == before


@pytest.mark.parametrize(
    ("part", "place"),
    [
        ({"type": "string", "format": "uri"}, "format"),
        ({"type": "string", "minLength": 1}, "minLength"),
        ({"type": "string", "pattern": "^(?!a)"}, "pattern"),
        ({"type": "array", "items": {"type": "string"}, "uniqueItems": True}, "uniqueItems"),
        ({"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]}, "prefixItems"),
    ],
)
def test_what_nobody_checks_later_is_not_left_out(part: dict[str, Any], place: str) -> None:
    strict, fault = strict_form(described(a=part))
    assert strict is None
    assert fault.startswith(f"properties.a.{place}: ")
    assert strict_form(described(a=part), is_checked=True)[0] is not None


@pytest.mark.parametrize("format_", sorted(FORMATS))
def test_documented_formats_stay(format_: str) -> None:
    part = {"type": "string", "format": format_}
    strict, _ = strict_form(described(a=part))
    assert strict is not None
    assert strict["properties"]["a"] == part


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        schema = described(a=schema)
    return schema


def test_depth() -> None:
    assert strict_form(nested(DEEPEST_NESTING))[0] is not None
    for depth in (DEEPEST_NESTING + 1, 600):
        strict, fault = strict_form(nested(depth))
        assert strict is None
        assert "nested" in fault or "levels" in fault
        assert len(fault) < 400


def test_depth_counts_what_references_lead_to() -> None:
    definitions = {f"D{level}": described(a={"$ref": f"#/$defs/D{level + 1}"}) for level in range(12)}
    chain = {**described(a={"$ref": "#/$defs/D0"}), "$defs": {**definitions, "D12": described()}}
    assert strict_form(chain)[0] is None


@pytest.mark.parametrize(("count", "possible"), [(9, True), (40, False)])
def test_definitions_that_refer_to_each_other_are_written_once(count: int, possible: bool) -> None:
    names = [f"D{number}" for number in range(count)]
    part = described(**{name: {"$ref": f"#/$defs/{name}", "description": "d"} for name in names})
    strict, _ = strict_form({**described(a={"$ref": "#/$defs/D0"}), "$defs": dict.fromkeys(names, part)})
    assert (strict is not None) is possible
    assert len(json.dumps(strict)) < 20_000


def test_older_forms_are_read() -> None:
    """pydantic 1 wrote definitions, and wrapped what stands beside a reference in ``allOf``."""
    schema = {
        **described(a={"allOf": [{"$ref": "#/definitions/A"}], "description": "d", "default": "x"}),
        "definitions": {"A": {"type": "object", "properties": {"b": {"type": "integer"}}, "title": "A"}},
        "$schema": "http://json-schema.org/draft-07/schema#",
    }
    strict, fault = strict_form(schema)
    assert strict is not None, fault
    assert strict["properties"]["a"]["description"] == "d"
    assert strict["properties"]["a"]["properties"]["b"]["type"] == ["integer", "null"]


def test_types_that_are_meant_are_said() -> None:
    strict, fault = strict_form(described(a={"enum": ["x", 1]}, b={"const": None}, c={"properties": {}}))
    assert strict is not None, fault
    assert [strict["properties"][name]["type"] for name in "abc"] == [["string", "integer"], "null", "object"]


def test_a_strict_form_is_its_own() -> None:
    strict = strict_of(Advertisement, optional_as_null=False)
    assert strict_form(strict, optional_as_null=False)[0] == strict


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    a: int


@pytest.mark.parametrize("annotation", [dict[str, int], Any, list, dict, list[Any], Open])
def test_what_is_open_in_python_is_not_strict(annotation: Any) -> None:
    class Holder(BaseModel):
        part: annotation

    assert strict_form(Holder.model_json_schema(), is_checked=True)[0] is None


@settings(max_examples=60, deadline=None)
@given(schema=schemas(), data=st.data())
def test_what_is_claimed_strict_is_strict_and_means_the_same(schema: dict[str, Any], data: st.DataObject) -> None:
    """What the builder claims passes the emulator's check, and an answer to it is one to the schema itself."""
    before = copy.deepcopy(schema)
    for is_checked in (False, True):
        strict, fault = strict_form(schema, is_checked=is_checked)
        assert schema == before
        if strict is None:
            assert fault
            with pytest.raises(Refused):
                check_schema(schema, "schema", strict=True)
            continue
        jsonschema.Draft202012Validator.check_schema(strict)
        check_schema(strict, "schema", strict=True)
        assert fault_in(strict) is None
        if not is_checked:
            answer = data.draw(answers(strict, strict))
            jsonschema.validate(answer, strict)
            jsonschema.validate(without_added_nulls(answer, schema), schema)


def answers(schema: dict[str, Any], root: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Answers to a schema of the subset."""
    if "$ref" in schema:
        return answers(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "anyOf" in schema:
        return st.one_of([answers(option, root) for option in schema["anyOf"]])
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return st.one_of([_answers_of(kind, schema, root) for kind in kinds])


def _answers_of(kind: str, schema: dict[str, Any], root: dict[str, Any]) -> st.SearchStrategy[Any]:
    if kind == "object":
        return st.fixed_dictionaries({name: answers(part, root) for name, part in schema["properties"].items()})
    if kind == "array":
        least, most = schema.get("minItems", 0), schema.get("maxItems", 3)
        return st.lists(answers(schema["items"], root), min_size=least, max_size=most)
    plain: dict[str, st.SearchStrategy[Any]] = {
        "string": st.text(max_size=3),
        "integer": st.integers(schema.get("minimum", -5), 5),
        "number": st.integers(schema.get("minimum", -5), 5).map(float),
        "boolean": st.booleans(),
        "null": st.none(),
    }
    return plain[kind]
