"""The vendor's own SDK as a client: what it sends is accepted, what it gets parses."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator

import pytest
from gumloop import AsyncGumloop, Gumloop
from gumloop.errors import APIStatusError
from gumloop.spec import ChatRequest, ChatResult, ChatStreamChunk

from gumloop_emulator import Emulator
from tests.emulator.support import MODEL, POPULATION, WEATHER, user

TURN = {"model": MODEL, "messages": [user("Capital of Canada?")]}


@pytest.fixture
def sdk(server: Emulator) -> Iterator[Gumloop]:
    with Gumloop(server.api_key, user_id=server.user_id, base_url=server.base_url) as client:
        yield client


@pytest.fixture
async def async_sdk(server: Emulator) -> AsyncIterator[AsyncGumloop]:
    async with AsyncGumloop(access_token=server.access_token, base_url=server.base_url) as client:
        yield client


def test_unary(sdk: Gumloop, server: Emulator) -> None:
    result = sdk.chat.completions.create(**TURN)
    assert isinstance(result, ChatResult)
    assert result.choices[0].message.content == "Capital of Canada?"
    assert result.choices[0].finish_reason == "stop"
    assert result.model == MODEL
    assert result.usage.total_tokens == result.usage.prompt_tokens + result.usage.completion_tokens
    ChatRequest.model_validate(server.last_body)


def test_streamed(sdk: Gumloop) -> None:
    chunks = list(sdk.chat.completions.create(stream=True, **TURN))
    assert all(isinstance(chunk, ChatStreamChunk) for chunk in chunks)
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(c.delta.content or "" for chunk in chunks for c in chunk.choices) == "Capital of Canada?"
    assert [c.finish_reason for chunk in chunks for c in chunk.choices if c.finish_reason] == ["stop"]
    assert len([chunk for chunk in chunks if chunk.usage]) == 1
    assert chunks[-1].usage is not None
    assert len({chunk.id for chunk in chunks}) == 1


async def test_async_unary_and_streamed(async_sdk: AsyncGumloop) -> None:
    result = await async_sdk.chat.completions.create(**TURN)
    assert result.choices[0].message.content == "Capital of Canada?"
    stream = await async_sdk.chat.completions.create(stream=True, **TURN)
    text = [c.delta.content or "" async for chunk in stream for c in chunk.choices]
    assert "".join(text) == "Capital of Canada?"


def test_tool_round_trip(sdk: Gumloop) -> None:
    messages = [user("What is the weather in Paris?")]
    first = sdk.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER])
    call = first.choices[0].message.tool_calls[0]
    assert first.choices[0].finish_reason == "tool_calls"
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "city"})
    messages += [
        first.choices[0].message.model_dump(exclude_unset=True, by_alias=True),
        {"role": "tool", "tool_call_id": call.id, "content": "18 degrees and windy"},
    ]
    second = sdk.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER])
    assert "18 degrees and windy" in second.choices[0].message.content


def test_streamed_tool_calls(sdk: Gumloop) -> None:
    stream = sdk.chat.completions.create(
        model=MODEL,
        messages=[user("What is the weather in Paris and the population of Berlin?")],
        tools=[WEATHER, POPULATION],
        stream=True,
    )
    names: dict[int, str] = {}
    arguments: dict[int, str] = {}
    pieces = 0
    for chunk in stream:
        for choice in chunk.choices:
            for part in choice.delta.tool_calls or ():
                pieces += 1
                names[part.index] = names.get(part.index, "") + (part.function.name or "")
                arguments[part.index] = arguments.get(part.index, "") + (part.function.arguments or "")
    assert names == {0: "get_weather", 1: "get_population"}
    assert {index: json.loads(text) for index, text in arguments.items()} == {
        0: {"city": "city"},
        1: {"city": "city"},
    }
    assert pieces > 4


def test_structured(sdk: Gumloop) -> None:
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name", "age"],
        "additionalProperties": False,
    }
    result = sdk.chat.completions.create(
        model=MODEL,
        messages=[user("Ada Lovelace is 36 years old.")],
        response_format={"type": "json_schema", "json_schema": {"name": "person", "strict": True, "schema": schema}},
    )
    assert json.loads(result.choices[0].message.content) == {"name": "name", "age": 1}


def test_pictures(sdk: Gumloop) -> None:
    request = {"model": "gpt-image-1.5", "messages": [user("A red boat")], "modalities": ["image"]}
    result = sdk.chat.completions.create(**request)
    assert result.choices[0].message.images[0].image_url.url.startswith("data:image/png;base64,")
    chunks = list(sdk.chat.completions.create(stream=True, image_config={"partial_images": 2}, **request))
    images = [image for chunk in chunks for c in chunk.choices for image in c.delta.images or ()]
    assert len(images) == 3
    assert images[-1].image_url.url == result.choices[0].message.images[0].image_url.url


def test_reasoning(sdk: Gumloop) -> None:
    request = {"model": "claude-opus-4-5", "messages": [user("Capital of Canada?")]}
    message = sdk.chat.completions.create(**request).choices[0].message
    assert message.reasoning_details[0].text == message.reasoning
    assert message.reasoning_details[0].signature
    chunks = list(sdk.chat.completions.create(stream=True, **request))
    details = [d for chunk in chunks for c in chunk.choices for d in c.delta.reasoning_details or ()]
    assert "".join(d.text or "" for d in details if isinstance(d.text, str)) == message.reasoning
    assert details[-1].signature == message.reasoning_details[0].signature


def test_models_and_route(sdk: Gumloop, server: Emulator) -> None:
    groups = sdk.models.list(team_id="team-1").model_groups
    slugs = [option["value"] for group in groups for option in group["options"]]
    assert {MODEL, "gpt-image-1.5", "moonshotai/kimi-k2.6"} <= set(slugs)
    assert all(group["groupLabel"] and option["label"] for group in groups for option in group["options"])
    assert server.requests[-1].query == {"team_id": "team-1"}
    routed = sdk.models.route(input="Refactor this Python function", models=[MODEL, "gpt-4o-mini"])
    assert (routed.router, routed.route.model, routed.route.lane) == ("gumloop-chew", MODEL, "balanced")
    assert [candidate.model for candidate in routed.candidates] == [MODEL, "gpt-4o-mini"]


def test_errors(sdk: Gumloop) -> None:
    with pytest.raises(APIStatusError) as caught:
        sdk.chat.completions.create(model="no-such-model", messages=[user("Hi")])
    assert (caught.value.status_code, caught.value.code, caught.value.param) == (400, "invalid_request", "model")
    with pytest.raises(APIStatusError) as caught:
        list(sdk.chat.completions.create(model="emulator/error-402", messages=[user("Hi")], stream=True))
    assert (caught.value.status_code, caught.value.code) == (402, "insufficient_credits")


def test_error_in_the_stream(sdk: Gumloop) -> None:
    chunks = list(
        sdk.chat.completions.create(model="emulator/stream-error", messages=[user("Capital of Canada?")], stream=True)
    )
    assert (chunks[-1].error.code, chunks[-1].error.message) == (402, "budget exceeded")
    assert chunks[-1].choices[0].finish_reason == "error"


def test_untidy_stream_reads_the_same(sdk: Gumloop) -> None:
    chunks = list(
        sdk.chat.completions.create(model="emulator/untidy-stream", messages=[user("Capital of Canada?")], stream=True)
    )
    assert "".join(c.delta.content or "" for chunk in chunks for c in chunk.choices) == "Capital of Canada?"
