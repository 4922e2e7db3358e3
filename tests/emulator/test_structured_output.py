"""Structured output: values of the conversation where there are any, in every way of asking."""

from __future__ import annotations

import json
from typing import Any, Literal

import jsonschema
import pytest
from pydantic import BaseModel, Field

from gumloop_core.emulator import Emulator
from tests.emulator.support import STRING, ask, body, calls_of, events, post, text_of, tool, user


class Person(BaseModel):
    name: str
    age: int | None = None
    city: str | None
    email: str | None = None


class People(BaseModel):
    people: list[Person]


class Mood(BaseModel):
    sentiment: Literal["positive", "negative", "neutral"]
    score: float = Field(ge=0, le=1)


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    name: str


class Pet(BaseModel):
    pet: Cat | Dog


class Conclusion(BaseModel):
    answer: str
    confidence: float


def structured(schema: type[BaseModel], question: str | list[dict[str, Any]]) -> Any:
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema.model_json_schema()}}
    reply = ask(question, response_format=wanted)
    return schema.model_validate_json(reply.text or "")


def test_facts_of_a_sentence() -> None:
    text = "John Smith is 42 years old and lives in Berlin. His email is john@example.com."
    assert structured(Person, text) == Person(name="John Smith", age=42, city="Berlin", email="john@example.com")


def test_labelled_values() -> None:
    assert structured(Person, "name: Ada Lovelace, age: 36; city = London") == Person(
        name="Ada Lovelace", age=36, city="London"
    )


def test_null_for_what_is_not_there() -> None:
    assert structured(Person, "My name is Grace Hopper.") == Person(name="Grace Hopper", city=None)


def test_one_object_for_each_sentence() -> None:
    found = structured(People, "Alice is 30 and lives in Paris. Bob is 25 and lives in Rome.").people
    assert found == [Person(name="Alice", age=30, city="Paris"), Person(name="Bob", age=25, city="Rome")]


@pytest.mark.parametrize(
    ("text", "mood"),
    [
        ("I love it, it is excellent!", "positive"),
        ("It is broken and support was rude.", "negative"),
        ("It arrived on Monday.", "neutral"),
        ("Classify as positive, negative or neutral: what a terrible day", "negative"),
    ],
)
def test_mood(text: str, mood: str) -> None:
    assert structured(Mood, text).sentiment == mood


def test_the_alternative_that_fits() -> None:
    assert structured(Pet, "My dog is called Rex") == Pet(pet=Dog(kind="dog", name="Rex"))
    assert structured(Pet, "My cat has 9 lives") == Pet(pet=Cat(kind="cat", lives=9))


def test_an_answer_property_has_the_answer() -> None:
    assert structured(Conclusion, "What is the capital of France?").answer == "Paris."


def test_lists_behind_their_name() -> None:
    class Album(BaseModel):
        name: str
        artist: str
        songs: list[str]

    found = structured(Album, "The album 'Blue' by Joni Mitchell with songs: All I Want, Carey and River")
    assert found == Album(name="Blue", artist="Joni Mitchell", songs=["All I Want", "Carey", "River"])


def test_values_of_a_tool_result() -> None:
    class Report(BaseModel):
        city: str
        temperature: float
        conditions: Literal["sunny", "rainy"]

    messages = [
        user("What is the weather in Paris?"),
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "c", "content": "It is 21 degrees and sunny in Paris."},
    ]
    assert structured(Report, messages) == Report(city="Paris", temperature=21, conditions="sunny")


@pytest.mark.parametrize("method", ["strict", "loose"])
def test_over_http_unary_and_streamed(gumloop_emulator: Emulator, method: str) -> None:
    schema = {
        "type": "object",
        "properties": {"name": STRING, "tags": {"type": "array", "items": STRING, "minItems": 2}},
        "required": ["name", "tags"],
        "additionalProperties": False,
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema, "strict": method == "strict"}}
    unary = post(gumloop_emulator, body("Tell me about Rome", response_format=wanted)).json()
    chunks = events(post(gumloop_emulator, body("Tell me about Rome", response_format=wanted, stream=True)))
    assert unary["choices"][0]["message"]["content"] == text_of(chunks)
    jsonschema.validate(json.loads(text_of(chunks)), schema)
    assert len(chunks) > 5


def test_json_object_with_named_keys() -> None:
    reply = ask(
        "Tell me a joke about cats. Return the result as a JSON with 'setup' and 'punchline' keys. "
        "Return nothing other than JSON.",
        response_format={"type": "json_object"},
    )
    joke = json.loads(reply.text or "")
    assert set(joke) == {"setup", "punchline"}
    assert "cat" in joke["setup"]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ('JSON like {"city": "x", "days": 3}, please. I will be in Rome for 5 days.', {"city": "Rome", "days": 5}),
        ("Extract as JSON with name, email: Ada, ada@example.com", {"name": "Ada", "email": "ada@example.com"}),
        ("Who is it? Fields: name. It is Ada Lovelace. JSON", {"name": "Ada Lovelace"}),
        ("What is the capital of Peru? Answer in JSON", {"answer": "Lima."}),
    ],
)
def test_json_object_with_a_described_form(prompt: str, expected: dict[str, Any]) -> None:
    assert json.loads(ask(prompt, response_format={"type": "json_object"}).text or "") == expected


@pytest.mark.parametrize("doubled", [False, True])
def test_a_schema_that_is_written_into_the_prompt(doubled: bool) -> None:
    schema = json.dumps(Person.model_json_schema())
    written = schema.replace("{", "{{").replace("}", "}}") if doubled else schema
    prompt = f"Ada Lovelace is 36 years old.\n\nHere's a JSON schema to follow:\n{written}\n\nOutput valid JSON."
    assert Person.model_validate_json(ask(prompt).text or "") == Person(name="Ada Lovelace", age=36, city=None)


def test_a_forced_tool_is_filled_like_a_schema() -> None:
    save = tool("Person", "A person.", name=STRING, age={"type": "integer"})
    forced = {"type": "function", "function": {"name": "Person"}}
    reply = ask("Ada Lovelace, 36 years old", tools=[save], tool_choice=forced)
    assert calls_of(reply) == [("Person", {"name": "Ada Lovelace", "age": 36})]


def test_tools_come_before_the_form() -> None:
    weather = tool("get_weather", "Get the weather for a city.", city=STRING)
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object", "properties": {}}}}
    reply = ask("What is the weather in Paris?", tools=[weather], response_format=wanted)
    assert calls_of(reply) == [("get_weather", {"city": "Paris"})]
