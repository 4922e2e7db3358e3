"""What the emulator's tests share: bodies, tools, and asking over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import httpx

from gumloop_emulator.http11 import LocalServer

MODEL = "claude-sonnet-4-5"
STRING = {"type": "string"}


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def tool(name: str, description: str = "", /, *, optional: Sequence[str] = (), **properties: Any) -> dict[str, Any]:
    parameters = {
        "type": "object",
        "properties": properties,
        "required": [key for key in properties if key not in optional],
    }
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


WEATHER = tool(
    "get_weather",
    "Get the current weather for a city.",
    city=STRING,
    unit={"type": "string", "enum": ["celsius", "fahrenheit"]},
    optional=["unit"],
)
POPULATION = tool("get_population", "The population of a city.", city=STRING)


def body(messages: str | list[dict[str, Any]] = "Hello", **fields: Any) -> dict[str, Any]:
    listed = [user(messages)] if isinstance(messages, str) else messages
    return {"model": MODEL, "messages": listed, **fields}


def answered(message: dict[str, Any], *results: str) -> list[dict[str, Any]]:
    """An assistant's message with calls, and their results."""
    calls = message["tool_calls"]
    return [
        message,
        *(
            {"role": "tool", "tool_call_id": call["id"], "content": content}
            for call, content in zip(calls, results, strict=True)
        ),
    ]


@lru_cache(maxsize=1)
def http() -> httpx.Client:
    """The client of all tests: making one takes longer than most of them."""
    return httpx.Client(timeout=20, trust_env=False)


def headers(server: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {server.api_key}", "x-auth-key": server.user_id}


KEY_OF_THE_EMULATOR = {"Authorization": "Bearer gl-key-emulator", "x-auth-key": "emulator-user"}


def post(server: LocalServer, content: object, **options: Any) -> httpx.Response:
    """Post a chat request; bytes are sent as they are."""
    sent = {"content": content} if isinstance(content, bytes) else {"json": content}
    own = headers(server) if hasattr(server, "api_key") else KEY_OF_THE_EMULATOR
    sent_headers = {**own, **options.pop("headers", {})}
    return http().post(f"{server.base_url}/chat/completions", headers=sent_headers, **sent, **options)


def message(server: LocalServer, content: object, **options: Any) -> dict[str, Any]:
    """The message of a unary answer."""
    response = post(server, content, **options)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()["choices"][0]["message"]
    return found


def refusal(server: LocalServer, content: object) -> tuple[str | None, str]:
    """The `param` and the message of the 400 that a body is refused with."""
    response = post(server, content)
    assert response.status_code == 400, response.text
    error = response.json()["error"]
    assert error["code"] in ("invalid_request", "provider_rejected")
    return error["param"], error["message"]


def events(response: httpx.Response) -> list[Any]:
    """The events of a streamed answer; the last one must be [DONE]."""
    found = [line.removeprefix("data: ") for line in response.text.splitlines() if line.startswith("data: ")]
    assert found[-1] == "[DONE]"
    return [json.loads(item) for item in found[:-1]]


def deltas(chunks: list[Any], key: str) -> Iterator[Any]:
    for chunk in chunks:
        for choice in chunk["choices"]:
            if choice["delta"].get(key) is not None:
                yield choice["delta"][key]


def text_of(chunks: list[Any]) -> str:
    return "".join(deltas(chunks, "content"))
