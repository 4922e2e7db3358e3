"""Tools of every form, tool choices, and what becomes of bad ones."""

from __future__ import annotations

import copy
import gc
from enum import Enum
from typing import Any, TypedDict

import pytest
from langchain_core.messages import AIMessage
from langchain_core.tools import BaseTool, StructuredTool, tool
from pydantic import BaseModel, Field
from pydantic.v1 import BaseModel as V1Model

from gumloop_core import errors as core
from gumloop_emulator import Answer, Emulator
from gumloop_emulator import ToolCall as Call
from langchain_gumloop import tools as tools_module
from langchain_gumloop.tools import tool_params
from tests.langchain.answers import call, unary
from tests.langchain.conftest import MakeModel

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def weather(city: str) -> str:
    """Tell the weather."""
    return city


@tool
def weather_tool(city: str) -> str:
    """Tell the weather."""
    return city


class Weather(BaseModel):
    """Tell the weather."""

    city: str


class OldWeather(V1Model):
    """Tell the weather."""

    city: str


class TypedWeather(TypedDict):
    """Tell the weather."""

    city: str


class WeatherTool(BaseTool):
    name: str = "weather"
    description: str = "Tell the weather."

    def _run(self, city: str) -> str:
        return city


class Weatherman:
    def weather(self, city: str) -> str:
        """Tell the weather."""
        return city


FORMS = {
    "function": (weather, "weather"),
    "method": (Weatherman().weather, "weather"),
    "decorated": (weather_tool, "weather_tool"),
    "structured": (StructuredTool.from_function(weather), "weather"),
    "BaseTool": (WeatherTool(), "weather"),
    "pydantic": (Weather, "Weather"),
    "pydantic v1": (OldWeather, "OldWeather"),
    "TypedDict": (TypedWeather, "TypedWeather"),
    "OpenAI tool": (
        {"type": "function", "function": {"name": "weather", "description": "Tell the weather.", "parameters": SCHEMA}},
        "weather",
    ),
    "OpenAI function": ({"name": "weather", "description": "Tell the weather.", "parameters": SCHEMA}, "weather"),
    "Anthropic": ({"name": "weather", "description": "Tell the weather.", "input_schema": SCHEMA}, "weather"),
    "Bedrock": (
        {"toolSpec": {"name": "weather", "description": "Tell the weather.", "inputSchema": {"json": SCHEMA}}},
        "weather",
    ),
    "JSON Schema": ({"title": "weather", "description": "Tell the weather.", **SCHEMA}, "weather"),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_tool_reaches_the_wire(server: Emulator, chat: MakeModel, form: str) -> None:
    given, name = FORMS[form]
    server.queue(Answer(text="ok"))
    chat().bind_tools([given]).invoke("x")
    (sent,) = server.last_body["tools"]
    assert sent["type"] == "function"
    assert sent["function"]["name"] == name
    assert sent["function"]["description"] == "Tell the weather."
    assert sent["function"]["parameters"]["properties"]["city"]["type"] == "string"
    assert sent["function"]["parameters"]["required"] == ["city"]


def test_an_anthropic_tool_keeps_its_mark_for_caching(server: Emulator, chat: MakeModel) -> None:
    server.queue(Answer(text="ok"))
    given = {"name": "weather", "input_schema": SCHEMA, "cache_control": {"type": "ephemeral"}}
    chat().bind_tools([given]).invoke("x")
    assert server.last_body["tools"][0]["cache_control"] == {"type": "ephemeral"}


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        (None, None),
        (False, None),
        ("auto", "auto"),
        ("none", "none"),
        ("any", "required"),
        ("required", "required"),
        (True, "required"),
        ("weather", {"type": "function", "function": {"name": "weather"}}),
        (
            {"type": "function", "function": {"name": "weather"}},
            {"type": "function", "function": {"name": "weather"}},
        ),
    ],
)
def test_every_tool_choice(server: Emulator, chat: MakeModel, choice: Any, sent: Any) -> None:
    server.queue(unary(tool_calls=[call("c1", "weather", '{"city": "Paris"}')]))
    answer = chat().bind_tools([weather], tool_choice=choice).invoke("x")
    assert server.last_body.get("tool_choice") == sent
    assert answer.tool_calls == [{"name": "weather", "args": {"city": "Paris"}, "id": "c1", "type": "tool_call"}]


def test_a_tool_named_like_a_choice_wins(server: Emulator, chat: MakeModel) -> None:
    server.queue(Answer(tool_calls=[Call("auto", {})]))
    named = {"name": "auto", "parameters": {"type": "object", "properties": {}}}
    chat().bind_tools([named], tool_choice="auto").invoke("x")
    assert server.last_body["tool_choice"] == {"type": "function", "function": {"name": "auto"}}


def test_a_choice_of_a_tool_that_is_not_there_is_refused_at_once(chat: MakeModel) -> None:
    with pytest.raises(core.InvalidRequestError, match=r"names the tool 'wether'.*'weather'"):
        chat().bind_tools([weather], tool_choice="wether")


@pytest.mark.parametrize(("given", "said"), [(3, "'3'"), ({"type": "object"}, "object"), (object(), "object object")])
def test_what_is_not_a_tool_is_named_at_once(chat: MakeModel, given: Any, said: str) -> None:
    with pytest.raises(core.InvalidRequestError, match=f"The tool .*{said}.* cannot be turned into a schema"):
        chat().bind_tools([weather, given])


def test_an_empty_list_is_not_sent(server: Emulator, chat: MakeModel) -> None:
    model = chat(parallel_tool_calls=False)
    model.bind_tools([], tool_choice="auto", response_format={"type": "json_object"}).invoke("Give JSON")
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & server.last_body.keys()
    assert server.last_body["response_format"] == {"type": "json_object"}
    model.invoke("x", tools=[], tool_choice="any")
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & server.last_body.keys()


def test_parallel_calls_can_be_switched_off(server: Emulator, chat: MakeModel) -> None:
    server.queue(Answer(text="a"), Answer(text="b"))
    chat().bind_tools([weather], parallel_tool_calls=False).invoke("x")
    assert server.last_body["parallel_tool_calls"] is False
    chat(parallel_tool_calls=False).bind_tools([weather]).invoke("x")
    assert server.last_body["parallel_tool_calls"] is False


def test_strict_makes_the_schema_safe_and_leaves_the_callers_alone(server: Emulator, chat: MakeModel) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer", "default": 1}},
        "required": ["city"],
    }
    given = {"name": "weather", "parameters": schema}
    before = copy.deepcopy(given)
    server.queue(Answer(text="ok"), Answer(text="ok"))
    chat().bind_tools([given], strict=True).invoke("x")
    function = server.last_body["tools"][0]["function"]
    assert function["strict"] is True
    assert function["parameters"]["required"] == ["city", "days"]
    assert function["parameters"]["additionalProperties"] is False
    assert function["parameters"]["properties"]["days"]["type"] == "integer"
    assert given == before
    chat().bind_tools([given], strict=False).invoke("x")
    assert server.last_body["tools"][0]["function"]["strict"] is False
    assert server.last_body["tools"][0]["function"]["parameters"] == schema


def test_a_strict_call_fits_the_tool(server: Emulator, chat: MakeModel) -> None:
    @tool
    def forecast(city: str, days: int = 1) -> str:
        """Forecast the weather in a city."""
        return f"{city}: {days}"

    answer = chat().bind_tools([forecast], strict=True, tool_choice="forecast").invoke("The forecast for Paris?")
    assert isinstance(forecast.invoke(answer.tool_calls[0]).content, str)  # it refuses a null


def test_a_schema_that_cannot_be_strict_is_named(chat: MakeModel) -> None:
    class Anything(BaseModel):
        """Take anything."""

        values: dict[str, Any]

    with pytest.raises(core.InvalidRequestError, match="'Anything' cannot be strict"):
        chat().bind_tools([Anything], strict=True)


def test_tools_of_a_single_call_are_converted_too(server: Emulator, chat: MakeModel) -> None:
    server.queue(Answer(text="ok"))
    chat().invoke("x", tools=[weather, Weather], tool_choice="any")
    assert [entry["function"]["name"] for entry in server.last_body["tools"]] == ["weather", "Weather"]
    assert server.last_body["tool_choice"] == "required"


@pytest.mark.parametrize(
    "given",
    [
        {"type": "web_search", "parameters": {"max_results": 3}},
        {"type": "openrouter:web_search"},
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 3},
    ],
    ids=["OpenAI", "OpenRouter", "Anthropic"],
)
def test_the_endpoints_own_tools_pass_as_they_are(chat: MakeModel, given: dict[str, Any]) -> None:
    assert chat().bind_tools([given]).kwargs["tools"] == [given]  # type: ignore[attr-defined]


def test_arguments_that_are_not_an_object_are_invalid_calls(server: Emulator, chat: MakeModel) -> None:
    calls = [call("c1", "weather", '{"city": "Pa'), call("c2", "weather", "[1]"), call("c3", "weather", "")]
    server.queue(unary(tool_calls=calls))
    answer: AIMessage = chat().bind_tools([weather]).invoke("x")
    assert answer.tool_calls == [{"name": "weather", "args": {}, "id": "c3", "type": "tool_call"}]
    assert [(entry["id"], entry["args"]) for entry in answer.invalid_tool_calls] == [
        ("c1", '{"city": "Pa'),
        ("c2", "[1]"),
    ]
    assert [block["type"] for block in answer.content_blocks] == ["tool_call", "invalid_tool_call", "invalid_tool_call"]


def test_a_tool_is_converted_once_and_forgotten_with_the_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    converted: list[Any] = []
    convert = tools_module.convert_to_openai_tool
    monkeypatch.setattr(tools_module, "convert_to_openai_tool", lambda given: converted.append(None) or convert(given))

    def local(city: str) -> str:
        """Tell the weather."""
        return city

    first, second = tool_params([local]), tool_params([local])
    assert first == second
    assert len(converted) == 1
    first[0]["function"]["parameters"]["properties"]["city"]["type"] = "changed"
    assert tool_params([local]) == second
    key = id(local)
    assert key in tools_module._definitions._known
    del local
    gc.collect()
    assert key not in tools_module._definitions._known


def test_a_tool_that_changes_is_converted_again() -> None:
    changing = WeatherTool()
    assert tool_params([changing])[0]["function"]["description"] == "Tell the weather."
    changing.description = "Tell tomorrow's weather."
    assert tool_params([changing])[0]["function"]["description"] == "Tell tomorrow's weather."


def test_names_and_descriptions_of_fields_are_kept(server: Emulator, chat: MakeModel) -> None:
    class Forecast(BaseModel):
        """Forecast the weather."""

        city: str = Field(description="Where.", examples=["Köln"])

    server.queue(Answer(text="ok"))
    chat().bind_tools([Forecast]).invoke("x")
    city = server.last_body["tools"][0]["function"]["parameters"]["properties"]["city"]
    assert city["description"] == "Where."
    assert city["examples"] == ["Köln"]


@pytest.mark.parametrize(
    "given",
    [
        {"type": "openrouter:web_search", "parameters": {"max_results": 3}},
        {"google_search": {}},
        {"type": "web_search_preview", "search_context_size": "low"},
    ],
    ids=str,
)
def test_tools_of_the_server_pass_beside_functions(chat: MakeModel, given: dict[str, Any]) -> None:
    bound = chat().bind_tools([weather, given], strict=True)
    assert bound.kwargs["tools"][1] == given  # type: ignore[attr-defined]


def test_tools_of_the_server_reach_the_wire(server: Emulator, chat: MakeModel) -> None:
    server.queue(*[Answer(text="ok")] * 2)
    given = [{"type": "openrouter:web_search", "parameters": {"max_results": 3}}]
    chat().bind_tools(given).invoke("x")
    assert server.last_body["tools"] == given
    chat().invoke("x", tools=given)
    assert server.last_body["tools"] == given


@pytest.mark.parametrize("tools", [5, "weather", {"name": "weather"}], ids=str)
def test_tools_that_are_no_list_are_refused(chat: MakeModel, tools: Any) -> None:
    with pytest.raises(core.InvalidRequestError, match="tools must be a list"):
        chat().bind_tools(tools)
    with pytest.raises(core.InvalidRequestError, match="tools must be a list"):
        chat().invoke("x", tools=tools)


@pytest.mark.parametrize("strict", [None, True])
def test_extras_of_a_tool_are_kept(server: Emulator, chat: MakeModel, strict: bool | None) -> None:
    @tool(extras={"cache_control": {"type": "ephemeral"}, "defer_loading": True, "type": "not this"})
    def add(a: int) -> int:
        """Add."""
        return a

    server.queue(*[Answer(text="ok")] * 2)
    chat().bind_tools([add], strict=strict).invoke("x")
    (sent,) = server.last_body["tools"]
    assert (sent["type"], sent["cache_control"], sent["defer_loading"]) == (
        "function",
        {"type": "ephemeral"},
        True,
    )
    chat().invoke("x", tools=[add])
    assert server.last_body["tools"][0]["cache_control"] == {"type": "ephemeral"}


class Wind(Enum):
    NORTH = "north"
    SOUTH = "south"


class Report(BaseModel):
    """Report the weather."""

    wind: Wind = Field(description="Where it comes from.")
    places: set[str]
    again: Weather | None = Field(None, description="Another place.")


@pytest.mark.parametrize("strict", [None, True])
def test_a_tools_schema_keeps_what_stands_beside_references(
    server: Emulator, chat: MakeModel, strict: bool | None
) -> None:
    server.queue(Answer(text="ok"))
    chat().bind_tools([Report], strict=strict).invoke("x")
    parameters = server.last_body["tools"][0]["function"]["parameters"]
    assert parameters["properties"]["wind"]["description"] == "Where it comes from."
    assert parameters["properties"]["again"]["description"] == "Another place."


def test_a_strict_tool_that_cannot_be_says_which_part(chat: MakeModel) -> None:
    class Anything(BaseModel):
        """Take anything."""

        deep: list[Any]

    with pytest.raises(core.InvalidRequestError, match=r"'Anything' cannot be strict: properties\.deep\.items"):
        chat().bind_tools([Anything], strict=True)
