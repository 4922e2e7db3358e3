"""Structured prediction beyond what the conformance suite asks of every provider."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from enum import Enum
from itertools import pairwise
from typing import Annotated, Any, Literal

import pytest
from llama_index.core.callbacks import TokenCountingHandler
from llama_index.core.llms import ChatMessage
from llama_index.core.program import FunctionCallingProgram
from llama_index.core.prompts import ChatPromptTemplate, PromptTemplate
from pydantic import BaseModel, Field, RootModel

from gumloop_core.errors import InvalidRequestError
from gumloop_emulator import Answer, Chunks, Emulator, Pause, ToolCall
from llama_index_gumloop.errors import LengthLimitError, RefusalError, StructuredOutputError
from llama_index_gumloop.structured import prediction
from tests.contract.llama_index.suite.structured import grows
from tests.support.http_bytes import chunk

PROMPT = PromptTemplate("Tell of {what}.")


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Wheel(BaseModel):
    size: int
    note: str = "none"


class Car(BaseModel):
    """A car."""

    name: str
    colour: Colour = Colour.RED
    wheels: list[Wheel] = Field(default_factory=list)
    spare: Wheel | None = None
    parts: dict[str, Wheel] | None = None


class Node(BaseModel):
    label: str
    children: list[Node] = Field(default_factory=list)


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"]
    tricks: list[str] = Field(default_factory=list)


class Home(BaseModel):
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    size: int = Field(alias="squareMetres")


class Event(BaseModel):
    model_config = {"strict": True}
    tags: tuple[str, ...] = ()
    raw: bytes = b""


class Scores(BaseModel):
    by_name: dict[str, int]


class Names(RootModel[list[str]]):
    pass


def test_strict_nulls_become_the_classes_defaults(server: Emulator, llm):
    server.queue(Answer(text='{"name": "T", "colour": null, "wheels": [{"size": 3, "note": null}], "spare": null}'))

    class Plain(Car):
        parts: None = None

    car = llm.structured_predict(Plain, PROMPT, what="cars")
    assert (car.colour, car.wheels, car.spare) == (Colour.RED, [Wheel(size=3)], None)
    sent = server.last_body["response_format"]["json_schema"]
    assert sent["strict"] is True
    assert sent["name"] == "Plain"


def test_a_class_that_contains_itself(server: Emulator, llm):
    tree = {"label": "a", "children": [{"label": "b", "children": []}]}
    server.queue(Answer(text=json.dumps(tree)))
    assert llm.structured_predict(Node, PROMPT, what="trees") == Node.model_validate(tree)
    assert server.last_body["response_format"]["json_schema"]["schema"]["type"] == "object"


def test_alternatives_and_aliases(server: Emulator, llm):
    home = {"pet": {"kind": "dog", "tricks": None}, "squareMetres": 40}
    server.queue(Answer(text=json.dumps(home)), Answer(text=json.dumps(home)))
    assert llm.structured_predict(Home, PROMPT, what="homes") == Home(pet=Dog(kind="dog"), squareMetres=40)
    partials = list(llm.stream_structured_predict(Home, PROMPT, what="homes"))
    assert partials[-1].size == 40
    assert all(hasattr(partial, "size") for partial in partials)


def test_a_class_that_validates_strictly(server: Emulator, llm):
    server.queue(Answer(text='{"tags": ["a"], "raw": "x"}'))
    assert llm.structured_predict(Event, PROMPT, what="events") == Event(tags=("a",), raw=b"x")


def test_an_open_object_is_asked_for_without_strictness(server: Emulator, llm):
    server.queue(Answer(text='{"by_name": {"ada": 1}}'))
    assert llm.structured_predict(Scores, PROMPT, what="scores").by_name == {"ada": 1}
    assert server.last_body["response_format"]["json_schema"]["strict"] is False


def test_what_is_no_object_is_refused(server: Emulator, llm):
    with pytest.raises(InvalidRequestError, match=r"Names.*must be an object"):
        llm.structured_predict(Names, PROMPT, what="names")
    assert not server.requests


def test_a_class_without_a_schema_is_refused(llm):
    class Odder(BaseModel):
        model_config = {"arbitrary_types_allowed": True}
        thing: TokenCountingHandler

    with pytest.raises(InvalidRequestError, match="Odder"):
        llm.structured_predict(Odder, PROMPT, what="odd things")


@pytest.mark.parametrize("text", ['```json\n{"size": 3}\n```', 'Here: {"size": 3}. Good?'])
def test_words_around_the_object_are_read_over(server: Emulator, llm, text: str):
    server.queue(Answer(text=text))
    assert llm.structured_predict(Wheel, PROMPT, what="wheels") == Wheel(size=3)


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (Answer(text=None, refusal="No."), RefusalError, "No."),
        (Answer(text='{"size": ', finish_reason="length"), LengthLimitError, "max_completion_tokens"),
        (Answer(text='{"size": ', finish_reason="content_filter"), RefusalError, "filter"),
        (Answer(text="I cannot."), StructuredOutputError, "I cannot."),
        (Answer(text=""), StructuredOutputError, "empty"),
        (Answer(text='{"size": "large"}'), StructuredOutputError, "size"),
        (Answer(text="[1]"), StructuredOutputError, "Wheel"),
    ],
    ids=lambda value: getattr(value, "finish_reason", None) or str(value)[:20],
)
@pytest.mark.parametrize("way", ["whole", "streamed", "llm", "streamed llm"])
def test_an_answer_that_is_no_object_raises(server: Emulator, llm, way: str, answer: Answer, error: type, message: str):
    server.queue(answer)
    structured = llm.as_structured_llm(Wheel)
    ask = {
        "whole": lambda: llm.structured_predict(Wheel, PROMPT, what="wheels"),
        "streamed": lambda: list(llm.stream_structured_predict(Wheel, PROMPT, what="wheels")),
        "llm": lambda: structured.complete("A wheel!"),
        "streamed llm": lambda: list(structured.stream_complete("A wheel!")),
    }[way]
    with pytest.raises(error, match=message) as caught:
        ask()
    assert caught.value.response.additional_kwargs["completion_tokens"] >= 0
    assert isinstance(caught.value, ValueError)


def test_an_object_that_ends_at_the_limit_is_whole(server: Emulator, llm):
    server.queue(Answer(text='{"size": 3, "note": "x"}', finish_reason="length"))
    assert llm.structured_predict(Wheel, PROMPT, what="wheels") == Wheel(size=3, note="x")


def test_a_reading_of_the_stream_grows(server: Emulator, llm):
    text = json.dumps({"name": "Tin Lizzie", "wheels": [{"size": number, "note": "n" * 5} for number in range(8)]})
    server.queue(Chunks([*(chunk({"content": part}) for part in text), chunk({}, finish_reason="stop")]))
    states = [partial.model_dump() for partial in llm.stream_structured_predict(Car, PROMPT, what="cars")]
    assert len(states) > 50
    for earlier, later in pairwise(states[:-1]):
        assert grows(earlier, later)


def _predict(llm: Any, kind: str, output_cls: Any, **options: Any) -> Any:
    """One of the four ways to predict."""

    async def last() -> Any:
        objects = [one async for one in await llm.astream_structured_predict(output_cls, PROMPT, **options)]
        return objects[-1]

    if kind == "sync":
        return llm.structured_predict(output_cls, PROMPT, **options)
    if kind == "stream":
        return list(llm.stream_structured_predict(output_cls, PROMPT, **options))[-1]
    if kind == "async":
        return asyncio.run(llm.astructured_predict(output_cls, PROMPT, **options))
    return asyncio.run(last())


KINDS = ["sync", "stream", "async", "astream"]


@pytest.mark.parametrize("kind", KINDS)
def test_prediction_by_function_forces_the_call_and_keeps_the_system_prompt(server: Emulator, make_llm, kind: str):
    llm = make_llm(pydantic_program_mode="function", system_prompt="Be brief.")
    server.queue(Answer(tool_calls=[ToolCall("Wheel", {"size": 3})]))
    keywords = {"temperature": 0.5, "tool_choice": "auto"}
    assert _predict(llm, kind, Wheel, llm_kwargs=keywords, what="{wheels}") == Wheel(size=3)
    body = server.last_body
    assert body["tool_choice"] == "required"
    assert "response_format" not in body
    assert [message["content"] for message in body["messages"]] == ["Be brief.", "Tell of {wheels}."]
    assert keywords == {"temperature": 0.5, "tool_choice": "auto"}


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_prediction_by_text_goes_the_frameworks_way(server: Emulator, make_llm, kind: str):
    llm = make_llm(pydantic_program_mode="llm", system_prompt="Be brief.")
    server.queue(Answer(text='{"size": 3}'))
    assert _predict(llm, kind, Wheel, what="wheels") == Wheel(size=3)
    assert not server.last_body.keys() & {"tools", "response_format"}


def test_the_frameworks_own_program_works(server: Emulator, llm):
    server.queue(Answer(tool_calls=[ToolCall("Wheel", {"size": 3})]))
    program = FunctionCallingProgram.from_defaults(Wheel, prompt=PROMPT, llm=llm)
    assert program(what="wheels") == Wheel(size=3)
    assert server.last_body["tool_choice"] == "required"


def test_braces_in_messages_are_left_alone(server: Emulator, llm):
    server.queue(Answer(text='{"size": 3}'))
    llm.as_structured_llm(Wheel).chat([ChatMessage("What is {this}?")])
    assert server.last_body["messages"][0]["content"] == "What is {this}?"


def test_a_chat_template_is_sent_with_its_roles(server: Emulator, llm):
    server.queue(Answer(text='{"size": 3}'))
    template = ChatPromptTemplate([ChatMessage(role="system", content="Be {how}."), ChatMessage("A wheel!")])
    llm.structured_predict(Wheel, template, how="brief")
    assert [message["content"] for message in server.last_body["messages"]] == ["Be brief.", "A wheel!"]


def test_closing_a_stream_of_objects_hangs_up(server: Emulator, llm):
    events = [chunk({"content": '{"size": 3, '}), chunk({"content": '"note": "a'}), Pause()]
    server.queue(Chunks(events), Chunks(events))
    for objects in (
        llm.stream_structured_predict(Wheel, PROMPT, what="wheels"),
        llm.as_structured_llm(Wheel).stream_chat([ChatMessage("A wheel!")]),
    ):
        next(objects)
        assert server.active_streams == 1
        objects.close()
        assert server.wait_for(lambda server: server.active_streams == 0)


def test_a_model_without_native_support_is_asked_by_function(server: Emulator, make_llm, monkeypatch):
    monkeypatch.setattr(
        "gumloop_core.served_models.known_facts", lambda model, models_url: {"structured_output": False}
    )
    server.queue(Answer(tool_calls=[ToolCall("Wheel", {"size": 3})]))
    assert make_llm().structured_predict(Wheel, PROMPT, what="wheels") == Wheel(size=3)
    assert server.last_body["tool_choice"] == "required"


def test_a_prompt_that_is_no_template_is_refused(server: Emulator, llm):
    with pytest.raises(InvalidRequestError, match="must be a prompt template"):
        llm.structured_predict(Wheel, "Tell of {what}.", what="wheels")
    assert not server.requests


@pytest.mark.parametrize("mode", ["function", "llm", "default"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("reason", "error"), [("length", LengthLimitError), ("content_filter", RefusalError)])
@pytest.mark.parametrize("text", ['{"size": 3, "note": "on', '{"size": 3', ""])
def test_no_object_is_made_of_half_an_answer(
    server: Emulator, make_llm, mode: str, kind: str, reason: str, error: type, text: str
):
    llm = make_llm(pydantic_program_mode=mode)
    calls = [ToolCall("Wheel", text)] if mode == "function" else []
    server.queue(Answer(text=None if calls else text, tool_calls=calls, finish_reason=reason))
    with pytest.raises(error):
        _predict(llm, kind, Wheel, what="wheels")


@pytest.mark.parametrize("kind", KINDS)
def test_an_object_by_function_grows_and_is_valid_at_last(server: Emulator, make_llm, kind: str):
    llm = make_llm(pydantic_program_mode="function")
    server.queue(Answer(tool_calls=[ToolCall("Car", {"name": "Tin Lizzie", "wheels": [{"size": 3}] * 5})]))
    assert _predict(llm, kind, Car, what="cars") == Car(name="Tin Lizzie", wheels=[Wheel(size=3)] * 5)
    if kind == "stream":
        server.queue(Answer(tool_calls=[ToolCall("Car", {"name": "Tin Lizzie", "wheels": [{"size": 3}] * 5})]))
        states = [part.model_dump() for part in llm.stream_structured_predict(Car, PROMPT, what="cars")]
        assert len(states) > 5
        assert all(grows(earlier, later) for earlier, later in pairwise(states[:-1]))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(text="A wheel of 3."), "answered with text instead of calling 'Wheel': 'A wheel of 3.'"),
        (Answer(tool_calls=[ToolCall("Wheel", "[1]")]), "not a JSON object"),
        (Answer(tool_calls=[ToolCall("Wheel", {"size": "large"})]), "does not make a valid Wheel"),
        (Answer(text=None, refusal="No."), "No."),
    ],
    ids=["text", "list", "invalid", "refusal"],
)
def test_a_call_that_is_no_object_raises(server: Emulator, make_llm, kind: str, answer: Answer, said: str):
    server.queue(answer)
    with pytest.raises(StructuredOutputError, match=said) as caught:
        _predict(make_llm(pydantic_program_mode="function"), kind, Wheel, what="wheels")
    assert caught.value.response.additional_kwargs["completion_tokens"] >= 0


def test_a_claude_that_thinks_is_not_forced_and_says_so(server: Emulator, make_llm):
    """Its routes refuse a forced tool beside thinking (langchain#35544)."""
    llm = make_llm(model="claude-sonnet-4-5", reasoning={"effort": "low"}, pydantic_program_mode="function")
    server.queue(Answer(text="A wheel."))
    with (
        pytest.warns(UserWarning, match="tool_choice .* is left out"),
        pytest.raises(StructuredOutputError, match="Claude model that thinks"),
    ):
        llm.structured_predict(Wheel, PROMPT, what="wheels")
    assert "tool_choice" not in server.last_body


@pytest.mark.parametrize("text", ['```JSON\n{"size": 3}\n```', 'As in [1], {here}: {"size": 3}', '{"size": 3} There.'])
def test_words_around_the_object_are_read_over_by_the_core(server: Emulator, llm, text: str):
    server.queue(Answer(text=text), Answer(text=text))
    assert llm.structured_predict(Wheel, PROMPT, what="wheels") == Wheel(size=3)
    assert list(llm.stream_structured_predict(Wheel, PROMPT, what="wheels"))[-1] == Wheel(size=3)


@pytest.mark.parametrize("kind", KINDS)
def test_a_mode_of_the_frameworks_own_that_is_not_installed_is_told(server: Emulator, make_llm, kind: str):
    llm = make_llm(pydantic_program_mode="guidance")
    with pytest.raises(StructuredOutputError, match="No Wheel could be made of the answer: "):
        _predict(llm, kind, Wheel, what="wheels")
    assert not server.requests


class Program:
    """Stands in for a program of the framework's that needs an extra."""

    def __init__(self, objects: list[Any]) -> None:
        self.objects = objects
        self.asked: list[dict[str, Any]] = []

    def __call__(self, **given: Any) -> Any:
        self.asked.append(given)
        return self.objects[-1]

    async def acall(self, **given: Any) -> Any:
        return self(**given)

    def stream_call(self, **given: Any) -> Iterator[Any]:
        self.asked.append(given)
        yield from self.objects

    async def astream_call(self, **given: Any) -> AsyncIterator[Any]:
        self.asked.append(given)

        async def stream() -> AsyncIterator[Any]:
            for one in self.objects:
                yield one

        return stream()


@pytest.mark.parametrize("kind", KINDS)
def test_a_program_of_the_frameworks_own_is_asked(make_llm, monkeypatch, kind: str):
    program = Program([Wheel(size=1), Wheel(size=3)])
    monkeypatch.setattr(prediction, "get_program_for_llm", lambda *_, **__: program)
    llm = make_llm(pydantic_program_mode="guidance")
    assert _predict(llm, kind, Wheel, llm_kwargs={"temperature": 0.5}, what="wheels") == Wheel(size=3)
    assert program.asked == [{"llm_kwargs": {"temperature": 0.5}, "what": "wheels"}]


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_what_a_program_makes_must_be_what_was_asked_for(make_llm, monkeypatch, kind: str):
    monkeypatch.setattr(prediction, "get_program_for_llm", lambda *_, **__: Program(["a wheel"]))
    with pytest.raises(StructuredOutputError, match="is not the Wheel that was asked for: 'a wheel'"):
        _predict(make_llm(pydantic_program_mode="guidance"), kind, Wheel, what="wheels")


def test_a_prompt_that_cannot_be_made_is_told(server: Emulator, llm):
    def fail(**_: Any) -> str:
        raise LookupError("no wheels")

    template = PromptTemplate("Tell of {what}.", function_mappings={"what": fail})
    with pytest.raises(InvalidRequestError, match=r"cannot be made of what.*LookupError: .*no wheels"):
        llm.structured_predict(Wheel, template, other=1)
    assert not server.requests


def test_a_class_that_no_tool_can_be_made_of_is_told(server: Emulator, make_llm):
    class Odder(BaseModel):
        model_config = {"arbitrary_types_allowed": True}
        thing: TokenCountingHandler

    with pytest.raises(InvalidRequestError, match="Odder"):
        make_llm(pydantic_program_mode="function").structured_predict(Odder, PROMPT, what="odd things")
    assert not server.requests
