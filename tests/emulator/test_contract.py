"""Each thing that is refused, with the `param` that names it, and what is accepted beside it."""

from __future__ import annotations

import base64
import json
from typing import Any

import jsonschema
import pytest
from gumloop.spec import ChatRequest

from gumloop_emulator import Emulator
from gumloop_emulator.contract import SHAPES, validator
from tests.emulator.support import MODEL, WEATHER, body, message, post, refusal, tool, user

PNG = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"0" * 20).decode()
JPEG = "data:image/jpeg;base64," + base64.b64encode(b"\xff\xd8\xff" + b"0" * 20).decode()
GIF = "data:image/gif;base64," + base64.b64encode(b"GIF89a" + b"0" * 20).decode()
WEBP = "data:image/webp;base64," + base64.b64encode(b"RIFF0000WEBP" + b"0" * 20).decode()


def call(identifier: str = "c1", arguments: object = "{}", **fields: Any) -> dict[str, Any]:
    function = {"name": "get_weather", "arguments": arguments}
    return {"id": identifier, "type": "function", "function": function, **fields}


def calling(*calls: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": list(calls)}


def result(identifier: str = "c1") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": identifier, "content": "sunny"}


def image(url: object) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]


def parts(*contents: object, role: str = "user") -> list[dict[str, Any]]:
    return [{"role": role, "content": list(contents)}, *([user("Hi")] if role != "user" else [])]


TEXT = {"type": "text", "text": "Hi"}

REFUSED_MESSAGES: dict[str, tuple[object, str]] = {
    "none": ([], "messages"),
    "no list": ("Hi", "messages"),
    "no object": (["Hi"], "messages[0]"),
    "unknown role": ([{"role": "robot", "content": "Hi"}], "messages[0].role"),
    "function role": ([{"role": "function", "name": "f", "content": "Hi"}], "messages[0].role"),
    "no role": ([{"content": "Hi"}], "messages[0].role"),
    "no content": ([{"role": "user"}], "messages[0].content"),
    "null content": ([{"role": "user", "content": None}], "messages[0].content"),
    "numeric content": ([{"role": "user", "content": 1}], "messages[0].content"),
    "no parts": ([{"role": "user", "content": []}], "messages[0].content"),
    "part is a string": (parts("Hi"), "messages[0].content[0]"),
    "part without text": (parts({"type": "text"}), "messages[0].content[0].text"),
    "part of another maker": (parts({"type": "image", "source": {}}), "messages[0].content[0].type"),
    "thinking part": (
        parts(TEXT, {"type": "thinking", "thinking": "x"}, role="assistant"),
        "messages[0].content[1].type",
    ),
    "tool_use part": (parts({"type": "tool_use", "id": "x"}, role="assistant"), "messages[0].content[0].type"),
    "image for the system": (
        parts({"type": "image_url", "image_url": {"url": PNG}}, role="system"),
        "messages[0].content[0].type",
    ),
    "image_url is a string": (parts({"type": "image_url", "image_url": PNG}), "messages[0].content[0].image_url"),
    "audio without format": (
        parts({"type": "input_audio", "input_audio": {"data": "x"}}),
        "messages[0].content[0].input_audio.format",
    ),
    "file without data": (
        parts({"type": "file", "file": {"filename": "a.pdf"}}),
        "messages[0].content[0].file.file_data",
    ),
    "video without url": (parts({"type": "video_url", "video_url": {}}), "messages[0].content[0].video_url.url"),
    "odd cache_control": (
        parts({**TEXT, "cache_control": {"type": "forever"}}),
        "messages[0].content[0].cache_control.type",
    ),
    "odd ttl": (
        parts({**TEXT, "cache_control": {"type": "ephemeral", "ttl": "9y"}}),
        "messages[0].content[0].cache_control.ttl",
    ),
    "numeric name": ([{"role": "user", "content": "Hi", "name": 1}], "messages[0].name"),
    "assistant says nothing": ([user("Hi"), {"role": "assistant", "content": None}], "messages[1].content"),
    "unmatched result": ([user("Hi"), result()], "messages[1].tool_call_id"),
    "result for another call": ([user("Hi"), calling(call()), result("c2")], "messages[2].tool_call_id"),
    "answered twice": ([user("Hi"), calling(call()), result(), result()], "messages[3].tool_call_id"),
    "result without id": ([user("Hi"), calling(call()), {"role": "tool", "content": "x"}], "messages[2].tool_call_id"),
    "unanswered at the end": ([user("Hi"), calling(call())], "messages[1].tool_calls[0].id"),
    "unanswered in between": (
        [user("Hi"), calling(call("c1"), call("c2")), result("c1"), user("So?")],
        "messages[1].tool_calls[1].id",
    ),
    "result too late": ([user("Hi"), calling(call()), user("So?"), result()], "messages[1].tool_calls[0].id"),
    "same id twice": ([user("Hi"), calling(call(), call()), result()], "messages[1].tool_calls[1].id"),
    "same id again": (
        [user("Hi"), calling(call()), result(), calling(call()), result()],
        "messages[3].tool_calls[0].id",
    ),
    "empty id": ([user("Hi"), calling(call("")), result("")], "messages[1].tool_calls[0].id"),
    "no type": ([user("Hi"), calling(call(type=None)), result()], "messages[1].tool_calls[0].type"),
    "arguments as object": (
        [user("Hi"), calling(call(arguments={})), result()],
        "messages[1].tool_calls[0].function.arguments",
    ),
    "arguments no JSON": (
        [user("Hi"), calling(call(arguments='{"a":')), result()],
        "messages[1].tool_calls[0].function.arguments",
    ),
    "arguments a list": (
        [user("Hi"), calling(call(arguments="[]")), result()],
        "messages[1].tool_calls[0].function.arguments",
    ),
    "no calls": ([user("Hi"), calling()], "messages[1].tool_calls"),
    "user calls a tool": ([{**user("Hi"), "tool_calls": [call()]}], "messages[0].tool_calls"),
    "odd reasoning detail": (
        [user("Hi"), {"role": "assistant", "content": "x", "reasoning_details": [{"type": "thinking"}]}],
        "messages[1].reasoning_details[0].type",
    ),
}

URL = "messages[0].content[0].image_url.url"
REFUSED_IMAGES: dict[str, object] = {
    "no url": None,
    "empty": "",
    "file": "file:///etc/passwd",
    "bare base64": PNG.partition(",")[2],
    "no host": "https:///x.png",
    "not base64": "data:image/png,hello",
    "broken base64": "data:image/png;base64,@@@@",
    "svg": "data:image/svg+xml;base64," + base64.b64encode(b"<svg/>").decode(),
    "pdf": "data:application/pdf;base64," + base64.b64encode(b"%PDF-1.4").decode(),
    "other bytes": "data:image/png;base64," + base64.b64encode(b"hello world").decode(),
    "other type": JPEG.replace("image/jpeg", "image/png"),
    "too large": "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"0" * (20 * 2**20)).decode(),
}


def schema_format(schema: object = None, **fields: Any) -> dict[str, Any]:
    given = {"type": "object", "properties": {}} if schema is None else schema
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": given, **fields}}


OPEN_OBJECT = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
LOOSE_OBJECT = {**OPEN_OBJECT, "additionalProperties": False, "required": []}
NESTED_OPEN = {
    "type": "object",
    "properties": {"items": {"type": "array", "items": OPEN_OBJECT}},
    "required": ["items"],
    "additionalProperties": False,
}
SCHEMA = "response_format.json_schema.schema"
PARAMETERS = "tools[0].function.parameters"


def function(**fields: Any) -> list[dict[str, Any]]:
    return [{"type": "function", "function": {"name": "f", **fields}}]


REFUSED_FIELDS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown model": ({"model": "gpt-99"}, "model"),
    "known family, unknown slug": ({"model": "claude-sonnet-9"}, "model"),
    "unknown emulator slug": ({"model": "emulator/unheard-of"}, "model"),
    "unknown error shape": ({"model": "emulator/error-500-sonnet"}, "model"),
    "empty model": ({"model": ""}, "model"),
    "null model": ({"model": None}, "model"),
    "unknown fallback": ({"models": [MODEL, "gpt-99"]}, "models[1]"),
    "stream is a string": ({"stream": "yes"}, "stream"),
    "stream is null": ({"stream": None}, "stream"),
    "stream_options without stream": ({"stream_options": {"include_usage": True}}, "stream_options"),
    "hot": ({"temperature": 3}, "temperature"),
    "freezing": ({"temperature": -0.1}, "temperature"),
    "temperature in words": ({"temperature": "high"}, "temperature"),
    "boolean temperature": ({"temperature": True}, "temperature"),
    "top_p": ({"top_p": 1.5}, "top_p"),
    "penalty": ({"frequency_penalty": 2.5}, "frequency_penalty"),
    "other penalty": ({"presence_penalty": -3}, "presence_penalty"),
    "no tokens": ({"max_completion_tokens": 0}, "max_completion_tokens"),
    "negative tokens": ({"max_tokens": -1}, "max_tokens"),
    "absurd tokens": ({"max_completion_tokens": 10**12}, "max_completion_tokens"),
    "half a token": ({"max_completion_tokens": 1.5}, "max_completion_tokens"),
    "seed": ({"seed": "x"}, "seed"),
    "stop is a number": ({"stop": 1}, "stop"),
    "empty stop": ({"stop": ""}, "stop"),
    "stop in a list": ({"stop": ["a", 1]}, "stop[1]"),
    "logprobs": ({"logprobs": 1}, "logprobs"),
    "top_logprobs alone": ({"top_logprobs": 2}, "top_logprobs"),
    "bias": ({"logit_bias": {"50": 101}}, "logit_bias.50"),
    "metadata": ({"metadata": {"a": 1}}, "metadata.a"),
    "user": ({"user": 5}, "user"),
    "provider": ({"provider": "openai"}, "provider"),
    "provider order": ({"provider": {"order": "openai"}}, "provider.order"),
    "effort": ({"reasoning": {"effort": "extreme"}}, "reasoning.effort"),
    "reasoning budget": ({"reasoning": {"max_tokens": 0}}, "reasoning.max_tokens"),
    "reasoning": ({"reasoning": "high"}, "reasoning"),
    "plugin": ({"plugins": [{}]}, "plugins[0].id"),
    "parallel": ({"parallel_tool_calls": "no", "tools": [WEATHER]}, "parallel_tool_calls"),
    "no tools": ({"tools": []}, "tools"),
    "tools are null": ({"tools": None}, "tools"),
    "tool type": ({"tools": [{"type": "mcp"}]}, "tools[0].type"),
    "tool of another maker": ({"tools": [{"name": "f", "input_schema": {}}]}, "tools[0].type"),
    "tool without function": ({"tools": [{"type": "function"}]}, "tools[0].function"),
    "tool name": ({"tools": [tool("get weather")]}, "tools[0].function.name"),
    "long tool name": ({"tools": [tool("a" * 65)]}, "tools[0].function.name"),
    "two of a name": ({"tools": [WEATHER, WEATHER]}, "tools[1].function.name"),
    "odd cache_control": ({"cache_control": "ephemeral"}, "cache_control"),
    "tool's odd cache_control": (
        {"tools": [{**WEATHER, "cache_control": {"ttl": "1h"}}]},
        "tools[0].cache_control.type",
    ),
    "parameters": ({"tools": function(parameters={"type": "string"})}, f"{PARAMETERS}.type"),
    "parameter type": ({"tools": [tool("f", a={"type": "text"})]}, f"{PARAMETERS}.properties.a.type"),
    "parameter list": ({"tools": function(parameters=[])}, PARAMETERS),
    "loose strict tool": (
        {"tools": function(parameters=OPEN_OBJECT, strict=True)},
        f"{PARAMETERS}.additionalProperties",
    ),
    "choice without tools": ({"tool_choice": "auto"}, "tool_choice"),
    "choice of words": ({"tools": [WEATHER], "tool_choice": "any"}, "tool_choice"),
    "choice of another maker": ({"tools": [WEATHER], "tool_choice": {"type": "tool", "name": "f"}}, "tool_choice.type"),
    "choice is null": ({"tools": [WEATHER], "tool_choice": None}, "tool_choice"),
    "unknown choice": (
        {"tools": [WEATHER], "tool_choice": {"type": "function", "function": {"name": "f"}}},
        "tool_choice.function.name",
    ),
    "format in words": ({"response_format": "json"}, "response_format"),
    "format type": ({"response_format": {"type": "xml"}}, "response_format.type"),
    "format without schema": ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
    "schema without name": (
        {"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}},
        "response_format.json_schema.name",
    ),
    "name only": ({"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}}, SCHEMA),
    "schema name": ({"response_format": schema_format(name="my schema")}, "response_format.json_schema.name"),
    "long schema name": ({"response_format": schema_format(name="x" * 65)}, "response_format.json_schema.name"),
    "schema type": ({"response_format": schema_format({"type": "objekt"})}, f"{SCHEMA}.type"),
    "schema required": ({"response_format": schema_format({"type": "object", "required": "a"})}, f"{SCHEMA}.required"),
    "schema enum": ({"response_format": schema_format({"enum": []})}, f"{SCHEMA}.enum"),
    "schema reference": ({"response_format": schema_format({"$ref": "#/$defs/Gone"})}, f"{SCHEMA}.$ref"),
    "schema bound": ({"response_format": schema_format({"type": "integer", "minimum": "1"})}, f"{SCHEMA}.minimum"),
    "schema pattern": ({"response_format": schema_format({"type": "string", "pattern": "("})}, f"{SCHEMA}.pattern"),
    "schema alternatives": ({"response_format": schema_format({"anyOf": []})}, f"{SCHEMA}.anyOf"),
    "schema properties": ({"response_format": schema_format({"properties": []})}, f"{SCHEMA}.properties"),
    "strict but open": ({"response_format": schema_format(OPEN_OBJECT, strict=True)}, f"{SCHEMA}.additionalProperties"),
    "strict but optional": ({"response_format": schema_format(LOOSE_OBJECT, strict=True)}, f"{SCHEMA}.required"),
    "strict inside": (
        {"response_format": schema_format(NESTED_OPEN, strict=True)},
        f"{SCHEMA}.properties.items.items.additionalProperties",
    ),
    "strict but no object": ({"response_format": schema_format({"type": "array"}, strict=True)}, f"{SCHEMA}.type"),
    "strict in words": ({"response_format": schema_format(strict="yes")}, "response_format.json_schema.strict"),
    "picture of a chat model": ({"modalities": ["image", "text"]}, "modalities"),
    "text of a painter": ({"model": "gpt-image-1.5", "modalities": ["text"]}, "modalities"),
    "unknown modality": ({"modalities": ["smell"]}, "modalities[0]"),
    "no modality": ({"modalities": []}, "modalities"),
    "image_config": ({"image_config": "big"}, "image_config"),
    "image size": ({"model": "gpt-image-1.5", "image_config": {"size": "big"}}, "image_config.size"),
    "aspect ratio": ({"model": "gpt-image-1.5", "image_config": {"aspect_ratio": "wide"}}, "image_config.aspect_ratio"),
    "partial images": (
        {"model": "gpt-image-1.5", "image_config": {"partial_images": 9}},
        "image_config.partial_images",
    ),
}


@pytest.mark.parametrize("name", REFUSED_MESSAGES)
def test_refused_messages(server: Emulator, name: str) -> None:
    messages, param = REFUSED_MESSAGES[name]
    assert refusal(server, {"model": MODEL, "messages": messages})[0] == param


@pytest.mark.parametrize("name", REFUSED_IMAGES)
def test_refused_images(server: Emulator, name: str) -> None:
    assert refusal(server, body(image(REFUSED_IMAGES[name])))[0] == URL


@pytest.mark.parametrize("name", REFUSED_FIELDS)
def test_refused_fields(server: Emulator, name: str) -> None:
    fields, param = REFUSED_FIELDS[name]
    assert refusal(server, {**body(), **fields})[0] == param


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"Hi"', b'{"model": NaN}', b"\xff\xfe", b"[" * 200_000])
def test_refused_bodies(server: Emulator, raw: bytes) -> None:
    assert refusal(server, raw)[0] is None


def test_missing_messages_and_model(server: Emulator) -> None:
    assert refusal(server, {"model": MODEL})[0] == "messages"
    assert refusal(server, {"messages": [user("Hi")]})[0] == "model"


def test_what_no_provider_can_do_is_501(server: Emulator) -> None:
    for fields in ({"modalities": ["text", "audio"]}, {"response_format": {"type": "grammar", "grammar": "x"}}):
        response = post(server, body(**fields))
        assert (response.status_code, response.json()["error"]["code"]) == (501, "not_supported")


STRICT_PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": ["integer", "null"]}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
ACCEPTED: dict[str, dict[str, Any]] = {
    "bare": body(),
    "developer, system and name": body(
        [
            {"role": "system", "content": [TEXT]},
            {"role": "developer", "content": "Be kind."},
            {**user("Hi"), "name": "ada"},
            {**user("Hi again"), "name": "ada"},
        ]
    ),
    "images": body(
        [
            {
                "role": "user",
                "content": [
                    TEXT,
                    *(
                        {"type": "image_url", "image_url": {"url": url, "detail": "low"}}
                        for url in (PNG, JPEG, GIF, WEBP, "https://example.com/a.png")
                    ),
                ],
            }
        ]
    ),
    "attachments": body(
        parts(
            {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk="}},
            {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}},
        )
    ),
    "tool turn": body(
        [
            user("Hi"),
            calling(call("a"), call("b")),
            result("b"),
            result("a"),
            {"role": "assistant", "content": "x"},
            user("?"),
        ],
        tools=[WEATHER],
        tool_choice="none",
        parallel_tool_calls=False,
    ),
    "result of parts": body(
        [
            user("Hi"),
            calling(call()),
            {"role": "tool", "tool_call_id": "c1", "content": [TEXT, {"type": "image_url", "image_url": {"url": PNG}}]},
        ]
    ),
    "picture sent back": body(
        [user("Draw"), {"role": "assistant", "content": "", "images": [{"image_url": {"url": PNG}}]}, user("Again")]
    ),
    "refusal sent back": body([user("x"), {"role": "assistant", "content": None, "refusal": "no"}, user("Why?")]),
    "sampling": body(
        temperature=0.2,
        top_p=0.9,
        seed=1,
        stop=["\n\n"],
        frequency_penalty=0.1,
        presence_penalty=-0.1,
        max_completion_tokens=50,
    ),
    "nulls": body(
        temperature=None, top_p=None, stop=None, seed=None, max_tokens=None, provider=None, stream_options=None
    ),
    "bookkeeping": body(user="u", session_id="s", metadata={"a": "b"}, service_tier="flex", trace={"trace_id": "t"}),
    "routing": body(provider={"order": ["anthropic"], "allow_fallbacks": False, "sort": "price"}, models=[MODEL]),
    "plugins": body(plugins=[{"id": "web", "max_results": 2}]),
    "strict": body(
        response_format={"type": "json_schema", "json_schema": {"name": "p", "strict": True, "schema": STRICT_PERSON}},
        tools=[{"type": "function", "function": {"name": "save", "strict": True, "parameters": STRICT_PERSON}}],
    ),
    "json object": body("Answer in JSON", response_format={"type": "json_object"}),
    "logprobs": body(logprobs=True, top_logprobs=3, logit_bias={"50": -100}),
    "reasoning": body(reasoning={"effort": "low", "summary": "auto"}),
    "cached": body(
        parts({**TEXT, "cache_control": {"type": "ephemeral", "ttl": "1h"}}),
        cache_control={"type": "ephemeral"},
        tools=[{**WEATHER, "cache_control": {"type": "ephemeral", "ttl": "5m"}}],
    ),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted_bodies_are_also_valid_for_the_vendors_sdk(server: Emulator, name: str) -> None:
    ChatRequest.model_validate(ACCEPTED[name])
    response = post(server, ACCEPTED[name])
    assert response.status_code == 200, response.text


def test_unknown_fields_are_ignored(server: Emulator) -> None:
    assert post(server, body(thinking={"type": "enabled"}, top_k=4)).status_code == 200


@pytest.mark.parametrize(
    "own", [{"type": "web_search"}, {"type": "openrouter:web_search", "parameters": {}}, {"google_search": {}}]
)
def test_a_providers_own_tool_is_no_function(server: Emulator, own: dict[str, Any]) -> None:
    assert message(server, body("Latest news?", tools=[own])) == {"role": "assistant", "content": "Latest news?"}


def test_whole_numbers_may_be_written_with_a_point(server: Emulator) -> None:
    raw = json.dumps(body()).encode()[:-1] + b', "max_completion_tokens": 5.0}'
    assert post(server, raw).status_code == 200


def test_nothing_is_fetched_for_an_image_url(server: Emulator) -> None:
    own = f"{server.base_url}/picture.png"
    assert post(server, body(image(own))).status_code == 200
    assert [request.path for request in server.requests] == ["/api/v1/chat/completions"]


def closed(**parts: Any) -> dict[str, Any]:
    return {"type": "object", "properties": parts, "required": list(parts), "additionalProperties": False}


# What OpenAI's strict routes refuse: its guide to structured outputs lists what they take.
REFUSED_UNDER_STRICT: dict[str, tuple[dict[str, Any], str]] = {
    "oneOf": (closed(a={"oneOf": [{"type": "string"}]}), ".properties.a.oneOf"),
    "discriminator": (
        closed(a={"anyOf": [{"type": "string"}], "discriminator": {"propertyName": "x"}}),
        ".properties.a.discriminator",
    ),
    "allOf": (closed(a={"allOf": [{"type": "string"}]}), ".properties.a.allOf"),
    "not": (closed(a={"type": "string", "not": {"const": "x"}}), ".properties.a.not"),
    "if": ({**closed(), "if": {}, "then": {}}, ".if"),
    "uniqueItems": (
        closed(a={"type": "array", "items": {"type": "string"}, "uniqueItems": True}),
        ".properties.a.uniqueItems",
    ),
    "prefixItems": (closed(a={"type": "array", "prefixItems": [{"type": "string"}]}), ".properties.a.prefixItems"),
    "minLength": (closed(a={"type": "string", "minLength": 1}), ".properties.a.minLength"),
    "default": (closed(a={"type": "string", "default": "x"}), ".properties.a.default"),
    "patternProperties": ({**closed(), "patternProperties": {}}, ".patternProperties"),
    "dependentRequired": ({**closed(), "dependentRequired": {}}, ".dependentRequired"),
    "contentEncoding": (closed(a={"type": "string", "contentEncoding": "base64"}), ".properties.a.contentEncoding"),
    "format": (closed(a={"type": "string", "format": "uri"}), ".properties.a.format"),
    "lookahead": (closed(a={"type": "string", "pattern": "^(?!x)"}), ".properties.a.pattern"),
    "anything": (closed(a={}), ".properties.a"),
    "true": (closed(a=True), ".properties.a"),
    "items of anything": (closed(a={"type": "array", "items": {}}), ".properties.a.items"),
    "bare list": (closed(a={"type": "array"}), ".properties.a.items"),
    "beside a reference": (
        {**closed(a={"$ref": "#/$defs/A", "description": "x"}), "$defs": {"A": closed()}},
        ".properties.a",
    ),
    "in a definition": (
        {**closed(a={"$ref": "#/$defs/A"}), "$defs": {"A": closed(b={})}},
        ".$defs.A.properties.b",
    ),
    "in an alternative": (closed(a={"anyOf": [{"type": "null"}, {}]}), ".properties.a.anyOf[1]"),
    "required without property": ({**closed(), "required": ["x"]}, ".required"),
    "alternatives at the root": ({**closed(), "anyOf": [closed()]}, ".anyOf"),
    "values": (closed(a={"type": "string", "enum": [str(number) for number in range(1001)]}), ".properties.a.enum"),
}


@pytest.mark.parametrize("name", REFUSED_UNDER_STRICT)
def test_what_strict_mode_does_not_know_is_named(server: Emulator, name: str) -> None:
    schema, place = REFUSED_UNDER_STRICT[name]
    strict = body(response_format=schema_format(schema, strict=True))
    assert refusal(server, strict)[0] == f"{SCHEMA}{place}"
    tools = body(tools=function(parameters=schema, strict=True))
    assert refusal(server, tools)[0] == f"{PARAMETERS}{place}"
    assert post(server, body(response_format=schema_format(schema, strict=False))).status_code == 200


CONTRACT = {"$defs": SHAPES, "$ref": "#/$defs/Chat"}
PRESENT = {
    **ACCEPTED,
    **{name: {"model": MODEL, "messages": messages} for name, (messages, _) in REFUSED_MESSAGES.items()},
    **{name: {**body(), **fields} for name, (fields, _) in REFUSED_FIELDS.items()},
}
BY_FORMAT = {"arguments no JSON", "arguments a list"}  # of which a validator of JSON Schema knows nothing


def test_the_contract_is_a_json_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(CONTRACT)


@pytest.mark.parametrize("name", sorted(PRESENT.keys() - BY_FORMAT))
def test_the_contract_means_the_same_to_another_validator(name: str) -> None:
    accepts = jsonschema.Draft202012Validator(CONTRACT).is_valid(PRESENT[name])
    assert validator("Chat").isinstance_python(PRESENT[name], strict=True) == accepts
