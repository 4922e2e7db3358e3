"""Answers as objects: every kind of schema, every method, streamed and not, and what happens when it cannot be."""

from __future__ import annotations

import asyncio
import copy
import json
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, Optional, TypedDict

import pytest
from langchain_core.exceptions import OutputParserException
from langchain_core.utils.function_calling import convert_to_json_schema
from pydantic import UUID4, BaseModel, Field, HttpUrl, RootModel, StringConstraints, field_validator
from pydantic.v1 import BaseModel as V1Model

from gumloop_core import errors as core
from gumloop_emulator import Answer, Emulator, Failure
from gumloop_emulator import ToolCall as Call
from langchain_gumloop.errors import LengthLimitError, RefusalError
from langchain_gumloop.structured.parser import StructuredAnswerParser
from tests.langchain.answers import call, call_piece, gathered, streamed, unary
from tests.langchain.conftest import MakeModel


class City(BaseModel):
    """A city."""

    name: str
    country: str = "unknown"
    population: Optional[int] = None  # noqa: UP045 - people still write it


class OldCity(V1Model):
    """A city."""

    name: str
    country: str = "unknown"


class TypedCity(TypedDict, total=False):
    """A city."""

    name: Annotated[str, ..., "What it is called."]
    country: str


JSON_SCHEMA: dict[str, Any] = {
    "title": "City",
    "description": "A city.",
    "type": "object",
    "properties": {"name": {"type": "string"}, "country": {"type": "string"}},
    "required": ["name"],
}
FUNCTION: dict[str, Any] = {
    "name": "City",
    "description": "A city.",
    "parameters": {key: JSON_SCHEMA[key] for key in ("type", "properties", "required")},
}
SCHEMAS: dict[str, Any] = {
    "pydantic": City,
    "pydantic v1": OldCity,
    "TypedDict": TypedCity,
    "JSON Schema": JSON_SCHEMA,
    "OpenAI function": FUNCTION,
    "OpenAI tool": {"type": "function", "function": FUNCTION},
    "json_schema": {"name": "City", "schema": FUNCTION["parameters"]},
}
METHODS: list[Any] = [
    ("json_schema", None),
    ("json_schema", True),
    ("json_schema", False),
    ("function_calling", None),
    ("function_calling", True),
    ("function_calling", False),
    ("json_mode", None),
]


def reply(method: str, value: Any, name: str = "City", **more: Any) -> Answer:
    if method == "function_calling":
        return Answer(tool_calls=[Call(name, value)], **more)
    return Answer(text=value if isinstance(value, str) else json.dumps(value), **more)


def name_of(kind: str) -> str:
    return {"pydantic v1": "OldCity", "TypedDict": "TypedCity"}.get(kind, "City")


def plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(exclude_unset=True)
    return value.dict(exclude_unset=True) if isinstance(value, V1Model) else value


@pytest.mark.parametrize("include_raw", [False, True])
@pytest.mark.parametrize(("method", "strict"), METHODS)
@pytest.mark.parametrize("kind", SCHEMAS)
def test_every_schema_by_every_method(
    server: Emulator, chat: MakeModel, kind: str, method: str, strict: bool | None, include_raw: bool
) -> None:
    schema = copy.deepcopy(SCHEMAS[kind])
    model = chat().with_structured_output(schema, method=method, strict=strict, include_raw=include_raw)  # type: ignore[arg-type]
    value = {"name": "Ottawa", "country": "Canada"}
    server.queue(*[reply(method, value, name_of(kind))] * 3)
    streamed = list(model.stream("Give JSON"))
    results = [model.invoke("Give JSON"), asyncio.run(model.ainvoke("Give JSON"))]
    if include_raw:
        assert all(result["parsing_error"] is None for result in results)
        assert all(result["raw"].response_metadata["model_name"] for result in results)
        results = [result["parsed"] for result in results]
        streamed = [chunk["parsed"] for chunk in streamed if chunk.get("parsed") is not None]
    results.append(streamed[-1])
    assert [plain(result) for result in results] == [value] * 3
    if isinstance(schema, type) and issubclass(schema, (BaseModel, V1Model)):
        assert all(isinstance(result, schema) for result in results)
    else:
        assert schema == SCHEMAS[kind]


@pytest.mark.parametrize(("method", "strict"), METHODS)
def test_what_is_sent(server: Emulator, chat: MakeModel, method: str, strict: bool | None) -> None:
    server.queue(reply(method, {"name": "Ottawa"}))
    chat().with_structured_output(JSON_SCHEMA, method=method, strict=strict).invoke("Give JSON")  # type: ignore[arg-type]
    body = server.last_body
    if method == "json_mode":
        assert body["response_format"] == {"type": "json_object"}
        return
    if method == "json_schema":
        sent = body["response_format"]["json_schema"]
        assert (body["response_format"]["type"], sent["name"]) == ("json_schema", "City")
        schema, is_strict = sent["schema"], strict is not False
        assert sent["strict"] is is_strict
    else:
        function = body["tools"][0]["function"]
        assert body["tool_choice"] == {"type": "function", "function": {"name": "City"}}
        schema, is_strict = function["parameters"], strict is True
        assert function.get("strict") is strict
    if is_strict:
        assert schema["required"] == ["name", "country"]
        assert schema["additionalProperties"] is False
    else:
        assert schema["required"] == ["name"]


@pytest.mark.parametrize("kind", SCHEMAS)
@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
def test_traces_get_the_schema(chat: MakeModel, kind: str, method: str) -> None:
    model = chat().with_structured_output(SCHEMAS[kind], method=method)  # type: ignore[arg-type]
    noted = model.first.kwargs["ls_structured_output_format"]  # type: ignore[attr-defined]
    assert noted["kwargs"]["method"] == method
    assert convert_to_json_schema(noted["schema"]) == convert_to_json_schema(SCHEMAS[kind])


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_a_null_that_strict_mode_made_is_taken_back(server: Emulator, chat: MakeModel, method: str) -> None:
    server.queue(*[reply(method, {"name": "Ottawa", "country": None, "population": None})] * 2)
    model = chat().with_structured_output(City, method=method, strict=True)  # type: ignore[arg-type]
    expected = City(name="Ottawa", country="unknown", population=None)
    assert model.invoke("x") == expected
    assert list(model.stream("x"))[-1] == expected


def test_a_schema_with_open_objects_is_sent_without_strict(server: Emulator, chat: MakeModel) -> None:
    class Scores(BaseModel):
        """Scores by name."""

        by_name: dict[str, int]

    server.queue(Answer(text='{"by_name": {"a": 1}}'))
    assert chat().with_structured_output(Scores).invoke("x") == Scores(by_name={"a": 1})
    assert server.last_body["response_format"]["json_schema"]["strict"] is False
    with pytest.raises(core.InvalidRequestError, match="'Scores' cannot be strict"):
        chat().with_structured_output(Scores, strict=True)


class Tree(BaseModel):
    """A tree."""

    label: str
    children: list[Tree] = []


def test_a_schema_that_refers_to_itself(server: Emulator, chat: MakeModel) -> None:
    server.queue(*[Answer(text='{"label": "a", "children": [{"label": "b", "children": []}]}')] * 2)
    model = chat().with_structured_output(Tree)
    expected = Tree(label="a", children=[Tree(label="b")])
    assert model.invoke("x") == expected
    assert list(model.stream("x"))[-1] == expected


def test_names_are_made_safe(server: Emulator, chat: MakeModel) -> None:
    server.queue(Answer(text='{"name": "x"}'), Answer(tool_calls=[Call("Ein_sch_ner_Titel", {"name": "x"})]))
    schema = {**JSON_SCHEMA, "title": "Ein schöner Titel!"}
    chat().with_structured_output(schema).invoke("x")
    assert server.last_body["response_format"]["json_schema"]["name"] == "Ein_sch_ner_Titel"
    assert chat().with_structured_output(schema, method="function_calling").invoke("x") == {"name": "x"}
    server.queue(Answer(text='{"name": "x"}'))
    chat().with_structured_output({**JSON_SCHEMA, "title": "T" * 100}).invoke("x")
    assert server.last_body["response_format"]["json_schema"]["name"] == "T" * 64


def test_an_untitled_schema_gets_a_name(server: Emulator, chat: MakeModel) -> None:
    server.queue(Answer(text='{"name": "x"}'))
    schema = {key: value for key, value in JSON_SCHEMA.items() if key != "title"}
    assert chat().with_structured_output(schema).invoke("x") == {"name": "x"}
    assert server.last_body["response_format"]["json_schema"]["name"] == "response"


def test_json_in_a_fence_is_read(server: Emulator, chat: MakeModel) -> None:
    server.queue(*[Answer(text='```json\n{"name": "Ottawa", "country": "Canada"}\n```')] * 2)
    model = chat().with_structured_output(City, method="json_mode")
    assert model.invoke("Give JSON") == City(name="Ottawa", country="Canada")
    assert list(model.stream("Give JSON"))[-1] == City(name="Ottawa", country="Canada")


def test_json_mode_without_a_schema(server: Emulator, chat: MakeModel) -> None:
    server.queue(Answer(text='{"any": [1]}'))
    assert chat().with_structured_output(None, method="json_mode").invoke("Give JSON") == {"any": [1]}


CUT = '{"name": "Otta'
FAILURES: list[Any] = [
    pytest.param(Answer(refusal="I cannot do that."), RefusalError, "refused: I cannot do that", id="refusal"),
    pytest.param(Answer(text=CUT, finish_reason="length"), LengthLimitError, "cut off at the token limit", id="length"),
    pytest.param(Answer(text=CUT, finish_reason="content_filter"), RefusalError, "content filter", id="filter"),
    pytest.param(Answer(text="I think Ottawa."), OutputParserException, "not JSON: 'I think", id="not JSON"),
    pytest.param(Answer(text='{"country": "Canada"}'), OutputParserException, "does not fit City", id="does not fit"),
]


@pytest.mark.parametrize(("answer", "kind", "said"), FAILURES)
@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "astream"])
def test_an_answer_that_is_no_object_says_why(
    server: Emulator, chat: MakeModel, answer: Answer, kind: type[Exception], said: str, way: str
) -> None:
    server.queue(answer)
    model = chat().with_structured_output(City)
    calls = {
        "invoke": lambda: model.invoke("x"),
        "ainvoke": lambda: asyncio.run(model.ainvoke("x")),
        "stream": lambda: list(model.stream("x")),
        "astream": lambda: gathered(model.astream("x")),
    }
    with pytest.raises(kind, match=said):
        calls[way]()


@pytest.mark.parametrize(("answer", "kind", "said"), FAILURES)
def test_with_raw_the_reason_is_beside_the_message(
    server: Emulator, chat: MakeModel, answer: Answer, kind: type[Exception], said: str
) -> None:
    server.queue(answer)
    result = chat().with_structured_output(City, include_raw=True).invoke("x")
    assert result["parsed"] is None
    assert isinstance(result["parsing_error"], kind)
    assert said in str(result["parsing_error"])
    assert str(result["raw"].text) == (answer.text or "")


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    ("method", "answer", "kind"),
    [
        ("json_schema", Answer(text="Ottawa, I think."), OutputParserException),
        ("json_mode", Answer(text='{"town": 1}'), OutputParserException),
        ("function_calling", Answer(tool_calls=[Call("City", "{nope")]), OutputParserException),
        ("function_calling", Answer(tool_calls=[Call("City", '{"na')], finish_reason="length"), LengthLimitError),
        ("function_calling", Answer(tool_calls=[Call("City", "")], finish_reason="content_filter"), RefusalError),
    ],
)
def test_with_the_raw_answer_no_parsing_error_is_raised_on_any_road(
    server: Emulator, chat: MakeModel, method: Any, answer: Answer, kind: type[Exception], is_async: bool
) -> None:
    server.queue(answer, answer)
    model = chat().with_structured_output(City, method=method, include_raw=True)
    whole = asyncio.run(model.ainvoke("x")) if is_async else model.invoke("x")
    parts = gathered(model.astream("x")) if is_async else list(model.stream("x"))
    for result in (whole, {key: value for part in parts for key, value in part.items()}):
        assert list(result) == ["raw", "parsed", "parsing_error"]
        assert result["parsed"] is None
        assert type(result["parsing_error"]) is kind
        assert result["raw"].response_metadata["finish_reason"]


def test_a_malformed_answer_beside_the_call_of_a_tool_is_one_on_each_road(server: Emulator, chat: MakeModel) -> None:
    def look_up() -> str:
        """Look a city up."""
        raise AssertionError

    calls = [call("c1", "City", "{nope"), call("c2", "look_up", "{}")]
    pieces = [call_piece(0, "{nope", id="c1", name="City"), call_piece(1, "{}", id="c2", name="look_up")]
    server.queue(unary("tool_calls", tool_calls=calls), streamed(*pieces, finish_reason="tool_calls"))
    model = chat().with_structured_output(City, method="function_calling", tools=[look_up])
    for road in (model.invoke, lambda prompt: list(model.stream(prompt))):
        with pytest.raises(OutputParserException, match="arguments for 'City' are not a JSON object"):
            road("x")


def test_a_call_that_was_not_made_or_cut_says_so(server: Emulator, chat: MakeModel) -> None:
    model = chat().with_structured_output(City, method="function_calling")
    server.queue(
        Answer(text="Ottawa, I think."),
        Answer(tool_calls=[Call("City", '{"name": ')]),
        Answer(tool_calls=[Call("City", '{"name": ')], finish_reason="length"),
    )
    with pytest.raises(OutputParserException, match=r"text instead of calling 'City': 'Ottawa, I think\.'"):
        model.invoke("x")
    with pytest.raises(OutputParserException, match="arguments for 'City' are not a JSON object"):
        model.invoke("x")
    with pytest.raises(LengthLimitError):
        model.invoke("x")


def test_other_tools_beside_the_schema(server: Emulator, chat: MakeModel) -> None:
    def look_up(name: str) -> str:
        """Look a city up."""
        return name

    model = chat().with_structured_output(City, tools=[look_up], include_raw=True)
    server.queue(Answer(text='{"name": "Ottawa", "country": "Canada", "population": 1}'))
    assert model.invoke("x")["parsed"].population == 1
    assert [entry["function"]["name"] for entry in server.last_body["tools"]] == ["look_up"]
    model = chat().with_structured_output(City, method="function_calling", tools=[look_up], include_raw=True)
    server.queue(Answer(tool_calls=[Call("look_up", {"name": "Ottawa"})]))
    result = model.invoke("x")
    assert server.last_body["tool_choice"] == "required"
    assert (result["parsed"], result["parsing_error"]) == (None, None)
    assert result["raw"].tool_calls[0]["name"] == "look_up"


@pytest.mark.parametrize(
    ("schema", "options", "said"),
    [
        (City, {"method": "magic"}, "method must be one of json_schema, function_calling, json_mode, not 'magic'"),
        (None, {}, "'json_schema' needs a schema"),
        (City, {"method": "json_mode", "strict": True}, "strict has no meaning"),
        ("City", {}, "must be a Pydantic class"),
        (int, {}, "int cannot be turned into a schema"),
        (Enum("Colour", ["RED"]), {}, "Colour is an Enum"),
        (list[City], {}, "list"),
    ],
)
def test_bad_arguments_are_named_at_once(chat: MakeModel, schema: Any, options: dict[str, Any], said: str) -> None:
    with pytest.raises(core.InvalidRequestError, match=said):
        chat().with_structured_output(schema, **options)


def test_failures_of_the_call_itself_are_raised_with_raw_too(server: Emulator, chat: MakeModel) -> None:
    server.queue(Failure(402))
    with pytest.raises(core.InsufficientCreditsError):
        chat().with_structured_output(City, include_raw=True).invoke("x")


def test_an_answer_that_is_no_object_is_asked_for_without_strict(server: Emulator, chat: MakeModel) -> None:
    class Names(RootModel[list[str]]):
        """Names."""

    server.queue(Answer(text='["a"]'))
    assert chat().with_structured_output(Names).invoke("x") == Names(["a"])
    sent = server.last_body["response_format"]["json_schema"]
    assert (sent["strict"], sent["schema"]["type"]) == (False, "array")
    with pytest.raises(core.InvalidRequestError, match="root must be of type object"):
        chat().with_structured_output(Names, strict=True)


def test_a_response_format_is_a_schema_too(server: Emulator, chat: MakeModel) -> None:
    described = {"name": "City", "schema": FUNCTION["parameters"]}
    server.queue(Answer(text='{"name": "Ottawa", "country": null}'))
    model = chat().with_structured_output({"type": "json_schema", "json_schema": described})
    assert model.invoke("x") == {"name": "Ottawa"}
    assert server.last_body["response_format"]["json_schema"]["name"] == "City"


def test_a_class_is_read_once() -> None:
    from langchain_gumloop.structured.output_format import answer_schema

    assert answer_schema(City) is answer_schema(City)
    assert answer_schema(City).schema == City.model_json_schema()
    assert answer_schema(Tree).schema["type"] == "object"


def test_aliases_and_literals(server: Emulator, chat: MakeModel) -> None:
    class Ticket(BaseModel):
        """A ticket."""

        kind: Literal["bug", "wish"] = "bug"
        text: str = Field(alias="the_text")

    server.queue(Answer(text='{"kind": null, "the_text": "It breaks."}'))
    ticket = chat().with_structured_output(Ticket).invoke("x")
    assert (ticket.kind, ticket.text) == ("bug", "It breaks.")


class Colour(Enum):
    """A colour."""

    RED = "red"
    BLUE = "blue"


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


class Ad(BaseModel):
    """An advertisement."""

    paint: Colour = Field(description="The colour of the roof.")
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    tags: set[str]
    pair: tuple[int, str]
    site: HttpUrl
    identity: UUID4
    day: date
    price: Decimal
    code: Annotated[str, StringConstraints(min_length=1, pattern="^a+$")]
    tree: Tree | None = Field(None, description="What grows there.")


AD = {
    "paint": "red",
    "pet": {"kind": "dog"},
    "tags": ["a", "b"],
    "pair": [1, "x"],
    "site": "https://example.org/",
    "identity": "7f0c3b1e-3c55-4c0f-9d8a-2f6d1f2b9e11",
    "day": "2026-01-02",
    "price": "1.50",
    "code": "aa",
    "tree": {"label": "oak", "children": None},
}


@pytest.mark.parametrize(
    ("method", "strict"), [("json_schema", None), ("json_schema", True), ("function_calling", True)]
)
def test_every_kind_of_field_in_a_strict_schema(
    server: Emulator, chat: MakeModel, method: str, strict: bool | None
) -> None:
    """The emulator refuses what OpenAI's strict routes refuse (openai-agents-python#1884, pydantic-ai#7315)."""
    server.queue(*[reply(method, AD, "Ad")] * 2)
    model = chat().with_structured_output(Ad, method=method, strict=strict)  # type: ignore[arg-type]
    expected = Ad.model_validate({**AD, "tree": {"label": "oak"}})
    assert model.invoke("x") == expected
    assert list(model.stream("x"))[-1] == expected
    body = json.dumps(server.last_body)
    assert '"strict": true' in body
    for said in ("The colour of the roof.", "What grows there."):
        assert said in body


@pytest.mark.parametrize("annotation", [dict[str, int], dict, Any, list, list[Any]])
def test_what_strict_mode_cannot_say_is_not_claimed(server: Emulator, chat: MakeModel, annotation: Any) -> None:
    class Holder(BaseModel):
        """Holds it."""

        part: annotation

    server.queue(Answer(text='{"part": {"a": 1}}' if annotation in (dict, dict[str, int]) else '{"part": []}'))
    chat().with_structured_output(Holder).invoke("x")
    sent = server.last_body["response_format"]["json_schema"]
    assert (sent["strict"], sent["schema"]) == (False, Holder.model_json_schema())
    for method in ("json_schema", "function_calling"):
        with pytest.raises(core.InvalidRequestError, match=r"'Holder' cannot be strict: properties\.part"):
            chat().with_structured_output(Holder, method=method, strict=True)  # type: ignore[arg-type]


def test_limits_of_a_plain_schema_are_not_lost(server: Emulator, chat: MakeModel) -> None:
    """Nobody checks a dict afterwards, so what strict mode cannot say is asked for without it."""
    schema = {"title": "T", "type": "object", "properties": {"a": {"type": "string", "minLength": 1}}}
    server.queue(Answer(text='{"a": "x"}'))
    chat().with_structured_output(schema).invoke("x")
    sent = server.last_body["response_format"]["json_schema"]
    assert (sent["strict"], sent["schema"]) == (False, schema)
    with pytest.raises(core.InvalidRequestError, match=r"properties\.a\.minLength"):
        chat().with_structured_output(schema, strict=True)


@dataclass
class Place:
    """A place."""

    name: str
    tags: list[str] = field(default_factory=list)


@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
def test_a_dataclass_is_a_class_too(server: Emulator, chat: MakeModel, method: str) -> None:
    server.queue(*[reply(method, {"name": "x", "tags": ["a"]}, "Place")] * 2)
    model = chat().with_structured_output(Place, method=method)  # type: ignore[arg-type]
    assert model.invoke("Give JSON") == Place("x", ["a"])
    assert list(model.stream("Give JSON"))[-1] == Place("x", ["a"])


NO_CLASSES: list[Any] = [
    (list[City], r"is no class.*class Answer\(BaseModel\)"),
    (City | OldCity, r"is no class.*class Answer\(BaseModel\)"),
    (Literal["a"], r"is no class.*class Answer\(BaseModel\)"),
    (City(name="x"), "pass City"),
    (OldCity(name="x"), "pass OldCity"),
    (Place("x"), "pass Place"),
    ([City], "Pass a Pydantic class"),
    (5, "Pass a Pydantic class"),
    (dict, "Pass a Pydantic class"),
]


@pytest.mark.parametrize(("given", "said"), NO_CLASSES, ids=str)
def test_what_is_no_class_is_told_what_to_pass(chat: MakeModel, given: Any, said: str) -> None:
    with pytest.raises(core.InvalidRequestError, match=said):
        chat().with_structured_output(given)
    with pytest.raises(core.InvalidRequestError, match=said):
        chat().bind_tools([], response_format=given)
    with pytest.raises(core.InvalidRequestError, match=said):
        chat().invoke("x", response_format=given)


@pytest.mark.parametrize("given", [City, OldCity, TypedCity, Place, JSON_SCHEMA], ids=str)
def test_a_call_takes_a_class_as_response_format(server: Emulator, chat: MakeModel, given: Any) -> None:
    server.queue(*[Answer(text='{"name": "x"}')] * 2)
    chat().invoke("x", response_format=given)
    sent = server.last_body["response_format"]["json_schema"]
    assert sent["strict"] is True
    assert sent["schema"]["required"] == list(sent["schema"]["properties"])
    chat().bind_tools([], response_format=given).invoke("x")
    assert server.last_body["response_format"]["json_schema"] == sent


ARGUMENTS = ['{"name": "Otta', '{"name": "Ottawa"', "", '{"name": "Ottawa", "country": "Ca']


@pytest.mark.parametrize("arguments", ARGUMENTS)
@pytest.mark.parametrize(("reason", "kind"), [("length", LengthLimitError), ("content_filter", RefusalError)])
@pytest.mark.parametrize("schema", [City, JSON_SCHEMA], ids=["class", "dict"])
@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "astream"])
def test_no_object_is_made_of_half_a_call(
    server: Emulator, chat: MakeModel, arguments: str, reason: str, kind: type[Exception], schema: Any, way: str
) -> None:
    """What had arrived reads as an object where partial JSON is read leniently (langchain#39275)."""
    server.queue(Answer(tool_calls=[Call("City", arguments)], finish_reason=reason))
    model = chat().with_structured_output(schema, method="function_calling")
    calls = {
        "invoke": lambda: model.invoke("x"),
        "ainvoke": lambda: asyncio.run(model.ainvoke("x")),
        "stream": lambda: list(model.stream("x")),
        "astream": lambda: gathered(model.astream("x")),
    }
    with pytest.raises(kind):
        calls[way]()


def test_a_call_that_ends_at_the_limit_is_whole(server: Emulator, chat: MakeModel) -> None:
    server.queue(*[Answer(tool_calls=[Call("City", '{"name": "x"}')], finish_reason="length")] * 2)
    server.queue(*[Answer(text='{"name": "x"}', finish_reason="length")] * 2)
    for method in ("function_calling", "json_schema"):
        model = chat().with_structured_output(City, method=method)  # type: ignore[arg-type]
        assert model.invoke("x") == City(name="x")
        assert list(model.stream("x"))[-1] == City(name="x")


@pytest.mark.parametrize("text", ['Sure: {"name": "x"}', '```JSON\n{"name": "x"}\n```', '{"name": "x"} There.'])
def test_words_around_the_object_are_read_over(server: Emulator, chat: MakeModel, text: str) -> None:
    server.queue(*[Answer(text=text)] * 2)
    model = chat().with_structured_output(City)
    assert model.invoke("x") == City(name="x")
    assert list(model.stream("x"))[-1] == City(name="x")


class Town(BaseModel):
    """A town."""

    name: str
    mayor: str | None = None
    streets: list[City]


def test_a_stream_is_read_once(server: Emulator, chat: MakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """The work is linear: finished parts are neither read nor cleaned again, and classes are made at a pace."""
    streets = [{"name": f"Street {number}", "country": None, "population": number} for number in range(150)]
    whole = {"name": "Town", "mayor": None, "streets": streets}
    validated: list[int] = []
    parse = StructuredAnswerParser.validated
    monkeypatch.setattr(
        StructuredAnswerParser,
        "validated",
        lambda self, value, text: validated.append(len(json.dumps(value))) or parse(self, value, text),
    )
    server.queue(reply("json_schema", whole, "Town"))
    states = list(chat().with_structured_output(Town).stream("x"))
    assert len(states[-1].streets) == 150
    assert sum(validated) <= 150 * len(json.dumps(whole))


def test_a_validator_that_raises_what_it_likes(server: Emulator, chat: MakeModel) -> None:
    class Picky(BaseModel):
        """Picky."""

        name: str

        @field_validator("name")
        @classmethod
        def _check(cls, value: str) -> str:
            raise KeyError(value)

    server.queue(Answer(text='{"name": "x"}'))
    with pytest.raises(OutputParserException, match="does not fit Picky"):
        chat().with_structured_output(Picky).invoke("x")


def test_a_claude_that_thinks_is_not_forced_and_says_so(server: Emulator, chat: MakeModel) -> None:
    """Its routes refuse a forced tool beside thinking (langchain#35544)."""
    server.queue(Answer(text="Ottawa."), Answer(tool_calls=[Call("City", {"name": "x"})]))
    model = chat(model="claude-sonnet-4-5", reasoning={"effort": "low"})
    structured = model.with_structured_output(City, method="function_calling")
    with (
        pytest.warns(UserWarning, match="tool_choice .* is left out"),
        pytest.raises(OutputParserException, match=r"Claude model that thinks.*method='json_schema'"),
    ):
        structured.invoke("x")
    assert "tool_choice" not in server.last_body
    with pytest.warns(UserWarning, match="tool_choice"):
        assert structured.invoke("x") == City(name="x")


def _deep() -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(600):
        schema = {"title": "T", "type": "object", "properties": {"a": schema}}
    return schema


ODD_SCHEMAS: dict[str, dict[str, Any]] = {
    "required": {**JSON_SCHEMA, "required": 5},
    "anyOf": {"title": "T", "anyOf": 5},
    "title": {**JSON_SCHEMA, "title": 5},
    "description": {**JSON_SCHEMA, "description": 5},
    "properties": {**JSON_SCHEMA, "properties": []},
    "deep": _deep(),
    "itself": {
        **JSON_SCHEMA,
        "properties": {"a": {"$ref": "#/$defs/A"}},
        "$defs": {"A": {"anyOf": [{"$ref": "#/$defs/A"}, {"type": "null"}]}},
        "required": [],
    },
    "nowhere": {**JSON_SCHEMA, "properties": {"a": {"$ref": "#/$defs/X"}}},
    "remote": {**JSON_SCHEMA, "properties": {"a": {"$ref": "https://example.org/a.json"}}},
    "type": {"title": "T", "description": "d", "type": 5, "properties": {}},
    "booleans": {**JSON_SCHEMA, "properties": {"a": True, "b": False}},
}


@pytest.mark.parametrize("name", ODD_SCHEMAS)
@pytest.mark.parametrize("strict", [None, True])
@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_odd_schemas_end_in_typed_errors_or_as_they_are(
    server: Emulator, chat: MakeModel, name: str, strict: bool | None, method: str
) -> None:
    server.queue(*[reply(method, '{"a": null, "name": null}', "City")] * 2)
    schema = ODD_SCHEMAS[name]
    for use in (lambda model: model.invoke("x"), lambda model: list(model.stream("x"))):
        with suppress(core.GumloopError, OutputParserException):
            use(chat().with_structured_output(schema, method=method, strict=strict))  # type: ignore[arg-type]
