"""The openai SDK as a client, pointed at the emulator."""

from __future__ import annotations

import json
from collections.abc import Iterator

import openai
import pytest
from pydantic import BaseModel

from gumloop_emulator import Drop, Emulator, Failure
from tests.emulator.support import MODEL, WEATHER, user


@pytest.fixture
def sdk(server: Emulator) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        api_key=server.api_key,
        base_url=server.base_url,
        default_headers={"x-auth-key": server.user_id},
        max_retries=0,
    ) as client:
        yield client


def test_unary(sdk: openai.OpenAI) -> None:
    answer = sdk.chat.completions.create(model=MODEL, messages=[user("What is 23 * 7?")])
    assert answer.choices[0].message.content == "What is 23 * 7?"
    assert answer.usage is not None
    assert answer.usage.completion_tokens_details.reasoning_tokens == 0


def test_streamed_with_the_helper(sdk: openai.OpenAI) -> None:
    with sdk.chat.completions.stream(model=MODEL, messages=[user("Capital of Canada?")]) as stream:
        text = "".join(event.delta for event in stream if event.type == "content.delta")
        final = stream.get_final_completion()
    assert text == "Capital of Canada?"
    assert final.choices[0].finish_reason == "stop"


@pytest.mark.parametrize("include", [True, False])
def test_usage_only_when_it_is_included(sdk: openai.OpenAI, include: bool) -> None:
    chunks = list(
        sdk.chat.completions.create(
            model=MODEL, messages=[user("Hi")], stream=True, stream_options={"include_usage": include}
        )
    )
    assert [bool(chunk.usage) for chunk in chunks].count(True) == include
    if include:
        assert chunks[-1].choices == []


async def test_async() -> None:
    async with (
        Emulator() as server,
        openai.AsyncOpenAI(api_key=server.access_token, base_url=server.base_url) as client,
    ):
        answer = await client.chat.completions.create(model=MODEL, messages=[user("Capital of Peru?")])
        assert answer.choices[0].message.content == "Capital of Peru?"


class Person(BaseModel):
    name: str
    age: int
    email: str


def test_parse(sdk: openai.OpenAI) -> None:
    answer = sdk.chat.completions.parse(
        model=MODEL,
        messages=[user("Grace Hopper, 85 years old, grace@example.com")],
        response_format=Person,
    )
    assert answer.choices[0].message.parsed == Person(name="name", age=1, email="email")


class GetTime(BaseModel):
    """The current time in a city."""

    city: str


def test_strict_tool_from_a_model(sdk: openai.OpenAI) -> None:
    answer = sdk.chat.completions.parse(
        model=MODEL,
        messages=[user("What time is it in Tokyo?")],
        tools=[openai.pydantic_function_tool(GetTime, name="get_time")],
    )
    assert answer.choices[0].message.tool_calls[0].function.parsed_arguments == GetTime(city="city")


def test_named_tool(sdk: openai.OpenAI) -> None:
    answer = sdk.chat.completions.create(
        model=MODEL,
        messages=[user("Hello Rome")],
        tools=[WEATHER],
        tool_choice={"type": "function", "function": {"name": "get_weather"}},
    )
    call = answer.choices[0].message.tool_calls[0]
    assert json.loads(call.function.arguments) == {"city": "city"}


def test_image_model_over_extra_body(sdk: openai.OpenAI) -> None:
    answer = sdk.chat.completions.create(
        model="google/gemini-3.1-flash-image-preview",
        messages=[user("A boat")],
        extra_body={"image_config": {"size": "64x64"}},
    )
    extra = answer.choices[0].message.model_extra
    assert extra["images"][0]["image_url"]["url"].startswith("data:image/png;base64,")
    assert answer.usage.model_extra["cost"] > 0


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (403, openai.PermissionDeniedError),
        (404, openai.NotFoundError),
        (422, openai.UnprocessableEntityError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (502, openai.InternalServerError),
    ],
)
def test_statuses(sdk: openai.OpenAI, server: Emulator, status: int, kind: type[Exception]) -> None:
    server.queue(Failure(status, "no"))
    with pytest.raises(kind) as caught:
        sdk.chat.completions.create(model=MODEL, messages=[user("Hi")])
    assert "no" in str(caught.value)


def test_error_in_the_stream(sdk: openai.OpenAI) -> None:
    stream = sdk.chat.completions.create(model="emulator/stream-error", messages=[user("Hi there")], stream=True)
    with pytest.raises(openai.APIError, match="budget exceeded"):
        list(stream)


def test_dropped_connection(sdk: openai.OpenAI, server: Emulator) -> None:
    server.queue(Drop())
    with pytest.raises(openai.APIConnectionError):
        sdk.chat.completions.create(model=MODEL, messages=[user("Hi")])


def test_retry_after_a_failure(server: Emulator) -> None:
    server.queue(Failure(429, headers={"Retry-After": "0"}))
    with openai.OpenAI(api_key=server.access_token, base_url=server.base_url, max_retries=1) as client:
        answer = client.chat.completions.create(model=MODEL, messages=[user("Capital of Canada?")])
    assert answer.choices[0].message.content == "Capital of Canada?"
    assert len(server.requests) == 2
